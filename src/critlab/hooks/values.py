"""Options that a person gives in Python, by the types of their fields; each wrong one has one message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab._core.user_code.values import is_flag, is_real, is_whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NONE = " | None"
"""How the type of a field ends that may be left out."""

_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "bool": (is_flag, "True or False"),
    "int": (is_whole, "a whole number"),
    "float": (is_real, "a finite number"),
    "str": (lambda value: isinstance(value, str), "a text"),
    "str | int": (lambda value: isinstance(value, str) or is_whole(value), "a text"),
    "MutableMapping[str, Any]": (lambda value: isinstance(value, MutableMapping), "a mapping, such as a dict"),
    "MutableMapping[str, float]": (lambda value: isinstance(value, MutableMapping), "a mapping, such as a dict"),
}
"""The plain types of fields, each with its check and its name in messages."""


def check_plain(options: DataclassInstance, of: str) -> None:
    """Refuse values of fields that are declared with one of the plain types, and are something else.

    Args:
        options: their class is defined in a module whose annotations are texts.
        of: the function that takes them, for the message.

    Raises:
        StudyError: naming the field.
    """
    for one in fields(options):
        declared, value = str(one.type), getattr(options, one.name)
        may_be_none = declared.endswith(NONE)
        fits, allowed = _KINDS.get(declared.removesuffix(NONE), (lambda value: True, ""))
        if not (may_be_none and value is None) and not fits(value):
            also = ", or None" if may_be_none else ""
            raise StudyError(f"{of}: {one.name}: received {shown(value)}; must be {allowed}{also}")
