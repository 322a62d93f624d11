"""Lengths of time for a person."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """``seconds`` in the units that suit them: ``7.8 s``, ``45 s``, ``4 min 12 s``, ``3 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
