"""Options that a function takes as one value and also each by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab._core.user_code.values import is_whole, whole
from critlab.hooks.border.scale import Scale
from critlab.hooks.deprivation import NAMED, DataInfo
from critlab.hooks.values import check_plain

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")


def given_options(kind: type[Options], options: Any, of: str, name: str = "options") -> Options:
    """The options that a call was given as one value; the usual ones where it was given None.

    Args:
        kind: their class.
        options: what was received.
        of: the function that takes them, for the message.
        name: of the argument.

    Raises:
        StudyError: it is something else.
    """
    if options is None:
        return kind()
    if not isinstance(options, kind):
        raise StudyError(
            f"{of}: {name}: received {type(options).__name__}; must be {kind.__name__}(...), or give each option by "
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
    check_data_info(known, of)
    return known


def check_data_info(known: DataInfo, of: str) -> None:
    """Refuse what is known of the data where it cannot be so.

    Args:
        known: with numbers, normalisation, labels and place.
        of: the function that takes it, for messages.

    Raises:
        StudyError: naming the field.
    """
    for name in ("examples", "classes"):
        whole(getattr(known, name), f"{of}: {name}", 0)
    if known.normalised is not None:
        Scale.of(known.normalised)
    if known.labels is not None and not _are_labels(known.labels):
        raise StudyError(
            f"{of}: all_labels: received {type(known.labels).__name__}; must be the labels of all training examples, "
            "(examples,)"
        )
    check_key(known.key, f"{of}: key")


def check_key(key: Any, name: str) -> None:
    """Refuse what is no place in a batch; None is one that is not said.

    Args:
        key: what was received.
        name: of the function and the argument, for the message.

    Raises:
        StudyError: it is none.
    """
    steps = key if isinstance(key, tuple) else (key,)
    if key is not None and not (steps and all(isinstance(step, str) or is_whole(step) for step in steps)):
        raise StudyError(f"{name}: received {shown(key)}; must be a number, a name, or a tuple of these")


def _are_labels(labels: Any) -> bool:
    try:
        return torch.as_tensor(labels).ndim > 0
    except (TypeError, ValueError, RuntimeError):
        return False
