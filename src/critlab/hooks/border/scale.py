"""How inputs were normalised, so that a deficit sees them as they were before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from critlab._core.errors import StudyError


@dataclass(frozen=True)
class Scale:
    """``normalised = (raw - mean) / deviation``.

    Args:
        mean: fits one example, or is one number a channel.
        deviation: the same shapes, above 0.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, normalised: Sequence[Any]) -> Scale:
        """The scale that ``normalised=(mean, deviation)`` says: numbers, lists, arrays or tensors.

        Raises:
            StudyError: it is no such pair.
        """
        try:
            mean, deviation = (torch.as_tensor(one).detach() for one in normalised)
            found = cls(mean.double(), deviation.double())
        except (TypeError, ValueError, RuntimeError) as error:
            raise StudyError(f"normalised: {error}; must be (mean, deviation), such as (0.5, 0.5)") from None
        if not (found.mean.isfinite().all() and found.deviation.isfinite().all() and (found.deviation > 0).all()):
            raise StudyError("normalised: mean and deviation must be finite, and the deviation above 0")
        return found

    def fitted(self, example_shape: tuple[int, ...]) -> Scale:
        """The same scale, shaped to fit such examples: one number a channel goes with ``(..., channels, H, W)``.

        Raises:
            StudyError: it does not fit.
        """
        return Scale(*(_fitted(one, example_shape) for one in (self.mean, self.deviation)))

    def raw(self, values: Tensor) -> Tensor:
        """Normalised ``values`` as they were before."""
        return values * self.deviation.to(values) + self.mean.to(values)

    def normalised(self, raw: Tensor) -> Tensor:
        """The inverse of :meth:`raw`."""
        return (raw - self.mean.to(raw)) / self.deviation.to(raw)


def _fitted(one: Tensor, example_shape: tuple[int, ...]) -> Tensor:
    if one.ndim == 1 and len(example_shape) >= 3 and len(one) == example_shape[-3]:
        return one[:, None, None]
    try:
        if torch.broadcast_shapes(one.shape, example_shape) == torch.Size(example_shape):
            return one
    except RuntimeError:
        pass
    raise StudyError(
        f"normalised: received mean or deviation of shape {tuple(one.shape)}, which does not fit examples of shape "
        f"{example_shape}; must be one number, one for each channel, or fit an example"
    )
