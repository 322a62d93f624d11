"""What would decide an undecided verdict: controls to add, seeds to add, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.seeds_needed import MOST_SEEDS
from critlab.analysis.judgement.verdict import Verdict
from critlab.report.text.judgement.damages import NAMES, damage_name, damage_place
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.numbers import count, listing
from critlab.study.types import Place

HOW: Mapping[str, str] = {
    "controls.clocks": "train the deficit with a restarted schedule too (clocks in [controls])",
    "controls.delay": "set delay = true in [controls]",
    "controls.equal_total": "set equal_total = true in [controls]",
    "controls.at": "add the point {at} to at in [controls]",
    "optimizer.clock": "choose another schedule (clock in [optimizer])",
    "switch": "leave out the switch",
}
"""What to change in a study, by the key that decides it."""

HOW_IN_A_PROBE: Mapping[str, str] = {
    "controls.clocks": "give restart=True to critlab.probe",
    "controls.delay": "give delay=True to critlab.probe",
    "controls.equal_total": "give total= to critlab.probe in place of recovery=, so that all runs are equally long",
    "controls.at": "call critlab.probe with {points}, because its controls are at the {where}",
    "optimizer.clock": (
        "describe the training in a study file and choose a schedule there, because critlab does not know the learning "
        "rates of your own loop"
    ),
}
"""What to change in the call of :func:`critlab.probe`, whose study has no file; by the same keys. It has no switch."""

UNCOSTED = ("controls.equal_total",)
"""Keys whose cost is that of other runs than those that a probe would train."""


def remedy_texts(verdict: Verdict) -> Iterator[str]:
    """What would decide it, one sentence each; then what these seeds can detect."""
    yield from _controls(verdict)
    yield from _seeds(verdict)
    yield from _power(verdict)


def _controls(verdict: Verdict) -> Iterator[str]:
    """One sentence for each key to set, with the damages that it makes known and what it costs."""
    for key in dict.fromkeys(one.key for one in verdict.missing):
        missing = [one for one in verdict.missing if one.key == key]
        names = listing(list(dict.fromkeys(NAMES[one.name] for one in missing)))
        how, epochs = _how(verdict, key, missing[0].at), max(one.epochs for one in missing)
        cost = "" if verdict.own_loop and key in UNCOSTED else _cost(epochs, verdict.seeds)
        yield f"To measure {names}, {how}{cost}."


def _how(verdict: Verdict, key: str, at: Place) -> str:
    """What to change, in the study file or in the call that the runs are from."""
    if not verdict.own_loop:
        return HOW[key].format(at=at)
    points, where = f"at= that ends at {at}", "last removal"
    if verdict.sweep.points_key == "onsets":
        points, where = f"onsets= that begin at {at}", "first onset"
    return HOW_IN_A_PROBE[key].format(points=points, where=where)


def _cost(epochs: int, seeds: int) -> str:
    if not epochs:
        return ""
    return f": {count(epochs, 'epoch')} for each seed, {epochs * seeds:,} in all"


def _seeds(verdict: Verdict) -> Iterator[str]:
    if verdict.seeds_needed is not None:
        more = max(verdict.seeds_needed - verdict.seeds, 0)
        cost = f"{count(verdict.epochs_a_seed, 'epoch')} for each seed, {verdict.epochs_a_seed * more:,} in all"
        begin = "About" if verdict.seeds_needed > verdict.minimum_seeds else "At least"
        yield f"{begin} {count(verdict.seeds_needed, 'seed')} would be needed, {more} more than now: {cost}."
    elif verdict.seeds_may_decide and verdict.hardest is not None:
        yield _hardly(verdict, verdict.hardest)


def _hardly(verdict: Verdict, hardest: Damage) -> str:
    """Which damage more seeds would hardly decide, and why."""
    amount = MetricWords(verdict.metric).amount
    return (
        f"Even {MOST_SEEDS} seeds would hardly decide: {damage_name(hardest)}, {damage_place(hardest, verdict.sweep)}, "
        f"differs from the smallest damage of interest by {amount(abs(hardest.estimated - verdict.smallest_damage))}, "
        f"and its standard error is {amount(hardest.stderr or 0.0)} with {count(hardest.n, 'seed')}."
    )


def _power(verdict: Verdict) -> Iterator[str]:
    last, everywhere = verdict.detectable_last, verdict.detectable_everywhere
    if last is not None and everywhere is not None and not verdict.guards:
        amount = MetricWords(verdict.metric).amount
        yield (
            f"With these seeds, the study has 80 % power to detect a damage of {amount(last)} at the last point alone, "
            f"and of {amount(everywhere)} at every point."
        )
