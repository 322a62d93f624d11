"""Guards in words."""

from __future__ import annotations

from critlab.analysis.judgement.guards import AtChance, Constant, Guard, Unconverged
from critlab.analysis.statistics import RESOLUTION
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import capital


def guard_text(guard: Guard) -> str:
    """A guard as sentences."""
    words = MetricWords(guard.metric)
    if isinstance(guard, Constant):
        level = words.level(guard.score)
        return f"Every run has the same {words.title} after every epoch ({level}), so damage cannot show."
    if isinstance(guard, AtChance):
        return _chance(guard, words)
    return _unconverged(guard, words)


def _unconverged(guard: Unconverged, words: MetricWords) -> str:
    better = guard.metric.better == "higher"
    by = f"{words.size(guard.rise.mean)} {words.interval(guard.rise.low, guard.rise.high)}, n = {guard.rise.n}"
    between = f"in the last third of its training (epochs {guard.start} to {guard.end})"
    if guard.where == "one_rate":
        between = f"from epoch {guard.start} to {guard.end}, at one learning rate"
    unknown = guard.where == "unknown_rate"
    claim = "may not have converged" if unknown else "has not converged"
    text = f"The control {claim}: its {words.title} {'rises' if better else 'falls'} by {by} {between}."
    unless = "Unless your loop lowers the learning rate there, " if unknown else ""
    if not guard.longer:
        return f"{text} {capital(f'{unless}train for longer.')}"
    why = f"{unless}longer runs may end {'higher' if better else 'better'} for that reason alone."
    # where the rates are unknown, the training is a user's own loop, which has no file
    equal = "give critlab.probe total= in place of recovery=" if unknown else "set equal_total = true in [controls]"
    advice = f"Train for longer, or {equal}."
    if guard.has_equal_total:
        advice = "Compare with the clean runs of equal length."
    return f"{text} {capital(why)} {advice}"


def _chance(guard: AtChance, words: MetricWords) -> str:
    if guard.metric.counted and guard.chance >= 1 - RESOLUTION:
        return f"Every test image has the same label, so {words.title} is not informative."
    higher, lead = guard.metric.better == "higher", guard.lead
    constant = "chance" if guard.metric.counted else "the best constant answer"
    is_level = f"chance is {words.level(guard.chance)}" if guard.metric.counted else f"{constant} has"
    found = f"{words.level(guard.score.mean)} {words.interval(guard.score.low, guard.score.high)}, n = {guard.score.n}"
    found += f"; {is_level}" if guard.metric.counted else f"; {is_level} {words.level(guard.chance)}"
    subject = f"The control's {words.title}"
    if lead.low is not None and lead.low > guard.rounding:
        least = f"the smallest damage of interest, {words.amount(guard.needed)}"
        exceeds = f"exceeds {constant}" if higher else f"is below that of {constant}"
        return f"{subject} {exceeds} by less than {least} ({found})."
    surely = "not" if lead.mean <= guard.rounding else "not significantly"
    side = f"above {constant}" if higher else f"below that of {constant}"
    return f"{subject} is {surely} {side} ({found})."
