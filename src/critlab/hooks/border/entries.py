"""Which entry of a batch's inputs a deficit is applied to, where the inputs are a tuple or a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.deficits import Deficit

Step = int | str
Key = Step | tuple[Step, ...]
"""A place: a number in a tuple or list, a name in a mapping; a tuple of these leads into nested ones."""

COMPANIONS = frozenset({"labels", "attention_mask", "token_type_ids", "position_ids"})
"""Names that go with inputs and are none themselves, in the convention of Hugging Face."""

MOST_PLACES = 6
"""How many places a message lists."""


class Entry(NamedTuple):
    """The entry that a deficit is applied to.

    Args:
        value: a tensor or array; two sources as one tensor ``(batch, 2, ...)``.
        deficit: as it is applied to that entry.
        mask: the entry's padding mask, where it stands next to it; else None.
        back: puts a new value in the place of the entry, in a copy of the inputs.
    """

    value: Any
    deficit: Deficit
    mask: Any
    back: Callable[[Any], Any]


def entry_of(deficit: Deficit, inputs: Any, key: Key | None) -> Entry:
    """The entry of ``inputs`` that ``deficit`` is applied to.

    That is the inputs themselves where they are a tensor or an array, else the entry at ``key``. Without a key it is
    the only entry; of two entries, the one that the option ``source`` of the deficit says, ``A`` the first.

    Raises:
        StudyError: nothing is at ``key``, or without one there are several entries.
    """
    what = f"deficit {deficit.name!r}: inputs"
    if key is not None:
        return _at(deficit, inputs, path_of(key), what)
    places = list(inputs_in(inputs))
    if not places or places == [()]:
        return Entry(inputs, deficit, None, lambda new: new)
    if len(places) == 1:
        return _at(deficit, inputs, places[0], what)
    if len(places) == 2 and deficit.between_sources:
        return _pair(deficit, inputs, places, what)
    if len(places) == 2 and deficit.source is not None:
        alone = deficit.model_copy(update={"source": None})
        return _at(alone, inputs, places[("A", "B").index(deficit.source)], what)
    raise StudyError(
        f"{what}: received {type(inputs).__name__} with several entries ({listed(places)}); give key=, the entry that "
        f"the deficit is applied to, such as key={written(places[0])}"
    )


def inputs_in(value: Any, above: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """The places of the tensors and arrays in ``value`` that may be inputs, in order; ``()`` for a tensor itself."""
    if isinstance(value, Tensor | np.ndarray):
        if value.ndim:
            yield above
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name not in COMPANIONS:
                yield from inputs_in(one, (*above, name))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from inputs_in(one, (*above, place))


def path_of(key: Key) -> tuple[Step, ...]:
    """A key as the steps that lead to the place."""
    return key if isinstance(key, tuple) else (key,)


def at(value: Any, key: Key) -> Any:
    """What is at ``key``.

    Raises:
        KeyError, IndexError, TypeError: nothing is there.
    """
    for step in path_of(key):
        if isinstance(value, Tensor | np.ndarray):
            raise TypeError("a tensor has no entries")
        value = value[step]
    return value


def put(value: Any, key: Key, new: Any) -> Any:
    """A copy of ``value``, of its own kind, with ``new`` at ``key``; what is not on the way is the same object."""
    first, *rest = path_of(key)
    inner = put(value[first], tuple(rest), new) if rest else new
    if isinstance(value, MutableMapping):
        # a copy of its own kind, as some bring methods that loops use, such as BatchEncoding.to
        made = copy(value)
        made[first] = inner
        return made
    if isinstance(value, Mapping):
        return {**value, first: inner}
    items = [inner if place == first else item for place, item in enumerate(value)]
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def written(place: Key) -> str:
    """A place as a person writes it."""
    steps = path_of(place)
    return repr(steps[0] if len(steps) == 1 else steps)


def listed(places: list[tuple[Step, ...]]) -> str:
    """Places in one line."""
    return ", ".join([*map(written, places[:MOST_PLACES]), *(["..."] if len(places) > MOST_PLACES else [])])


def _at(deficit: Deficit, inputs: Any, path: tuple[Step, ...], what: str) -> Entry:
    try:
        value = at(inputs, path)
    except (KeyError, IndexError, TypeError):
        there = listed(list(inputs_in(inputs))) or "no tensors"
        raise StudyError(f"{what}: key: received {written(path)}, but the inputs have {there} there") from None
    around = at(inputs, path[:-1])
    if not isinstance(value, Tensor | np.ndarray):
        inner = entry_of(deficit, value, None)
        return inner._replace(back=lambda new: put(inputs, path, inner.back(new)))
    mask = around.get("attention_mask") if isinstance(around, Mapping) else None
    fits = isinstance(mask, Tensor | np.ndarray) and mask.ndim == 2 and mask.shape == value.shape[:2]
    return Entry(value, deficit, mask if fits else None, lambda new: put(inputs, path, new))


def _pair(deficit: Deficit, inputs: Any, places: list[tuple[Step, ...]], what: str) -> Entry:
    """Two sources as one tensor."""
    one, other = (torch.as_tensor(at(inputs, place)) for place in places)
    if one.shape != other.shape or one.dtype != other.dtype:
        raise StudyError(
            f"{what}: received two sources of shapes {tuple(one.shape)} and {tuple(other.shape)}; this deficit is "
            "about what the sources are to each other, and needs two of one shape and type"
        )

    def back(new: Any) -> Any:
        made = inputs
        for place, part in zip(places, (new[:, 0], new[:, 1]), strict=True):
            known = at(inputs, place)
            made = put(made, place, part.numpy() if isinstance(known, np.ndarray) else part)
        return made

    return Entry(torch.stack([one, other], 1), deficit, None, back)
