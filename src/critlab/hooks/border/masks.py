"""Which places of a batch's sequences are padding."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from critlab._core.errors import StudyError
from critlab.hooks.border.tensors import tensor_of


def mask_seen(given: Any, sequences: Tensor) -> Tensor:
    """``given`` as bool ``(batch, places)``, False for padding.

    Args:
        given: a tensor or array, of which 0 stands for padding.
        sequences: ``(batch, places, ...)``.

    Raises:
        StudyError: it has another shape.
    """
    mask = tensor_of(given, "mask").values
    if mask.ndim != 2 or mask.shape != sequences.shape[:2]:
        raise StudyError(
            f"mask: received shape {tuple(mask.shape)} for inputs of shape {tuple(sequences.shape)}; must be "
            "(batch, places), 0 for padding"
        )
    return mask != 0


def spread(mask: Tensor, values: Tensor) -> Tensor:
    """``mask`` ``(batch, places)`` with the further axes of ``values``, to be broadcast against them."""
    return mask.to(values.device).reshape(*mask.shape, *[1] * (values.ndim - 2))
