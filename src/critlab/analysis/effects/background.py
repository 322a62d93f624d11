"""What the deficits in the background cost by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from critlab.analysis.curve import compare
from critlab.analysis.curve_points import CurvePoint
from critlab.analysis.statistics import Summary
from critlab.analysis.tables.study_table import StudyTable
from critlab.study.ingredients.background_deficit import BackgroundDeficit


@dataclass(frozen=True)
class BackgroundEffect:
    """The damage by the background alone.

    Args:
        background: the deficits in it.
        effect: how much worse the final score of the control with the background is than that of the clean run without
            it, paired by seed.
    """

    background: tuple[BackgroundDeficit, ...]
    effect: Summary


def background_effect(results: StudyTable) -> BackgroundEffect | None:
    """None where the study has no background, or no seed has both its plain and its undisturbed control.

    Where controls are of several lengths, the longest are compared.
    """
    if not results.study.background:
        return None
    controls = {(run.role, run.total): run for run in results.study.runs}
    longest = max(total for role, total in controls if role == "control")
    with_it, without = controls["control", longest], controls["undisturbed_control", longest]
    cost = compare(results, 0, with_it, without)
    return BackgroundEffect(results.study.background, cost.damages) if isinstance(cost, CurvePoint) else None
