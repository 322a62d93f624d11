"""Named damages in words: their names, what each one says, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.verdict import Verdict
from critlab.report.text.numbers import hundredths, interval, listing, points, probability
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
    "lasting_damage": "The final accuracy of the clean control minus that of the run with {arm}.",
    "delay": "What it costs by itself to lose this time on this schedule: the network was frozen instead.",
    "beyond_delay": "What {arm} did beyond the lost time. Below 0, the network learned something useful.",
    "harm": "How much worse a start the weights after {arm} are than new random weights. The schedule is the same.",
    "lost_to_schedule": "What restarting the schedule after {arm} gives back.",
    "missed_learning": "What clean training in this time would have been worth.",
    "timing": "How much more the first window costs than the last, at the same learning rate.",
    "equal_total": "The final accuracy of a clean run of the same length minus that of the run with {arm}.",
}
"""What each named damage says, in one sentence."""

CLAIMS: Mapping[EstimandName, str] = {
    "harm": "As a start, the weights after {arm} are worse than new random weights; nothing else differs.",
    "beyond_delay": "After {arm} the network ends lower than after the same time without any training.",
    "timing": "The first window costs more than the last at the same learning rate.",
}
"""What a critical damage shows where it is above the smallest damage of interest."""

CONFOUNDED_TIMING = (
    "How much more the first window costs than the last. The learning rates in them differ, which alone may explain it."
)


def damage_name(damage: Damage) -> str:
    """A damage's name in a sentence."""
    return NAMES[damage.name]


def damage_meaning(damage: Damage, arm: str) -> str:
    """What a damage says, in one sentence."""
    if damage.name == "timing" and damage.kind != "critical":
        return CONFOUNDED_TIMING
    return MEANINGS[damage.name].format(arm=arm)


def damage_place(damage: Damage, sweep: Sweep) -> str:
    """The point of a damage, such as ``removal epoch 5`` or ``onset 0 compared with onset 16``."""
    place = f"{sweep.words.point} {damage.at}"
    return place if damage.other is None else f"{place} compared with {sweep.words.point} {damage.other}"


def damage_value(damage: Damage, of: str = "") -> str:
    """A damage with interval and n, such as ``3.7 points [2.5, 4.8], n = 5``."""
    if damage.estimate is None:
        return "no results"
    unit = f" of {of}" if of else ""
    return f"{points(damage.estimate)}{unit} {interval(damage.low, damage.high)}, n = {damage.n}"


def damage_effect(damage: Damage) -> str:
    """What a damage does to accuracy, such as ``costs 2.3 points of accuracy [1.1, 3.5], n = 5``.

    A negative damage is a gain: ``raises accuracy by 0.7 points [-0.5, 1.9], n = 5``.
    """
    if damage.estimate is None or damage.estimate >= 0 or hundredths(damage.estimate) == "0.0":
        return f"costs {damage_value(damage, of='accuracy')}"
    low, high = (None if limit is None else -limit for limit in (damage.high, damage.low))
    return f"raises accuracy by {points(-damage.estimate)} {interval(low, high)}, n = {damage.n}"


def damage_line(damage: Damage, sweep: Sweep) -> str:
    """A damage in one line: name, value, place and p value."""
    p = "" if damage.adjusted_p is None or damage.kind == "context" else f", {probability(damage.adjusted_p)}"
    limit = f", limited by the number of {_LIMITS[damage.limited_by]}" if damage.limited_by else ""
    return f"{damage_name(damage)}, {damage_place(damage, sweep)}: {damage_value(damage)}{p}{limit}"


_LIMITS = {"seeds": "seeds", "images": "test images"}


def damage_rows(verdict: Verdict) -> list[tuple[str, str, str, str, str]]:
    """Every damage with results as a row of a table: name, place, value, p value, what it says."""
    return [
        (
            damage_name(one),
            damage_place(one, verdict.sweep),
            damage_value(one),
            damage_p(one),
            damage_meaning(one, verdict.arm),
        )
        for one in verdict.damages
        if one.seeds
    ]


def damage_p(damage: Damage) -> str:
    """The adjusted p value of a damage that decides, such as ``0.012`` or ``< 0.0001``; a dash for another."""
    if damage.adjusted_p is None or damage.kind == "context":
        return "–"
    return probability(damage.adjusted_p).removeprefix("p ").removeprefix("= ")


def named(damages: Sequence[Damage], sweep: Sweep) -> str:
    """Damages in a sentence, each with name, value and place."""
    return listing([f"{damage_name(one)} of {damage_value(one)}, at {damage_place(one, sweep)}" for one in damages])


def upper_limits(damages: Sequence[Damage], sweep: Sweep) -> str:
    """The largest upper limit of each name, such as ``harm at most 0.4 points (removal epoch 12)``."""
    found: dict[str, Damage] = {}
    for one in damages:
        name = damage_name(one)
        if one.upper is not None and (name not in found or one.upper > (found[name].upper or 0.0)):
            found[name] = one
    return listing(
        [f"{name} is at most {points(one.upper or 0.0)} ({damage_place(one, sweep)})" for name, one in found.items()]
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
