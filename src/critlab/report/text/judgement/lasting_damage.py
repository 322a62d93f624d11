"""The lasting damage of a stretch of a user's own training in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from critlab.analysis.judgement.decision import FEW_SEEDS
from critlab.analysis.judgement.looks import Looks
from critlab.analysis.statistics import MINIMUM_SEEDS, Summary
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.report.text.judgement.looks import look_lines
from critlab.report.text.names import capital
from critlab.report.text.numbers import listing, plain, score
from critlab.report.text.timing.sensitivity import DRAW

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


class StretchFound(NamedTuple):
    """What the words say of a stretch.

    Args:
        answer: ``present``, ``damage_only``, ``absent`` or ``undecided``.
        reason: why it is undecided, a key of :data:`REASONS`; empty where it is not.
        damages: by name; ``harm`` and ``beyond_delay`` are not there without controls.
        remedies: what was tried.
        smallest: the smallest damage of interest.
        worst: the largest damage of a single repeat.
    """

    answer: str
    reason: str
    damages: Mapping[Any, Summary]
    remedies: Sequence[Remedied]
    smallest: float
    worst: float


WORDS: Mapping[str, str] = {
    "lasting_damage": "lasting damage",
    "beyond_delay": "damage beyond lost time",
    "harm": "harm",
}

REASONS: Mapping[str, str] = {
    "few repeats": "An answer needs at least {least} repeats.",
    "no controls": "",
    "identical repeats": "",
    "worst repeat": "One repeat lost {worst}. With fewer than {few} repeats, such a loss forbids the answer absent.",
    "between": "Some intervals hold the smallest damage of interest ({smallest}), so they do not decide.",
}
"""Each reason as a sentence; empty where another sentence says it."""


def lasting_damage_text(
    stretch: StretchFound, metric: Metric, uncounted: Mapping[str, str], repeats: int, looks: Looks
) -> str:
    """The answer with its numbers; where damage lasts, also what each remedy did.

    Args:
        stretch: what is said.
        metric: what the scores are.
        uncounted: the damages, and the remedies, in which not all repeats count, and why: ``copies`` or ``equal``.
        repeats: how many there are.
        looks: at which level they are judged.
    """
    unit = "" if metric == ACCURACY else metric.unit or metric.title
    said = [*_answered(stretch, unit)]
    if stretch.reason:
        smallest, worst = (f"{plain(value)} {unit}".rstrip() for value in (stretch.smallest, stretch.worst))
        filled = {"least": MINIMUM_SEEDS, "few": FEW_SEEDS, "smallest": smallest, "worst": worst}
        said.append(REASONS[stretch.reason].format(**filled))
    if stretch.answer in ("present", "damage_only"):
        said += [_remedied(one, unit) for one in stretch.remedies]
    said += _uncounted(stretch, metric, uncounted, repeats)
    said += look_lines(looks, "The stretch", "repeat")
    return " ".join(filter(None, said))


def _answered(stretch: StretchFound, unit: str) -> Iterator[str]:
    words_of = {
        name: f"{words} of {score(stretch.damages[name], DIGITS, unit)}"
        for name, words in WORDS.items()
        if name in stretch.damages
    }
    lasting, *critical = words_of.values()
    shown = f" {capital(' and '.join(critical))}." if critical else ""
    texts = {
        "present": f"Present: the stretch did harm.{shown} {capital(lasting)}, remains after the recovery.",
        "damage_only": f"Damage only: {lasting}, remains after the recovery. No harm is left:{shown}",
        "absent": f"Absent: {lasting}, after the recovery.{shown}",
        "undecided": f"Undecided: {lasting}, after the recovery.{shown}",
    }
    yield texts[stretch.answer]
    if not critical:
        yield "Without controls, nothing separates harm from lost time."


def _remedied(one: Remedied, unit: str) -> str:
    verbs = {"present": "does not remove it", "absent": "removes it", "undecided": "may remove it"}
    left, recovered = score(one.left, DIGITS, unit), score(one.recovered, DIGITS, unit)
    return f"{one.name} {verbs[one.answer]}: {left}, remains; it recovers {recovered}."


def _uncounted(stretch: StretchFound, metric: Metric, uncounted: Mapping[str, str], repeats: int) -> Iterator[str]:
    """Which damages do not have all repeats, and what to change."""
    found = {f"{name}": one.n for name, one in stretch.damages.items()} | {
        one.name: one.left.n for one in stretch.remedies
    }
    for why in ("copies", "equal"):
        names = [
            name for name, own in uncounted.items() if own == why and (name in WORDS or name not in stretch.damages)
        ]
        if not names:
            continue
        words = listing([WORDS.get(name, f"the damage left by {name}") for name in names])
        counted = min(found[name] for name in names)
        yield _copies(words, counted, repeats) if why == "copies" else _equal(words, len(names), repeats, metric)


def _copies(words: str, counted: int, repeats: int) -> str:
    why = f"because the order of the data in the recovery is fixed; {DRAW}"
    if counted == 1:
        return f"There is no interval for {words}: all {repeats} repeats of a fork are copies of each other, {why}."
    return f"Only {counted} of {repeats} repeats count for {words}: the others are copies of these, {why}."


def _equal(words: str, count: int, repeats: int, metric: Metric) -> str:
    verb = "is" if count == 1 else "are"
    images = "return test_correct from evaluate, or " if metric == ACCURACY else ""
    return (
        f"There is no interval for {words}, which {verb} the same in all {repeats} repeats, so that nothing shows the "
        f"error; {images}use another order of the data in each repeat."
    )
