"""What is asked: studies, runs, recipes and the tree of states; torch-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab.lazy import submodules
from critlab.study.background_deficit import Background as Background
from critlab.study.intervention import Intervention as Intervention
from critlab.study.recipe import Recipe as Recipe
from critlab.study.run import Run as Run
from critlab.study.specs import AugmentSpec as AugmentSpec
from critlab.study.specs import ControlsSpec as ControlsSpec
from critlab.study.specs import EvaluationSpec as EvaluationSpec
from critlab.study.specs import OptimizerSpec as OptimizerSpec
from critlab.study.specs import StatisticsSpec as StatisticsSpec
from critlab.study.study import Base as Base
from critlab.study.study import Study as Study
from critlab.study.study import read_study as read_study
from critlab.study.study import removal as removal
from critlab.study.study import windows as windows
from critlab.study.sweeps import RemovalSweep as RemovalSweep
from critlab.study.sweeps import Sweep as Sweep
from critlab.study.sweeps import WindowSweep as WindowSweep
from critlab.study.window import Window as Window
from critlab.study.window_override import Switch as Switch

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
