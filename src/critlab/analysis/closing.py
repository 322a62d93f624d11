"""The closing epoch: until when a deficit may be removed, with a bootstrap interval over seeds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Closing:
    """When the critical period closes.

    Args:
        epoch: epochs trained; between the sweep's points by linear interpolation.
        low: lower limit of the 95 % bootstrap interval; None where fewer than three seeds have every point.
        high: upper limit; None likewise, or where the sweep does not bound it.
        open_ended: the sweep may not contain the closing; ``sentence`` says why.
        sentence: the same in words.
    """

    epoch: float
    low: float | None
    high: float | None
    open_ended: bool
    sentence: str
