"""The lasting damage of a stretch of a user's own training in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from critlab.analysis.statistics import Summary
from critlab.analysis.verdict import Answer
from critlab.report.text.numbers import score

DIGITS = 4


class Remedied(NamedTuple):
    """What one remedy did.

    Args:
        name: of the remedy.
        answer: whether damage is left.
        left: the damage that is left.
        recovered: the score with the remedy minus the score without it.
    """

    name: str
    answer: Answer
    left: Summary
    recovered: Summary


def lasting_damage_text(answer: Answer, damage: Summary, remedies: Sequence[Remedied]) -> str:
    """The answer with its numbers; where damage is present, also what each remedy did."""
    said = [f"{answer.capitalize()}: damage of {score(damage, DIGITS)}, remains after the recovery."]
    verbs = {"present": "does not remove it", "absent": "removes it", "inconclusive": "may remove it"}
    if answer == "present":
        for one in remedies:
            left, recovered = score(one.left, DIGITS), score(one.recovered, DIGITS)
            said.append(f"{one.name} {verbs[one.answer]}: {left}, remains; it recovers {recovered}.")
    return " ".join(said)
