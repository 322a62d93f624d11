"""Confounds in words."""

from __future__ import annotations

from collections.abc import Mapping

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.confounds.equal_total import EqualTotal
from critlab.analysis.confounds.learning_rate import (
    Conclusion,
    ConstantRate,
    DecayedRate,
    OnsetRate,
    OtherSchedule,
    UnknownRate,
)
from critlab.analysis.confounds.negative_control import NegativeControl
from critlab.analysis.confounds.timing import Timing
from critlab.analysis.confounds.training_accuracy import TrainingAccuracy
from critlab.analysis.verdict import Verdict
from critlab.report.text.numbers import effect, interval, percent, places, points, result
from critlab.study.schedules import SinceRemoval, schedule

CONCLUSIONS: Mapping[Conclusion, str] = {
    "explains": "The learning-rate schedule may explain the damage.",
    "explains_part": "The learning-rate schedule explains part of the damage.",
    "control_gains_more": "The learning-rate schedule may explain the damage, but a control whose schedule restarts "
    "too ends higher still.",
    "does_not_explain": "The learning-rate schedule does not explain the damage.",
    "undecided": "The data cannot decide whether the learning-rate schedule explains the damage.",
    "no_results": "",
}


def confound_text(verdict: Verdict, confound: Confound) -> str:
    """Why a confound has its status, with numbers; where it is unknown, how to find out."""
    where = places(verdict.sweep, confound.at) if confound.at else ""
    match confound:
        case TrainingAccuracy():
            return _training(confound, where)
        case NegativeControl():
            return _negative(confound, where, verdict.arm)
        case UnknownRate():
            return (
                "The training loop sets its own learning rate. If the rate falls during training, that alone could "
                "hinder recovery."
            )
        case ConstantRate():
            return f"The learning rate is constant ({confound.rate:g})."
        case DecayedRate():
            return (
                f"At the last removal the learning rate has decayed to {confound.rate:.2g} ({percent(confound.share)} "
                "of its initial value). That alone could hinder recovery. To find out, set "
                f'clocks = ["{SinceRemoval.name}"] in [controls].'
            )
        case OtherSchedule():
            return _other_schedule(confound, where)
        case EqualTotal():
            return _equal_total(confound, where)
        case Timing():
            return _timing(confound, verdict.smallest_damage)
        case OnsetRate():
            return (
                f"The learning rate falls from {confound.first:.2g} in the first window to {confound.last:.2g} in the "
                "last. A late window therefore changes the weights less, and less of its damage is repaired. To "
                'separate timing from learning rate, set clock = "constant" in [optimizer].'
            )
    raise TypeError(f"no words for {type(confound).__name__}")


def _training(confound: TrainingAccuracy, where: str) -> str:
    gap, damage = confound.effect, confound.damage
    if gap is None or damage is None:
        return f"No seed has training accuracy at every judged point ({where})."
    low, high = gap.low, gap.high
    side, amount = "lower", result(gap)
    if gap.mean < 0:
        side = "higher"
        limits = interval(None, None) if low is None or high is None else interval(-high, -low)
        amount = f"{points(-gap.mean)} {limits}, n = {gap.n}"
    said = f"it is {side} than the control's by {amount}, at {where}. Test accuracy lost {points(damage.mean)}."
    if confound.status == "clear":
        begin = "did not drop" if low is None or low <= 0 else "dropped by less than half as much as test accuracy"
        return f"Training accuracy {begin}: {said}"
    if confound.status == "suspect":
        advice = "The network may be under-trained. Repeat with a longer recovery to find out."
        return f"Training accuracy dropped too: {said} {advice}"
    return f"The data cannot decide whether training accuracy dropped: {said}"


def _negative(confound: NegativeControl, where: str, arm: str) -> str:
    if confound.effect is None or confound.excess is None:
        return f"{confound.arm} has no results at {where}. Add these points to 'at' in [controls]."
    said = f"it {effect(confound.effect)}, at {where}. The damage by {arm} minus that by {confound.arm}"
    said += f" is {result(confound.excess)}."
    if confound.status == "suspect":
        return f"{confound.arm} does damage too: {said} Much of the damage may come from any change of the input."
    if confound.status == "clear":
        return f"{confound.arm} does less damage: {said}"
    return f"The data cannot separate {confound.arm} from {arm}: {said}"


def _other_schedule(confound: OtherSchedule, where: str) -> str:
    other = schedule(confound.clock)
    if confound.effect is None:
        return f"There are no results with {other.phrase} at {where}. Add these points to 'at' in [controls]."
    said = f"With {other.phrase}, the damage is {result(confound.effect)}, at {where}"
    if not other.restarts:
        said += f", compared with {other.control_phrase}"
    elif confound.twin is not None:
        said += f" ({result(confound.twin)}, compared with {other.control_phrase})"
    if confound.removed is not None:
        said += f". This schedule reduces the damage by {result(confound.removed)}"
    return f"{CONCLUSIONS[confound.conclusion]} {said}."


def _equal_total(confound: EqualTotal, where: str) -> str:
    if confound.effect is None or confound.damage is None:
        return f"No seed has a clean run of the same total length at {where}."
    said = f"Compared with clean runs of the same total length, the damage is {result(confound.effect)}, at {where}."
    return f"{said} Compared with the first control, it is {points(confound.damage.mean)}."


def _timing(confound: Timing, smallest: float) -> str:
    assert confound.effect is not None, "a finding on timing has an effect"
    first, last = confound.at
    said = f"the damage at onset {first} minus that at onset {last} is {result(confound.effect)}"
    if confound.status == "clear":
        return f"The timing matters: {said}."
    if confound.status == "suspect":
        return f"Early windows do not cost more than late ones by as much as {points(smallest)}: {said}."
    return f"The data cannot decide whether the timing matters: {said}."
