"""What the bench says a signal of a clean training is worth: its rank correlation with the damage that remains."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from critlab._core.errors import StudyError

FORMAT = 1
"""Of the table."""

SHIPPED = Path(__file__).with_name("signal_worth.json")
"""The table that critlab ships; it may be missing."""


@dataclass(frozen=True)
class Worth:
    """A signal's rank correlation with the lasting damage of windows at the same time, over held-out trainings.

    Args:
        value: from -1 to 1.
        low: the lower end of its 95 % interval over trainings.
        high: its upper end.
    """

    value: float
    low: float
    high: float


@cache
def signal_worth(path: Path = SHIPPED) -> Mapping[str, Worth]:
    """The worth of each signal by the names of :data:`~critlab.hooks.watch.records.signals.QUANTITIES`.

    Args:
        path: a JSON document ``{"format": 1, "signals": {"lr": {"value": ..., "low": ..., "high": ...}}}``.

    Returns:
        Empty where there is no table.

    Raises:
        StudyError: the table is damaged.
    """
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if given["format"] != FORMAT:
            raise ValueError(f"format {given['format']}")
        return {
            name: Worth(**{end: float(one[end]) for end in ("value", "low", "high")})
            for name, one in given["signals"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"signal worth: {path} is damaged ({error}); install critlab again") from None
