"""Named damages in words: their names, what each one says, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.verdict import Verdict
from critlab.learning_tasks.metric import Metric
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import plain_arm
from critlab.report.text.numbers import listing, probability
from critlab.study.runs.estimands import EstimandName
from critlab.study.sweeps import Sweep

NAMES: Mapping[EstimandName, str] = {
    "lasting_damage": "lasting damage",
    "delay": "delay",
    "beyond_delay": "beyond delay",
    "harm": "harm",
    "lost_to_schedule": "lost to the schedule",
    "missed_learning": "missed learning",
    "timing": "timing",
    "equal_total": "damage at equal length",
}
"""How each named damage is called in a sentence."""

MEANINGS: Mapping[EstimandName, str] = {
    "lasting_damage": "The final {title} of the clean control minus that of the run with {arm}.",
    "delay": "What it costs by itself to lose this time on this schedule: the network was frozen instead.",
    "beyond_delay": "What {arm} did beyond the lost time. Below 0, the network learned something useful.",
    "harm": "How much worse a start the weights after {arm} are than new random weights. The schedule is the same.",
    "lost_to_schedule": "What restarting the schedule after {arm} gives back.",
    "missed_learning": "What clean training in this time would have been worth.",
    "timing": "How much more {arm} costs in the first window than in the last, beyond the lost time and at the same "
    "learning rate.",
    "equal_total": "The final {title} of a clean run of the same length minus that of the run with {arm}.",
}
"""What each named damage says, in one sentence."""

MEANINGS_OF_LOWER: Mapping[EstimandName, str] = {
    "lasting_damage": "The final {title} of the run with {arm} minus that of the clean control.",
    "equal_total": "The final {title} of the run with {arm} minus that of a clean run of the same length.",
}
"""The same of a metric of which lower values are better, where it is another one."""

CLAIMS: Mapping[EstimandName, str] = {
    "harm": "As a start, the weights after {arm} are worse than new random weights; nothing else differs.",
    "beyond_delay": "After {arm} the network ends {worse} than after the same time without any training.",
    "timing": "The first window costs more than the last, beyond the lost time and at the same learning rate.",
}
"""What a critical damage shows where it is above the smallest damage of interest."""

CONFOUNDED_TIMING = (
    "How much more the first window costs than the last. The learning rates in them differ, or no frozen runs show "
    "what the lost time costs: either alone may explain it."
)


def damage_name(damage: Damage) -> str:
    """A damage's name in a sentence."""
    return NAMES[damage.name]


def damage_meaning(damage: Damage, arm: str, metric: Metric) -> str:
    """What a damage says, in one sentence."""
    if damage.name == "timing" and damage.kind != "critical":
        return CONFOUNDED_TIMING
    said = MEANINGS if metric.better == "higher" else {**MEANINGS, **MEANINGS_OF_LOWER}
    return said[damage.name].format(arm=plain_arm(arm), title=metric.title)


def damage_claim(damage: Damage, arm: str, metric: Metric) -> str:
    """What a critical damage above the smallest damage of interest shows, in one sentence."""
    return CLAIMS[damage.name].format(arm=plain_arm(arm), worse=MetricWords(metric).worse)


def damage_place(damage: Damage, sweep: Sweep) -> str:
    """The point of a damage, such as ``removal epoch 5`` or ``onset 0 compared with onset 16``."""
    place = f"{sweep.words.point} {damage.at}"
    return place if damage.other is None else f"{place} compared with {sweep.words.point} {damage.other}"


def damage_value(damage: Damage, metric: Metric, named: bool = False) -> str:
    """A damage with interval and n, such as ``3.7 points [2.5, 4.8], n = 5``; with ``named`` it says of what."""
    if damage.estimate is None:
        return "no results"
    words = MetricWords(metric)
    amount = words.amount_of(damage.estimate) if named else words.amount(damage.estimate)
    return f"{amount} {words.interval(damage.low, damage.high)}, n = {damage.n}"


def damage_effect(damage: Damage, metric: Metric) -> str:
    """What a damage does, such as ``costs 2.3 points of accuracy [1.1, 3.5], n = 5``; a negative one is a gain."""
    if damage.estimate is None:
        return f"costs {damage_value(damage, metric, named=True)}"
    return MetricWords(metric).effect(damage.estimate, damage.low, damage.high, damage.n)


def damage_line(damage: Damage, sweep: Sweep, metric: Metric) -> str:
    """A damage in one line: name, value, place and p value."""
    p = "" if damage.adjusted_p is None or damage.kind == "context" else f", {probability(damage.adjusted_p)}"
    limit = f", limited by the number of {_LIMITS[damage.limited_by]}" if damage.limited_by else ""
    return f"{damage_name(damage)}, {damage_place(damage, sweep)}: {damage_value(damage, metric)}{p}{limit}"


_LIMITS = {"seeds": "seeds", "images": "test images"}


def damage_rows(verdict: Verdict) -> list[tuple[str, str, str, str, str]]:
    """Every damage with results as a row of a table: name, place, value, p value, what it says."""
    return [
        (
            damage_name(one),
            damage_place(one, verdict.sweep),
            damage_value(one, verdict.metric),
            damage_p(one),
            damage_meaning(one, verdict.arm, verdict.metric),
        )
        for one in verdict.damages
        if one.seeds
    ]


def damage_p(damage: Damage) -> str:
    """The adjusted p value of a damage that decides, such as ``0.012`` or ``< 0.0001``; a dash for another."""
    if damage.adjusted_p is None or damage.kind == "context":
        return "–"
    return probability(damage.adjusted_p).removeprefix("p ").removeprefix("= ")


def named(damages: Sequence[Damage], sweep: Sweep, metric: Metric) -> str:
    """Damages in a sentence, each with name, value and place."""
    return listing(
        [f"{damage_name(one)} of {damage_value(one, metric)}, at {damage_place(one, sweep)}" for one in damages]
    )


def upper_limits(damages: Sequence[Damage], sweep: Sweep, metric: Metric) -> str:
    """The largest upper limit of each name, such as ``harm at most 0.4 points (removal epoch 12)``."""
    found: dict[str, Damage] = {}
    for one in damages:
        name = damage_name(one)
        if one.upper is not None and (name not in found or one.upper > (found[name].upper or 0.0)):
            found[name] = one
    amount = MetricWords(metric).amount
    return listing(
        [f"{name} is at most {amount(one.upper or 0.0)} ({damage_place(one, sweep)})" for name, one in found.items()]
    )


def shown(verdict: Verdict) -> list[Damage]:
    """The damages that a terminal lists, in the order of the study.

    These are the evidence, the largest lasting damage, the timing, and everything at the last point at which there is
    more than lasting damage.
    """
    known = [one for one in verdict.damages if one.seeds]
    last = next((one.at for one in reversed(known) if one.kind != "lasting" and one.other is None), None)
    return [
        one
        for one in known
        if one.at == last or one.other is not None or one is verdict.largest or one in verdict.critical_evidence
    ]
