"""Guards in words."""

from __future__ import annotations

from critlab.analysis.judgement.guards import AtChance, Constant, Guard
from critlab.analysis.statistics import RESOLUTION
from critlab.report.text.numbers import interval, percent, points, result


def guard_text(guard: Guard) -> str:
    """A guard as sentences."""
    if isinstance(guard, Constant):
        return f"Every run has the same accuracy after every epoch ({percent(guard.accuracy)}), so damage cannot show."
    if isinstance(guard, AtChance):
        return _chance(guard)
    rise = f"its accuracy rises by {result(guard.rise)} in the last third of its training"
    text = f"The control has not converged: {rise} (epochs {guard.start} to {guard.total})."
    if not guard.longer:
        return f"{text} Train for longer."
    advice = "Train for longer, or set equal_total = true in [controls]."
    if guard.has_equal_total:
        advice = "Compare with the clean runs of equal length."
    return f"{text} Longer runs may end higher for that reason alone. {advice}"


def _chance(guard: AtChance) -> str:
    if guard.chance >= 1 - RESOLUTION:
        return "Every test image has the same label, so accuracy is not informative."
    found = f"{percent(guard.accuracy.mean)} {interval(guard.accuracy.low, guard.accuracy.high)}"
    found += f", n = {guard.accuracy.n}; chance is {percent(guard.chance)}"
    if guard.accuracy.low is not None and guard.accuracy.low > guard.chance + RESOLUTION:
        least = f"the smallest damage of interest, {points(guard.needed)}"
        return f"The control's accuracy exceeds chance by less than {least} ({found})."
    surely = "not" if guard.accuracy.mean <= guard.chance + RESOLUTION else "not significantly"
    return f"The control's accuracy is {surely} above chance ({found})."
