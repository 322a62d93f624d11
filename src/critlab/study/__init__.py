"""What is asked: studies, runs, recipes and the tree of states; torch-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules
from critlab.study.constructors import onset_sweep as onset_sweep
from critlab.study.constructors import removal as removal
from critlab.study.constructors import removal_sweep as removal_sweep
from critlab.study.constructors import switch_off_sweep as switch_off_sweep
from critlab.study.constructors import window_sweep as window_sweep
from critlab.study.constructors import windows as windows
from critlab.study.ingredients.background_deficit import BackgroundDeficit as BackgroundDeficit
from critlab.study.ingredients.intervention import Intervention as Intervention
from critlab.study.ingredients.window import Window as Window
from critlab.study.ingredients.window_override import WindowOverride as WindowOverride
from critlab.study.optimizers.spec import OptimizerSpec as OptimizerSpec
from critlab.study.runs.recipe import Recipe as Recipe
from critlab.study.runs.run import Run as Run
from critlab.study.specs import AugmentSpec as AugmentSpec
from critlab.study.specs import ControlsSpec as ControlsSpec
from critlab.study.specs import EvaluationSpec as EvaluationSpec
from critlab.study.specs import StatisticsSpec as StatisticsSpec
from critlab.study.study import Setup as Setup
from critlab.study.study import Study as Study
from critlab.study.study import read_study as read_study
from critlab.study.sweeps import OnsetSweep as OnsetSweep
from critlab.study.sweeps import RemovalSweep as RemovalSweep
from critlab.study.sweeps import Sweep as Sweep
from critlab.study.sweeps import SwitchOffSweep as SwitchOffSweep
from critlab.study.sweeps import WindowSweep as WindowSweep

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
