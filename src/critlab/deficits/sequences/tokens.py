"""What deficits of sequences share: which examples are sequences, and how places are moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from critlab._core.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Tokens = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_listed)]
"""Numbers of tokens, as an option of a deficit."""


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


def staying(sequences: Tensor, spared: tuple[int, ...], vocabulary: int | None, mask: Tensor | None) -> Tensor | None:
    """bool ``(batch, places)``: the places that a deficit leaves as they are; None where there are none.

    Args:
        sequences: whole numbers ``(batch, places)``, or float in [0, 1], which count as ``vocabulary`` even levels.
        spared: tokens that stay, such as padding.
        vocabulary: how many tokens there are; only levels need it.
        mask: bool ``(batch, places)``, False for padding; None where all count.

    Raises:
        StudyError: tokens are to stay, but the values are no tokens.
    """
    import torch

    padding = None if mask is None else ~mask.to(sequences.device)
    if not spared:
        return padding
    if sequences.ndim != 2 or (sequences.is_floating_point() and vocabulary is None):
        raise StudyError(
            f"deficit.spared: received {list(spared)}, but examples are {str(sequences.dtype).removeprefix('torch.')} "
            f"{tuple(sequences.shape[1:])}; must be left out unless they are whole numbers (places,), or levels in "
            "[0, 1] with vocabulary"
        )
    levels = (sequences * ((vocabulary or 2) - 1)).round() if sequences.is_floating_point() else sequences
    kept = torch.isin(levels.long(), torch.tensor(spared, device=sequences.device))
    return kept if padding is None else kept | padding
