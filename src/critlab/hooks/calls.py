"""Whether the functions of a user's loop can be called as critlab calls them: known before anything is trained."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from critlab._core.errors import Diverged, StudyError
from critlab.store.shape import MOST

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "make": ("seed",),
    "advance": ("state", "epoch", "deprive"),
    "evaluate": ("state",),
    "save": ("state",),
    "load": ("saved",),
    "switch": ("state", "on"),
}
"""What each function is called with, by place; where there is a switch, ``advance`` is not called with ``deprive``."""


def check_calls(functions: Mapping[str, Callable[..., Any]], of: str) -> None:
    """Refuse functions that take other arguments than they are called with.

    A function whose arguments Python does not know, such as a compiled one, is let through.

    Args:
        functions: by name.
        of: the function that was called, for messages.

    Raises:
        StudyError: naming the function, and what is missing or too much.
    """
    for name, function in functions.items():
        called = ARGUMENTS[name][:2] if "switch" in functions else ARGUMENTS[name]
        check_call(function, called, f"{of}: {name}")


def check_call(function: Any, called: tuple[str, ...], where: str) -> None:
    """Refuse what is no function, or one that takes other arguments than ``called``.

    Args:
        function: what was received.
        called: the arguments by place, as messages name them.
        where: the function that was called, and the name of ``function`` there, for messages.

    Raises:
        StudyError: it cannot be called so.
    """
    if not callable(function):
        raise StudyError(f"{where}: received {type(function).__name__}; must be a function of ({', '.join(called)})")
    try:
        # a wrapper takes its own arguments, whatever the wrapped function takes
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*called)
    except TypeError as error:
        raise StudyError(f"{where}: must take ({', '.join(called)}), but: {error}") from None


def returned_number(value: Any) -> float | None:
    """What a function of the user returned, as a number: infinite where no float holds it, None where it is none.

    A text is no number, whatever it says.
    """
    if isinstance(value, str | bytes):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError, RuntimeError):
        return None


def check_storable(number: float, name: str) -> None:
    """Count a number beyond what a store holds as that of a diverged training.

    Raises:
        Diverged: it is beyond.
    """
    if abs(number) > MOST:
        raise Diverged(f"{name} was beyond {MOST:g}")
