"""A user's function that returns the data sets that a test has put here."""

from __future__ import annotations

from typing import Any

MADE: Any = None


def made() -> Any:
    """What is put in the place of a user's data sets."""
    return MADE
