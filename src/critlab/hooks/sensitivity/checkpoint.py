"""A state from which forks start: the user's live one, a saved one, or a file; and whether forks leave it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from critlab._core.errors import CritlabError, StudyError
from critlab.training.states.packing import Arrays, pack
from critlab.training.states.packing import arrays_digest as arrays_digest

SHOWN = 200
"""Characters of another program's error that a message repeats."""


def read_checkpoint(path: str | Path) -> Any:
    """What ``torch.save`` or ``safetensors`` wrote; nothing in it is run.

    A folder is given as its path, for a ``load`` that knows what is in it.

    Raises:
        StudyError: the file is missing, or cannot be read.
    """
    place = Path(path)
    if place.is_dir():
        return str(place)
    if not place.is_file():
        raise StudyError(f"sensitivity: checkpoint: received {str(path)!r}, which does not exist; give a file")
    try:
        if place.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(place)
        return torch.load(place, map_location="cpu", weights_only=True)
    except Exception as error:
        raise StudyError(
            f"sensitivity: checkpoint: {str(path)!r} cannot be read ({short(error)}); must be a whole file that "
            "torch.load(..., weights_only=True) reads"
        ) from None


def loaded(load: Callable[[Any], Any], saved: Any, what: str) -> Any:
    """The state of a checkpoint.

    Args:
        load: the user's function.
        saved: what it takes.
        what: the checkpoint, for messages.

    Raises:
        StudyError: ``load`` fails, or gives nothing.
    """
    try:
        own = load(saved)
    except CritlabError:
        raise
    except Exception as error:
        keys = f"; it holds {', '.join(map(str, list(saved)[:8]))}" if isinstance(saved, Mapping) else ""
        raise StudyError(
            f"sensitivity: load: could not load {what} ({short(error)}){keys}; load must take what save returns, or "
            "what the checkpoint's file holds"
        ) from error
    if own is None:
        raise StudyError("sensitivity: load: returned None; must return the state")
    return own


def packed_state(saved: Any, what: str) -> Arrays:
    """A saved state as arrays of its own.

    Raises:
        StudyError: it holds something that is neither tensor, number nor text.
    """
    try:
        return pack(saved)
    except StudyError as error:
        raise StudyError(f"sensitivity: {what}: {error}") from None


def refuse_shared(live: Any, live_saved: Any, own: Any, own_saved: Any) -> None:
    """Raises where a loaded state is the live one, or shares its tensors: training it would train the live one.

    Args:
        live: the user's state.
        live_saved: what ``save`` gave of it, before it was packed.
        own: the loaded state.
        own_saved: what ``save`` gave of it.
    """
    shared = {_place(one) for one in _tensors(live_saved)} & {_place(one) for one in _tensors(own_saved)}
    if own is live or shared or _models(live) & _models(own):
        raise StudyError(
            "sensitivity: load: returned a state that shares its model or tensors with the training's own; must build "
            "a new model and optimiser in each call, so that forks leave the training as it is"
        )


def short(error: BaseException) -> str:
    """An error in one line."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _models(state: Any) -> set[int]:
    parts = [state, *(state.values() if isinstance(state, Mapping) else ())]
    parts += list(state) if isinstance(state, list | tuple) else list(getattr(state, "__dict__", {}).values())
    return {id(one) for one in parts if isinstance(one, nn.Module | torch.optim.Optimizer)}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)


def _place(tensor: Tensor) -> tuple[str, int]:
    # a tensor without elements has no memory to share
    return str(tensor.device), tensor.data_ptr() if tensor.numel() else -id(tensor)
