"""What deficits of sequences share: which examples are sequences, and how places are moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor


def check_sequences(name: str, example_shape: tuple[int, ...]) -> None:
    """Raises StudyError unless examples are ``(places,)`` or ``(places, features)``."""
    if len(example_shape) not in (1, 2):
        raise StudyError(
            f"deficit {name!r} needs sequences (places,) or (places, features), received examples of shape "
            f"{example_shape}; choose another deficit"
        )


def moved_along(sequences: Tensor, order: Tensor) -> Tensor:
    """``sequences`` ``(batch, places, ...)`` with the places of each taken in ``order``, int64 ``(batch, places)``."""
    wide = order.reshape(*order.shape, *[1] * (sequences.ndim - 2)).expand_as(sequences)
    return sequences.gather(1, wide)
