"""Numbers in words: the one notation of points, intervals, percentages and p values.

A result is written ``3.7 points [2.5, 4.8], n = 5``, with real minus signs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from critlab.analysis.statistics import Summary
from critlab.analysis.statistics.ratio import Share
from critlab.study.sweeps import Sweep
from critlab.study.types import Place

MINUS = "\N{MINUS SIGN}"


def signed(text: str) -> str:
    """A number's text with real minus signs."""
    return text.replace("-", MINUS)


def hundredths(fraction: float | None) -> str:
    """A fraction in hundredths, such as ``3.7``; a dash where it is not known."""
    if fraction is None:
        return "–"
    return _rounded(fraction, 1)


def points(fraction: float) -> str:
    """A fraction of accuracy as points, such as ``3.7 points``."""
    number = hundredths(fraction)
    return f"{number} point" if number == "1.0" else f"{number} points"


def change(fraction: float) -> str:
    """A change of a share, such as ``+8.0 points``."""
    return points(fraction) if fraction < 0 else f"+{points(fraction)}"


def interval(low: float | None, high: float | None) -> str:
    """Two fractions in hundredths, such as ``[2.5, 4.8]``; ``[no interval]`` where one seed has none."""
    if low is None or high is None:
        return "[no interval]"
    return f"[{hundredths(low)}, {hundredths(high)}]"


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction as a percentage, such as ``12.5 %``; a dash where it is not known."""
    return "–" if fraction is None else f"{_rounded(fraction, digits)} %"


def share_interval(share: Share) -> str:
    """The interval of a bounded share in whole percent, such as ``[31, 77]``."""
    return f"[{_rounded(share.low, 0)}, {_rounded(share.high, 0)}]"


def _rounded(fraction: float, digits: int) -> str:
    text = f"{100 * fraction:.{digits}f}"
    return signed(text[1:] if float(text) == 0 and text.startswith("-") else text)


def score(summary: Summary, digits: int = 3, unit: str = "") -> str:
    """A mean in its own unit, with ``digits`` decimals, such as ``0.412 bits [0.396, 0.428], n = 5``."""
    shown = "[no interval]"
    if summary.low is not None and summary.high is not None:
        shown = limits(summary.low, summary.high, digits)
    return f"{decimal(summary.mean, digits)}{f' {unit}' if unit else ''} {shown}, n = {summary.n}"


def decimal(value: float, digits: int) -> str:
    """A number with ``digits`` decimals, such as ``0.412``."""
    return signed(f"{value:.{digits}f}")


def significant(value: float, digits: int = 3) -> str:
    """A number with up to ``digits`` significant digits, such as ``3.86``."""
    return signed(f"{value:.{digits}g}")


def plain(value: float, digits: int = 3) -> str:
    """A number with up to ``digits`` significant digits and without a power of ten, such as ``0.12`` or ``12,300``.

    Below 0.0001 and from a million on there is one.
    """
    if value and not 1e-4 <= abs(value) < 1e6:
        return significant(value, digits)
    size = math.floor(math.log10(abs(value))) if value else 0
    text = f"{round(value, digits - 1 - size):,.{max(digits - 1 - size, 0)}f}"
    return signed(text.rstrip("0").rstrip(".") if "." in text else text)


def gained(value: float, digits: int = 4) -> str:
    """A difference with its sign, such as ``+0.0123``."""
    return signed(f"{value:+.{digits}f}")


def with_error(value: float, error: float | None, digits: int = 4) -> str:
    """A number with its standard error where it has one, such as ``0.1446 ± 0.0010``."""
    return decimal(value, digits) + (f" ± {decimal(error, digits)}" if error else "")


def limits(low: float, high: float, digits: int) -> str:
    """Two numbers with ``digits`` decimals, such as ``[0.25, 0.48]``."""
    return f"[{decimal(low, digits)}, {decimal(high, digits)}]"


def significant_limits(low: float, high: float, digits: int = 3) -> str:
    """Two numbers with up to ``digits`` significant digits, such as ``[3.5, 12]``."""
    return f"[{significant(low, digits)}, {significant(high, digits)}]"


def changed(summary: Summary) -> str:
    """A change with interval and n, such as ``+8.0 points [7.9, 8.3], n = 5``."""
    return f"{change(summary.mean)} {interval(summary.low, summary.high)}, n = {summary.n}"


def probability(p: float) -> str:
    """A p value with two significant digits, such as ``p = 0.012``; ``p < 0.0001`` below that."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def count(number: int, noun: str, plural: str = "") -> str:
    """A count with its noun, such as ``1 run`` or ``2 runs``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def size(count: float) -> str:
    """``count`` bytes for a person."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{decimal(count, 0 if unit == 'bytes' else 1)} {unit}"
        count /= 1000
    return f"{decimal(count, 1)} TB"


def listing(names: Sequence[str]) -> str:
    """Names in a sentence, such as ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def places(sweep: Sweep, at: Sequence[Place]) -> str:
    """Points of a sweep, such as ``removal epoch 5`` or ``onsets 0, 2 and 4``."""
    noun = sweep.words.point
    return f"{noun}{'' if len(at) == 1 else 's'} {listing([str(place) for place in at])}"
