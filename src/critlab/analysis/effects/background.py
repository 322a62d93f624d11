"""What the deficits in the background cost by themselves, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab.analysis.curve import CurvePoint
from critlab.analysis.wording import effect

if TYPE_CHECKING:
    from critlab.analysis.results import Results


def background_cost(results: Results) -> Iterator[str]:
    """One sentence where the study has a background and a seed has its plain and its undisturbed control.

    The cost is the final accuracy of the clean run without the background minus that of the control with it, paired by
    seed; where controls are of several lengths, of the longest.
    """
    if not results.study.background:
        return
    controls = {(run.role, run.total): run for run in results.study.runs}
    longest = max(total for role, total in controls if role == "control")
    with_it, without = controls["control", longest], controls["undisturbed_control", longest]
    cost = results.finals.point(0, with_it, without)
    if isinstance(cost, CurvePoint):
        words = ", ".join(standing.words() for standing in results.study.background)
        yield f"The background alone ({words}) {effect(cost.damages)}."
