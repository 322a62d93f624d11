"""Guards in words."""

from __future__ import annotations

from critlab.analysis.judgement.guards import AtChance, Constant, Guard
from critlab.analysis.statistics import RESOLUTION
from critlab.report.text.metric_words import MetricWords


def guard_text(guard: Guard) -> str:
    """A guard as sentences."""
    words = MetricWords(guard.metric)
    if isinstance(guard, Constant):
        level = words.level(guard.score)
        return f"Every run has the same {words.title} after every epoch ({level}), so damage cannot show."
    if isinstance(guard, AtChance):
        return _chance(guard, words)
    verb = "rises" if guard.metric.better == "higher" else "falls"
    by = f"{words.size(guard.rise.mean)} {words.interval(guard.rise.low, guard.rise.high)}, n = {guard.rise.n}"
    rise = f"its {words.title} {verb} by {by} in the last third of its training"
    text = f"The control has not converged: {rise} (epochs {guard.start} to {guard.total})."
    if not guard.longer:
        return f"{text} Train for longer."
    advice = "Train for longer, or set equal_total = true in [controls]."
    if guard.has_equal_total:
        advice = "Compare with the clean runs of equal length."
    better = "higher" if guard.metric.better == "higher" else "better"
    return f"{text} Longer runs may end {better} for that reason alone. {advice}"


def _chance(guard: AtChance, words: MetricWords) -> str:
    if guard.metric.counted and guard.chance >= 1 - RESOLUTION:
        return f"Every test image has the same label, so {words.title} is not informative."
    higher, lead = guard.metric.better == "higher", guard.lead
    constant = "chance" if guard.metric.counted else "the best constant answer"
    is_level = f"chance is {words.level(guard.chance)}" if guard.metric.counted else f"{constant} has"
    found = f"{words.level(guard.score.mean)} {words.interval(guard.score.low, guard.score.high)}, n = {guard.score.n}"
    found += f"; {is_level}" if guard.metric.counted else f"; {is_level} {words.level(guard.chance)}"
    subject = f"The control's {words.title}"
    if lead.low is not None and lead.low > RESOLUTION:
        least = f"the smallest damage of interest, {words.amount(guard.needed)}"
        exceeds = f"exceeds {constant}" if higher else f"is below that of {constant}"
        return f"{subject} {exceeds} by less than {least} ({found})."
    surely = "not" if lead.mean <= RESOLUTION else "not significantly"
    side = f"above {constant}" if higher else f"below that of {constant}"
    return f"{subject} is {surely} {side} ({found})."
