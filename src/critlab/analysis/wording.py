"""Numbers in words: points of accuracy, intervals and lists of epochs, the same in every sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from critlab.analysis.curve import Place
    from critlab.analysis.statistics import Summary
    from critlab.study.sweeps import Sweep


def points(fraction: float) -> str:
    """A fraction of accuracy as points, such as ``2.3 points``."""
    number = f"{100 * fraction:.1f}"
    number = "0.0" if number == "-0.0" else number
    return f"{number} point" if number == "1.0" else f"{number} points"


def interval(low: float | None, high: float | None) -> str:
    """Limits in points of accuracy, such as ``[1.1, 3.5]``; ``[no interval]`` where they are not known."""
    if low is None or high is None:
        return "[no interval]"
    return "[" + ", ".join(f"{100 * limit + 0.0:.1f}".replace("-0.0", "0.0") for limit in (low, high)) + "]"


def described(summary: Summary, of: str = "") -> str:
    """A mean with interval and n, such as ``2.3 points of accuracy [1.1, 3.5], n = 5``."""
    unit = f" of {of}" if of else ""
    return f"{points(summary.mean)}{unit} {interval(summary.low, summary.high)}, n = {summary.n}"


def places(sweep: Sweep, at: Sequence[Place]) -> str:
    """Places of a sweep, such as ``removal epoch 5`` or ``onsets 0, 2 and 4``."""
    noun = sweep.words.point
    names = [str(place) for place in at]
    if len(names) == 1:
        return f"{noun} {names[0]}"
    return f"{noun}s {', '.join(names[:-1])} and {names[-1]}"


def probability(p: float) -> str:
    """A p value, such as ``p = 0.012`` or ``p < 0.0001``."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def percent(fraction: float) -> str:
    """A fraction as a percentage, such as ``12.5 %``."""
    return f"{100 * fraction:.1f} %"


def effect(damage: Summary) -> str:
    """What a damage does to accuracy, such as ``costs 2.3 points of accuracy [1.1, 3.5], n = 5``.

    A negative damage is a gain: ``raises accuracy by 0.7 points [-0.5, 1.9], n = 5``.
    """
    if damage.mean >= 0 or points(damage.mean) == "0.0 points":
        return f"costs {described(damage, of='accuracy')}"
    limits = interval(None, None)
    if damage.low is not None and damage.high is not None:
        limits = interval(-damage.high, -damage.low)
    return f"raises accuracy by {points(-damage.mean)} {limits}, n = {damage.n}"
