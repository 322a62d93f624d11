"""Which epochs show what a study does to its examples: one with the deficit, and the same one of the clean run."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from critlab.study.runs.recipe import Recipe, recipes
from critlab.study.study import Study


class ExampleRecipes(NamedTuple):
    """The recipes of two epochs.

    Args:
        clean: of the clean run, without augmentation.
        deprived: of the run with the deficit or the switch, without augmentation.
        epoch: epochs trained before it.
        seed: whose random numbers are drawn.
    """

    clean: Recipe
    deprived: Recipe
    epoch: int
    seed: int


def example_recipes(study: Study) -> ExampleRecipes | None:
    """The first epoch with the study's own deficit or switch; None where no run has one."""
    swept = (run for run in study.runs if run.role == "deficit" and run.window.start < run.window.stop)
    run = next(swept, None)
    if run is None:
        return None
    epoch = run.window.start
    clean = next(one for one in study.runs if one.name == run.controls[0].control) if run.controls else run
    plain = recipes(clean, study)
    without = plain[min(epoch, len(plain) - 1)] if run.controls else recipes(run, study)[-1]
    return ExampleRecipes(
        replace(without, augment=None), replace(recipes(run, study)[epoch], augment=None), epoch, study.seeds[0]
    )
