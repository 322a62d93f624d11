"""What the deficits in the background cost by themselves, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab.analysis.final_accuracy import final_accuracy
from critlab.analysis.inference import summarise
from critlab.analysis.wording import described

if TYPE_CHECKING:
    from critlab.analysis.results import Results


def background_cost(results: Results) -> Iterator[str]:
    """One sentence where the study has a background and a seed has its plain and its undisturbed control.

    The cost is the final accuracy of the clean run without the background minus that of the control with it, paired by
    seed; where controls are of several lengths, of the longest.
    """
    if not results.study.background:
        return
    longest = max(run.total for run in results.study.runs if run.role == "control")
    with_it, without = (_finals(results, role, longest) for role in ("control", "undisturbed_control"))
    lost = [without[seed] - with_it[seed] for seed in sorted(with_it.keys() & without.keys())]
    if lost:
        words = ", ".join(standing.words() for standing in results.study.background)
        yield f"The background alone ({words}) costs {described(summarise(lost), of='accuracy')}."


def _finals(results: Results, role: str, total: int) -> dict[int, float]:
    """Final test accuracy of the controls of one role that are done, by seed."""
    found: dict[int, float] = {}
    for outcome in results.outcomes:
        if outcome.status == "done" and (outcome.run.role, outcome.run.total) == (role, total):
            rows = results.by_run[outcome.name]
            final = final_accuracy(rows, results.study.statistics.final_epochs)
            if final is not None:
                found[outcome.seed] = final
    return found
