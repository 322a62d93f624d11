"""A user's data function that gives what a test of bad input has put here."""

from __future__ import annotations

from typing import Any

NOW: Any = None


def now() -> Any:
    """Training and test data, or what is put in their place."""
    if isinstance(NOW, list) and len(NOW) == 4:
        return (NOW[0], NOW[1]), (NOW[2], NOW[3])
    return NOW
