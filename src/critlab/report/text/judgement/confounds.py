"""Confounds in words: each as a share of the damage with its interval, or as a fact."""

from __future__ import annotations

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.confounds.delay import Delay
from critlab.analysis.confounds.equal_total import EqualTotal
from critlab.analysis.confounds.learning_rate import ConstantRate, DecayedRate, OnsetRate, OtherSchedule, UnknownRate
from critlab.analysis.confounds.negative_control import NegativeControl
from critlab.analysis.confounds.training_score import TrainingScore
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.statistics import Summary
from critlab.analysis.statistics.ratio import Share
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import capital, plain_arm, spaced
from critlab.report.text.numbers import percent, places, share_interval, significant
from critlab.study.schedules import schedule


def confound_text(verdict: Verdict, confound: Confound) -> str:
    """Which share of the damage a confound accounts for, with numbers; where nothing was measured, how to find out.

    The first word may be the name of a component, in lower case.
    """
    where, words = places(verdict.sweep, confound.at) if confound.at else "", MetricWords(verdict.metric)
    match confound:
        case Delay():
            return _delay(confound, where, words)
        case TrainingScore():
            return _training(confound, where, words)
        case NegativeControl():
            return _negative(confound, where, verdict, words)
        case UnknownRate():
            return (
                "The training loop sets its own learning rate. If the rate falls during training, that alone could "
                "hinder recovery."
            )
        case ConstantRate():
            return f"The learning rate is constant ({confound.rate:g})."
        case DecayedRate():
            remedy = f' To find out, set clocks = ["{confound.clock}"] in [controls].' if confound.clock else ""
            return (
                f"At the last removal the learning rate has decayed to {significant(confound.rate, 2)} "
                f"({percent(confound.left)} of its initial value). That alone could hinder recovery.{remedy}"
            )
        case OtherSchedule():
            return _other_schedule(confound, where, words)
        case EqualTotal():
            return _equal_total(confound, where, words)
        case OnsetRate():
            return _onset(confound)
    raise TypeError(f"no words for {type(confound).__name__}")


def confound_names(verdict: Verdict) -> list[str]:
    """What each confound of the verdict is called; with its place where several have one name."""
    names = [spaced(one.name) for one in verdict.confounds]
    return [
        f"{name}, {places(verdict.sweep, one.at)}" if one.at and names.count(name) > 1 else name
        for name, one in zip(names, verdict.confounds, strict=True)
    ]


def share_label(confound: Confound) -> str:
    """The share of a confound as a label; where there is no damage in the mean, nothing has a share of it."""
    if confound.share is not None and confound.damage is not None and confound.damage.mean <= 0:
        return "no damage"
    return share_text(confound.share)


def share_text(share: Share | None) -> str:
    """A share as a label, such as ``54 % [31, 77]``; a dash where there is none."""
    if share is None:
        return "–"
    return f"{percent(share.estimate, 0)} {share_interval(share)}" if share.bounded else "not known"


def _accounts(subject: str, share: Share | None, damage: Summary | None, words: MetricWords) -> str:
    """As ``The flip accounts for 54 % [31, 77] of the damage.``; a share of nothing is none."""
    if damage is not None and damage.mean <= 0:
        return f"There is no damage in the mean ({words.result(damage)}) that {subject} could account for."
    if share is None:
        return f"Too few seeds to say what share of the damage {subject} accounts for."
    if not share.bounded:
        size = "" if damage is None else f" ({words.result(damage)})"
        return f"The damage{size} is too uncertain to say what share of it {subject} accounts for."
    return capital(f"{subject} accounts for {share_text(share)} of the damage.")


def _delay(confound: Delay, where: str, words: MetricWords) -> str:
    if confound.effect is None:
        return f"There are no results of the frozen network at {where}."
    lost = words.result(confound.effect)
    said = f"A network that is frozen for as long as the deficit lasts loses {lost}, at {where}."
    return f"{_accounts('the lost time', confound.share, confound.damage, words)} {said}"


def _training(confound: TrainingScore, where: str, words: MetricWords) -> str:
    gap, damage = confound.effect, confound.damage
    title = f"training {words.title}"
    if gap is None or damage is None:
        return f"No seed has {title} at every judged point ({where})."
    less = f"The control's {title} minus the run's"
    if confound.metric.better == "lower":
        less = f"The run's {title} minus the control's"
    size = f"{words.size(gap.mean)} {words.interval(gap.low, gap.high)}, n = {gap.n}"
    said = f"{less} is {size}, at {where}."
    if confound.share is None or not confound.share.bounded or damage.mean <= 0:
        return f"{said} The share of the damage in it is not known."
    return (
        f"{share_text(confound.share)} of the damage shows in {title} too. {said} What shows there may be "
        "under-training; a longer recovery would find out."
    )


def _negative(confound: NegativeControl, where: str, verdict: Verdict, words: MetricWords) -> str:
    arm = plain_arm(verdict.arm)
    if confound.effect is None or confound.excess is None:
        # a probe trains its negative controls at every point
        advice = "" if verdict.own_loop else " Add these points to 'at' in [controls]."
        return f"{capital(plain_arm(confound.arm))} has no results at {where}.{advice}"
    own, other = confound.effect, plain_arm(confound.arm)
    does = words.effect(own.mean, own.low, own.high, own.n)
    said = f"It {does}, at {where}. The damage by {arm} minus that by {other}"
    return f"{_accounts(other, confound.share, confound.damage, words)} {said} is {words.result(confound.excess)}."


def _other_schedule(confound: OtherSchedule, where: str, words: MetricWords) -> str:
    other = schedule(confound.clock)
    if confound.effect is None:
        return f"There are no results with {other.phrase} at {where}. Add these points to 'at' in [controls]."
    said = f"With {other.phrase}, the damage is {words.result(confound.effect)}, at {where}"
    if not other.restarts:
        said += f", compared with {other.control_phrase}"
    elif confound.twin is not None:
        said += f" ({words.result(confound.twin)}, compared with {other.control_phrase})"
    if confound.removed is None:
        return f"{said}."
    said += f". This schedule reduces the damage by {words.result(confound.removed)}."
    return f"{_accounts('the learning-rate schedule', confound.share, confound.damage, words)} {said}"


def _onset(confound: OnsetRate) -> str:
    between = (
        f"from {significant(confound.first, 2)} in the first window to {significant(confound.last, 2)} in the last"
    )
    remedy = 'To separate timing from learning rate, set clock = "constant" in [optimizer].'
    if confound.last >= confound.first:
        return f"The learning rate goes {between}, so late windows change the weights differently. {remedy}"
    return (
        f"The learning rate falls {between}. A late window therefore changes the weights less, and less of its damage "
        f"is repaired. {remedy}"
    )


def _equal_total(confound: EqualTotal, where: str, words: MetricWords) -> str:
    if confound.effect is None or confound.damage is None:
        return f"No seed has a clean run of the same total length at {where}."
    equal, first = words.result(confound.effect), words.result(confound.damage)
    return (
        f"Compared with clean runs of the same total length, the damage is {equal}, at {where}. Compared with the "
        f"first control, it is {first}."
    )
