"""The lasting damage of a stretch of a user's own training in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from critlab.analysis.statistics import Summary
from critlab.report.text.numbers import score

DIGITS = 4


class Remedied(NamedTuple):
    """What one remedy did.

    Args:
        name: of the remedy.
        answer: whether damage is left: ``present``, ``absent`` or ``undecided``.
        left: the damage that is left.
        recovered: the score with the remedy minus the score without it.
    """

    name: str
    answer: str
    left: Summary
    recovered: Summary


WORDS: Mapping[str, str] = {
    "lasting_damage": "lasting damage",
    "beyond_delay": "damage beyond lost time",
    "harm": "harm",
}


def lasting_damage_text(
    answer: str, damages: Mapping[Any, Summary], remedies: Sequence[Remedied], unit: str = ""
) -> str:
    """The answer with its numbers; where damage lasts, also what each remedy did.

    Args:
        answer: ``present``, ``damage_only``, ``absent`` or ``undecided``.
        damages: by name; ``harm`` and ``beyond_delay`` are not there without controls.
        remedies: what was tried.
        unit: of the score; empty where it has none.
    """
    words_of = {
        name: f"{words} of {score(damages[name], DIGITS, unit)}" for name, words in WORDS.items() if name in damages
    }
    lasting, *critical = words_of.values()
    shown = f" {' and '.join(critical)}." if critical else ""
    texts = {
        "present": f"Present: the stretch did harm.{shown} {lasting.capitalize()}, remains after the recovery.",
        "damage_only": f"Damage only: {lasting}, remains after the recovery. No harm is left:{shown}",
        "absent": f"Absent: {lasting}, after the recovery.{shown}",
        "undecided": f"Undecided: {lasting}, after the recovery.{shown}",
    }
    said = [texts[answer] if critical else f"{texts[answer]} Without controls, nothing separates harm from lost time."]
    verbs = {"present": "does not remove it", "absent": "removes it", "undecided": "may remove it"}
    if answer in ("present", "damage_only"):
        for one in remedies:
            left, recovered = score(one.left, DIGITS, unit), score(one.recovered, DIGITS, unit)
            said.append(f"{one.name} {verbs[one.answer]}: {left}, remains; it recovers {recovered}.")
    return " ".join(said)
