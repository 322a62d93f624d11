"""Options that a function takes as one value and also each by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from critlab._core.errors import StudyError
from critlab.hooks.border.scale import Scale
from critlab.hooks.deprivation import NAMED, DataInfo
from critlab.hooks.values import check_plain, whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")


def given_options(kind: type[Options], options: Any, of: str) -> Options:
    """The options that a call was given as one value; the usual ones where it was given None.

    Args:
        kind: their class.
        options: what was received.
        of: the function that takes them, for the message.

    Raises:
        StudyError: it is something else.
    """
    if options is None:
        return kind()
    if not isinstance(options, kind):
        raise StudyError(
            f"{of}: options: received {type(options).__name__}; must be {kind.__name__}(...), or give each option by "
            "its name"
        )
    return options


def with_named(options: Options, named: Mapping[str, Any], of: str) -> Options:
    """Options with those in ``named`` in their place.

    Args:
        options: a frozen value. Where it has a field ``knowledge``, the fields of that value have names as well.
        named: values by name.
        of: the function that takes them, for the error.

    Raises:
        TypeError: there is no such option.
        StudyError: a number, a truth value or what is known of the data is something else.
    """
    names = [one.name for one in sorted(fields(options), key=lambda one: one.kw_only is True)]
    inner = NAMED if "knowledge" in names else ()
    allowed = [*names, *inner]
    if unknown := sorted(set(named) - set(allowed)):
        raise TypeError(f"{of}() has no option {unknown[0]!r} (allowed: {', '.join(allowed)})")
    made = replace(options, **{name: value for name, value in named.items() if name in names})
    check_plain(made, of)
    if not inner:
        return made
    known: Any = made
    knowledge = _data_info(known.knowledge, {name: value for name, value in named.items() if name in inner}, of)
    return replace(made, knowledge=knowledge)


def _data_info(knowledge: Any, named: Mapping[str, Any], of: str) -> DataInfo:
    if not isinstance(knowledge, DataInfo):
        raise StudyError(
            f"{of}: knowledge: received {type(knowledge).__name__}; must be critlab.hooks.deprivation.DataInfo(...), "
            f"or give {', '.join(NAMED)} by name"
        )
    known = knowledge.with_named(named)
    for name in ("examples", "classes"):
        whole(getattr(known, name), f"{of}: {name}", 0)
    if known.normalised is not None:
        Scale.of(known.normalised)
    return known
