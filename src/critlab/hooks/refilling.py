"""Full batches of what a deficit that withholds examples leaves of small ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.hooks.border.tensors import taken


class Refilled:
    """Gathers what is left of batches, in order, and gives batches of their full size."""

    def __init__(self) -> None:
        self._waiting: Any = None
        self._count = 0

    def add(self, batch: Any, shown: Tensor) -> Iterator[Any]:
        """The full batches that are there after ``batch``, of which the examples in ``shown`` are left.

        Args:
            batch: as the loader gives it.
            shown: bool ``(batch,)``; its length is the full size.
        """
        left, count = taken(batch, shown), int(shown.sum())
        self._waiting = left if not self._count else joined(self._waiting, left, self._count, count)
        self._count += count
        while self._count >= len(shown):
            first = torch.arange(self._count) < len(shown)
            yield taken(self._waiting, first)
            self._waiting, self._count = taken(self._waiting, ~first), self._count - len(shown)

    def rest(self) -> Iterator[Any]:
        """The examples that fill no batch, as a smaller one; nothing where there are none."""
        if self._count:
            yield self._waiting
        self._waiting, self._count = None, 0


def joined(first: Any, second: Any, count: int, more: int) -> Any:
    """A batch of ``count`` examples and one of ``more``, as one; what has no entry for each example is the first's.

    Raises:
        StudyError: their items have several forms, such as sequences padded to several lengths.
    """
    try:
        if isinstance(first, Tensor):
            apart = not first.ndim or (len(first), len(second)) != (count, more)
            return first if apart else torch.cat([first, second])
        if isinstance(first, np.ndarray):
            apart = not first.ndim or (len(first), len(second)) != (count, more)
            return first if apart else np.concatenate([first, second])
        if isinstance(first, Mapping):
            return {name: joined(one, second[name], count, more) for name, one in first.items()}
        if isinstance(first, list) and (len(first), len(second)) == (count, more):
            return [*first, *second]
        if isinstance(first, list | tuple):
            parts = [joined(one, other, count, more) for one, other in zip(first, second, strict=True)]
            return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    except (RuntimeError, ValueError, KeyError) as error:
        raise StudyError(
            f"DeficitLoader: refill: batches of several forms cannot be joined ({' '.join(str(error).split())}); let "
            "the loader give all batches one form, or omit refill"
        ) from error
    return first
