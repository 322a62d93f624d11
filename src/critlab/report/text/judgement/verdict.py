"""A verdict in words: its answer, its named damages, its closing, its confounds and its notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from critlab.analysis.closing import FEWEST_DAMAGED, Closing
from critlab.analysis.curve import order
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.decision import FEW_SEEDS, WORST
from critlab.analysis.judgement.guards import Unconverged
from critlab.analysis.judgement.verdict import Answer, Reason, Verdict
from critlab.analysis.statistics.sequential import unseen_share
from critlab.report.text.judgement.confounds import confound_text
from critlab.report.text.judgement.damages import (
    damage_claim,
    damage_effect,
    damage_line,
    damage_name,
    damage_place,
    damage_value,
    named,
    shown,
    upper_limits,
)
from critlab.report.text.judgement.guards import guard_text
from critlab.report.text.judgement.obstacles import obstacle_remedies, obstacle_words
from critlab.report.text.judgement.remedies import remedy_texts
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import plain_arm
from critlab.report.text.notes import note_lines
from critlab.report.text.numbers import count, decimal, percent, places, probability

ANSWERS: Mapping[Answer, str] = {
    "present": "present",
    "damage_only": "damage only",
    "absent": "absent",
    "undecided": "undecided",
    "running": "running",
}
"""Each answer as a label."""


def verdict_lines(verdict: Verdict) -> list[str]:
    """The whole verdict, one line each: answer, named damages, closing, confounds, notes."""
    found = [f"{ANSWERS[verdict.answer].capitalize()}: {answer_text(verdict)}"]
    found += [damage_line(one, verdict.sweep, verdict.metric) for one in shown(verdict)]
    if text := closing_text(verdict):
        found.append(text)
    found += [f"{one.name}: {confound_text(verdict, one)}" for one in verdict.confounds]
    return [*found, *note_lines(verdict)]


def headline(verdict: Verdict) -> str:
    """The number behind the answer in one short sentence."""
    if verdict.answer == "absent":
        return f"No damage above {_words(verdict).amount(verdict.smallest_damage)} at any point."
    found = verdict.evidence[0] if verdict.evidence else verdict.largest
    if found is None:
        return "No results to judge yet."
    name = damage_name(found)
    words = _words(verdict)
    if found.estimate is not None and not words.is_loss(found.estimate):
        return f"No damage in the mean: {_largest(verdict, found)}."
    value = f"{words.number(found.estimate)} {words.of} {words.interval(found.low, found.high)}"
    return f"{name[:1].upper()}{name[1:]} of {value}, at {damage_place(found, verdict.sweep)}."


def answer_text(verdict: Verdict) -> str:
    """Why the answer is what it is, with numbers, without the answer itself."""
    return " ".join(_ANSWERS[verdict.answer](verdict))


def _present(verdict: Verdict) -> Iterator[str]:
    first, *others = verdict.evidence
    yield f"{damage_name(first)} of {_above(verdict, first)}."
    yield damage_claim(first, verdict.arm, verdict.metric)
    same = [one for one in others if one.name == first.name]
    if same:
        yield f"It is above it at {places(verdict.sweep, sorted((one.at for one in same), key=order))} too."
    other = {one.name: one for one in reversed(others) if one.name != first.name}
    if other:
        yield f"Also above it: {named(list(other.values()), verdict.sweep, verdict.metric)}."


def _damage_only(verdict: Verdict) -> Iterator[str]:
    yield f"{_lasting(verdict)}. It is no critical period."
    yield f"Taken one at a time, {upper_limits(verdict.critical, verdict.sweep, verdict.metric)}."


def _absent(verdict: Verdict) -> Iterator[str]:
    deciding = [one for one in verdict.damages if one.kind != "context"]
    yield f"every named damage that decides lies below {_smallest(verdict)}."
    yield f"Taken one at a time, {upper_limits(deciding, verdict.sweep, verdict.metric)}."
    if verdict.largest is not None:
        yield f"Largest lasting damage: {_largest(verdict, verdict.largest)}."
    yield from _unseen(verdict, deciding)


def _unseen(verdict: Verdict, deciding: Sequence[Damage]) -> Iterator[str]:
    """Which share of failing seeds so many seeds without a failure do not exclude."""
    failure, seeds = WORST * verdict.smallest_damage, min(one.n for one in deciding)
    if max(one.worst for one in deciding) < failure:
        share = percent(unseen_share(seeds), 0)
        yield f"No seed lost {_words(verdict).amount(failure)} or more."
        yield f"{seeds} seeds exclude only that more than {share} of all seeds do."


def _running(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.epochs - verdict.epochs_left:,} of {count(verdict.epochs, 'epoch')} are trained."
    yield "The answer follows when all runs are done."


def _undecided(verdict: Verdict) -> Iterator[str]:
    if "asks_when" in verdict.reasons:
        yield _REASONS["asks_when"]
        return
    unlearned = [guard for guard in verdict.guards if not isinstance(guard, Unconverged)]
    if unlearned:
        yield from map(guard_text, unlearned)
        return
    if verdict.evidence and "missing_control" in verdict.reasons:
        yield f"{_lasting(verdict)}. Whether it is a critical period, this study cannot decide."
    elif "together" in verdict.reasons:
        yield f"{_lasting(verdict)}."
    elif verdict.evidence:
        yield f"{_lasting(verdict)}. Whether it is a critical period is open."
    elif verdict.largest is not None:
        yield f"{_largest(verdict, verdict.largest)}."
    for reason in verdict.reasons:
        if text := _REASONS[reason]:
            largest = max((one.worst for one in verdict.damages if one.kind != "context"), default=0.0)
            worst = _words(verdict).amount(largest)
            smallest, words = _smallest(verdict), obstacle_words(verdict)
            yield text.format(least=verdict.minimum_seeds, smallest=smallest, worst=worst, few=FEW_SEEDS, **words)
    yield from obstacle_remedies(verdict)
    yield from remedy_texts(verdict)


_ANSWERS = {
    "present": _present,
    "damage_only": _damage_only,
    "absent": _absent,
    "undecided": _undecided,
    "running": _running,
}

_REASONS: Mapping[Reason, str] = {
    "asks_when": "the sweep asks when to switch, which critlab when answers; no verdict is about lasting damage.",
    "no_point": "the sweep has no point to test.",
    "no_pair": "no results yet; no deficit run has finished together with its control.",
    "few_seeds": "A verdict needs at least {least} finished seeds.",
    "few_seeds_at_some_points": "Some damages have fewer than the {least} finished seeds that a verdict needs.",
    "no_results": "{without}",
    "diverged": "A run that diverged did not recover, so damage is not ruled out.",
    "missing_control": "",
    "equal_length": "Compared with clean runs of equal length, there is damage above {smallest}.",
    "length": "The runs with the deficit train longer than the control, so longer training may hide damage.",
    "worst_seed": "One seed lost {worst}. With fewer than {few} seeds, such a loss forbids the answer absent.",
    "together": "Adjusted {adjusted}, it does not decide.",
    "images": "{images}",
    "noise": "Some intervals hold {smallest}, so they do not decide.",
}
"""Each reason as a sentence; a missing control is named with what to add."""


def _largest(verdict: Verdict, largest: Damage) -> str:
    return (
        f"{plain_arm(verdict.arm)} {verdict.sweep.words.from_to} {largest.at} {damage_effect(largest, verdict.metric)}"
    )


def _lasting(verdict: Verdict) -> str:
    worst = max(verdict.evidence, key=lambda one: one.estimated)
    return f"{damage_name(worst)} of {_above(verdict, worst)}"


def _above(verdict: Verdict, damage: Damage) -> str:
    assert damage.adjusted_p is not None, "evidence has a p value"
    value, where = damage_value(damage, verdict.metric, named=True), damage_place(damage, verdict.sweep)
    smallest = f"{_words(verdict).amount(verdict.smallest_damage)}; adjusted {probability(damage.adjusted_p)}"
    return f"{value}, at {where}, is above the smallest damage of interest ({smallest})"


def _smallest(verdict: Verdict) -> str:
    return f"the smallest damage of interest ({_words(verdict).amount(verdict.smallest_damage)})"


def _words(verdict: Verdict) -> MetricWords:
    return MetricWords(verdict.metric)


def closing_text(verdict: Verdict) -> str:
    """When half of the lasting damage is there, and what that means; empty where there is no lasting damage."""
    closing, words = verdict.closing, verdict.sweep.words
    if closing is None:
        return _no_closing(verdict)
    what = "The period closes" if verdict.is_period_closing else "The lasting damage passes half of its largest value"
    limits = epochs_interval(closing)
    meaning = words.closing.format(arm=plain_arm(closing.arm))
    text = f"{what} at about epoch {decimal(closing.epoch, 1)} {limits}: {meaning}."
    if round(closing.bias, 1):
        text += f" A bias of {decimal(closing.bias, 1)} epochs is removed."
    before, after = closing.between
    text += f" The sweep has no point between epochs {before:g} and {after:g}, which would place it more closely."
    if closing.open_ended:
        text += f" The sweep may not contain the closing, because {closing.open_reason}; {words.further}."
    return text


def _no_closing(verdict: Verdict) -> str:
    if not any(one.exceeds for one in verdict.lasting):
        return ""
    if verdict.damaged_points >= FEWEST_DAMAGED:
        needed = f"{verdict.minimum_seeds} seeds that have every point"
        return f"No closing epoch is given: it needs {needed}, and the sweep has {verdict.complete_seeds}."
    found = count(verdict.damaged_points, "damaged point")
    return f"No closing epoch is given: it needs {FEWEST_DAMAGED} damaged points, and the sweep has {found}."


def epochs_interval(closing: Closing) -> str:
    """The interval of a closing, such as ``[3.5, 8.4]`` or ``[3.5, not bounded]``."""
    if closing.low is None:
        return "[no interval]"
    return f"[{decimal(closing.low, 1)}, {'not bounded' if closing.high is None else decimal(closing.high, 1)}]"
