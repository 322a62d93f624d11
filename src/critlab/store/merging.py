"""Two records of one name in two stores: whether they say the same, and which of them says more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from critlab.store.inspection import Place
from critlab.store.store import States, seal

INCIDENTAL = frozenset({"seconds", "provenance", "kept"})
"""Fields of a record that say how it came about; two trainings of one epoch may differ in them."""


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """In which fields two records of one name differ that should be equal, with their values where these are short.

    A field that only one of them has is no difference: an earlier critlab did not write it.
    """
    return [
        f"{key}{_values(one[key], other[key])}"
        for key in sorted((one.keys() & other.keys()) - INCIDENTAL)
        if not _agree(one[key], other[key])
    ]


def says_more(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether record ``one`` says more than ``other``, which agrees with it.

    It promises a checkpoint, or has a field that the other lacks, such as which test images were correct.
    """
    kept, before = bool(one.get("kept", False)), bool(other.get("kept", False))
    return kept if kept != before else len([*_fields(one)]) > len([*_fields(other)])


def same_state(one: Place, other: Place) -> bool:
    """Whether two checkpoints of one name hold the same arrays, by their headers.

    Raises:
        StoreError: a header is damaged.
        FileNotFoundError: one has gone.
    """
    from critlab.store.checkpoint import claimed_digest

    name = seal(cast(States, one.kind), one.name)
    return claimed_digest(one.path, name) == claimed_digest(other.path, name)


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(_agree(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_agree, one, other))
    return bool(one == other)


def _values(one: Any, other: Any) -> str:
    return "" if isinstance(one, Mapping | list) or isinstance(other, Mapping | list) else f" {one} and {other}"


def _fields(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key in value.keys() - INCIDENTAL:
            yield key
            yield from _fields(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item)
