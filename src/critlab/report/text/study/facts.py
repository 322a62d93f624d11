"""The numbers of a verdict, one label each, for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from critlab.analysis.closing import Closing
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.verdict import Verdict
from critlab.report.text.judgement.damages import damage_name, damage_place, damage_value
from critlab.report.text.judgement.verdict import epochs_interval
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.numbers import count, decimal, probability


class Fact(NamedTuple):
    """A labelled number, and what explains it."""

    name: str
    value: str
    detail: str


def facts(verdict: Verdict) -> Iterator[Fact]:
    """Epochs left, the largest damages, closing, and what the study can detect, as far as they are known."""
    if verdict.epochs_left:
        yield Fact("Left to train", f"{verdict.epochs_left:,}", "epochs" if verdict.epochs_left > 1 else "epoch")
    if verdict.largest is not None:
        yield _damage(verdict, verdict.largest)
    critical = max((one for one in verdict.critical if one.seeds), key=lambda one: one.estimated, default=None)
    if critical is not None and critical is not verdict.largest:
        yield _damage(verdict, critical)
    if verdict.closing is not None:
        yield _closing(verdict, verdict.closing)
    yield from _power(verdict)


def _damage(verdict: Verdict, damage: Damage) -> Fact:
    name = f"Largest {damage_name(damage)}"
    assert damage.estimate is not None, "a damage with seeds has an estimate"
    words = MetricWords(verdict.metric)
    if not words.is_loss(damage.estimate):
        found = f"{damage_value(damage, verdict.metric)}, at {damage_place(damage, verdict.sweep)}"
        return Fact(name, "none", f"no point has damage in the mean; the highest is {found}")
    where = f"n = {damage.n}, at {damage_place(damage, verdict.sweep)}"
    if damage.adjusted_p is not None:
        where += f"; {probability(damage.adjusted_p)} for more than {words.amount(verdict.smallest_damage)}, adjusted"
    unit = "points" if verdict.metric.in_points else words.of
    return Fact(name, words.number(damage.estimate), f"{unit} {words.interval(damage.low, damage.high)}, {where}")


def _closing(verdict: Verdict, closing: Closing) -> Fact:
    name = "Closes about epoch" if verdict.is_period_closing else "Half of the lasting damage about epoch"
    detail = epochs_interval(closing) + ("; the sweep may end too early" if closing.open_ended else "")
    return Fact(name, decimal(closing.epoch, 1), detail)


def _power(verdict: Verdict) -> Iterator[Fact]:
    last, everywhere = verdict.detectable_last, verdict.detectable_everywhere
    if last is None or everywhere is None:
        yield Fact("Smallest detectable damage", "–", f"at least {count(verdict.minimum_seeds, 'seed')} are needed")
        return
    words = MetricWords(verdict.metric)
    unit = "points" if verdict.metric.in_points else words.of
    detail = f"{unit} at the last point, {words.amount(everywhere)} if at every point; 80 % power"
    yield Fact("Smallest detectable damage", words.number(last), detail)
