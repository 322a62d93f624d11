"""A user's own data: a function that returns ``((images, labels), (images, labels))``, training and test."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import CritlabError, DataError
from critlab._core.loading.imports import imported, one_line
from critlab.data.data_set import DataSet

Pair = tuple[NDArray[Any], NDArray[Any]]

_FORM = "it must return ((images, labels), (images, labels)), training and test"


def called(path: str, folder: Path) -> Any:
    """What the user's function or :class:`~critlab.data.data_set.DataSet` at ``"package.module:name"`` returns.

    The global generators of Python, numpy and torch begin at the same place each time, so that data that are drawn are
    the same in every process. The content of the data names them, so that the function's code need not.

    Raises:
        StudyError: it cannot be imported.
        DataError: it is no function, or it fails; the failure is kept as the cause.
    """
    function = imported(path, "data.name")
    if not callable(function):
        raise DataError(f"data.name: {path!r} is of type {type(function).__name__}; must be a function, and {_FORM}")
    try:
        with seeded():
            if isinstance(function, type) and issubclass(function, DataSet):
                return function().load(folder)
            return function()
    except CritlabError:
        raise
    except Exception as error:
        raise DataError(f"data.name: {path!r} failed: {one_line(error)}") from error


@contextmanager
def seeded() -> Iterator[None]:
    """Inside, the global generators begin at 0; afterwards they stand where they stood."""
    import torch

    kept, kept_numpy, kept_torch = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)
        torch.set_rng_state(kept_torch)


def arrays_of(returned: Any, where: str) -> tuple[Pair, Pair]:
    """``((images, labels), (images, labels))`` as numpy arrays; torch tensors are accepted too.

    Raises:
        DataError: ``returned`` has another form.
    """
    parts = _two(returned, f"{where}: received")
    pairs = [_two(part, f"{where}, {name}: received") for part, name in zip(parts, ("train", "test"), strict=True)]
    arrays = [[_array(value, f"{where}: received") for value in pair] for pair in pairs]
    (train_images, train_labels), (test_images, test_labels) = arrays
    return (train_images, train_labels), (test_images, test_labels)


def _two(value: Any, received: str) -> Sequence[Any]:
    if not isinstance(value, tuple | list):
        raise DataError(f"{received} something of type {type(value).__name__}; {_FORM}")
    if len(value) != 2:
        raise DataError(f"{received} {len(value)} items; {_FORM}")
    return value


def _array(value: Any, received: str) -> NDArray[Any]:
    if hasattr(value, "detach"):
        try:
            value = value.detach().cpu().numpy()
        except (TypeError, RuntimeError) as error:
            raise DataError(f"{received} a tensor that numpy cannot hold ({error}); convert it to float32") from error
    if not isinstance(value, np.ndarray):
        raise DataError(
            f"{received} something of type {type(value).__name__}; images and labels "
            "must be numpy arrays or torch tensors"
        )
    return value
