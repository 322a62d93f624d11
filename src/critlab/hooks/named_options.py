"""Options that a function takes as one value and also each by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from critlab.hooks.deprivation import NAMED

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")


def with_named(options: Options, named: Mapping[str, Any], of: str) -> Options:
    """Options with those in ``named`` in their place.

    Args:
        options: a frozen value. Where it has a field ``knowledge``, the fields of that value have names as well.
        named: values by name.
        of: the function that takes them, for the error.

    Raises:
        TypeError: there is no such option.
    """
    names = [one.name for one in sorted(fields(options), key=lambda one: one.kw_only is True)]
    inner = NAMED if "knowledge" in names else ()
    allowed = [*names, *inner]
    if unknown := sorted(set(named) - set(allowed)):
        raise TypeError(f"{of}() has no option {unknown[0]!r} (allowed: {', '.join(allowed)})")
    made = replace(options, **{name: value for name, value in named.items() if name in names})
    if not inner:
        return made
    known: Any = made
    return replace(made, knowledge=known.knowledge.with_named({k: v for k, v in named.items() if k in inner}))
