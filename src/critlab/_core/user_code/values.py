"""Values that a person gives in Python: checked before anything is trained or written, each with one message."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from critlab._core.errors import CritlabError, StudyError
from critlab._core.problems import shown


def whole(value: Any, name: str, least: int) -> int:
    """``value`` as an int; numpy's whole numbers are such, and True is none.

    Args:
        value: what was received.
        name: of the function and the argument, for the message, such as ``"when: total"``.
        least: the smallest that is allowed.

    Raises:
        StudyError: it is something else, or below ``least``.
    """
    if not is_whole(value) or value < least:
        raise StudyError(f"{name}: received {shown(value)}; must be a whole number, at least {least}")
    return int(value)


def is_whole(value: Any) -> bool:
    """Whether ``value`` is a whole number of Python's or numpy's; True is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether ``value`` is a finite number of Python's or numpy's; True is none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def is_flag(value: Any) -> bool:
    """Whether ``value`` is a truth value of Python's or numpy's."""
    kind = type(value)
    return isinstance(value, bool) or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"))


def flag(value: Any, name: str) -> bool:
    """``value`` as a bool.

    Args:
        value: what was received.
        name: of the argument, for the message.

    Raises:
        StudyError: it is something else.
    """
    if not is_flag(value):
        raise StudyError(f"{name}: received {shown(value)}; must be True or False")
    return bool(value)


def one_of(value: Any, name: str, allowed: Iterable[str]) -> None:
    """Refuse what is none of the texts ``allowed``.

    Args:
        value: what was received.
        name: of the argument, for the message.
        allowed: the texts.

    Raises:
        StudyError: it is none of them.
    """
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        raise StudyError(f"{name}: received {shown(value)}; must be one of {', '.join(names)}")


def instance(value: Any, name: str, kind: type[Any] | tuple[type[Any], ...], wanted: str) -> None:
    """Refuse what is not of a class.

    Args:
        value: what was received.
        name: of the argument, for the message.
        kind: the class, or several.
        wanted: what must be given, for the message.

    Raises:
        StudyError: it is something else.
    """
    if not isinstance(value, kind):
        received = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
        raise StudyError(f"{name}: received {received}; must be {wanted}")


def path(value: Any, name: str, error: type[CritlabError] = StudyError) -> Path:
    """``value`` as a path.

    Args:
        value: what was received.
        name: of the argument, for the message.
        error: the class of the message.

    Raises:
        CritlabError: of that class, where it is no text and no path, or no file can have such a name.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise error(f"{name}: received {shown(value)}; must be a path")
    if "\0" in os.fspath(value):
        raise error(f"{name}: received {shown(value)}, which has a null character; must be a path")
    return Path(value)
