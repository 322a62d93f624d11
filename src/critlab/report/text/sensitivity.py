"""Answers of forks in words: is a training still sensitive to a deficit?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from critlab.report.text.numbers import listing, signed

CONDITIONS: Mapping[str, str] = {
    "onset_share": "an onset at this share of the training",
    "total": "a training of this many epochs",
    "deprived": "windows of this many epochs",
    "clean": "this many clean epochs",
    "damage": "damage this large",
}


def untested_text(untested: Sequence[tuple[str, str | float, Sequence[str | float]]]) -> str:
    """Where the map's data do not cover a fork; empty where they do.

    Args:
        untested: condition, the value received, and the deficits, or the smallest and the largest value, in the data.
    """
    if not untested:
        return ""
    said = [_untested(*one) for one in untested]
    return f"The forecast was never tested for {listing(said)}."


def _untested(condition: str, received: str | float, allowed: Sequence[str | float]) -> str:
    if isinstance(received, str):
        return f"deficit {received!r} (tested: {', '.join(map(str, allowed)) or 'none'})"
    low, high = (float(one) for one in allowed)
    tested = signed(f"tested: {low:.3g} to {high:.3g}") if low <= high else "tested: none"
    return signed(f"{CONDITIONS[condition]} ({received:.3g}; {tested})")
