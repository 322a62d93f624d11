"""The losses that a loop tells its watch: gathered without waiting for the device, summed when a record is made."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from critlab.errors import StudyError
from critlab.estimate import Estimate
from critlab.hooks.ranks import summed, together

MOST_KEPT = 4096
"""Losses kept one by one before they are summed."""


class TrainingLoss:
    """What a loop told of its losses since the last record, in this process and, once shared, in all."""

    def __init__(self) -> None:
        self._given: list[Tensor] = []
        #: count, sum and sum of squares, float64 on the CPU
        self._own, self._all = torch.zeros(2, 3, dtype=torch.float64)

    def tell(self, loss: Tensor | float) -> None:
        """Takes in one batch's loss; a tensor is not read yet, as that would wait for its device.

        Raises:
            StudyError: it is not one number.
        """
        if isinstance(loss, Tensor):
            if loss.numel() != 1:
                shape = tuple(loss.shape)
                raise StudyError(f"watch: step: loss: received a tensor of shape {shape}; must be one number")
            self._given.append(loss.detach().reshape(()))
        elif isinstance(loss, int | float):
            self._given.append(torch.tensor(float(loss)))
        else:
            raise StudyError(f"watch: step: loss: received {type(loss).__name__}; must be one number")
        if len(self._given) >= MOST_KEPT:
            self._sum()

    def share(self, device: torch.device) -> None:
        """Adds up what all processes were told; all of them must call it at the same step."""
        self._sum()
        self._all += summed(self._own, device)
        self._own.zero_()

    def mean(self) -> Estimate | None:
        """The mean since the last call, with the standard error that batches' spread gives; None where none was told.

        Where several processes train, it is the mean of what they have shared.
        """
        self._sum()
        sums = self._all if together() else self._own
        count, total, squares = sums.tolist()
        sums.zero_()
        if not count:
            return None
        variance = max(0.0, squares / count - (total / count) ** 2)
        return Estimate(total / count, math.sqrt(variance / (count - 1)) if count > 1 else math.inf)

    def _sum(self) -> None:
        if self._given:
            losses = torch.stack([loss.to(torch.float32) for loss in self._given]).cpu().double()
            self._own += torch.stack([losses.new_tensor(len(losses)), losses.sum(), losses.square().sum()])
            self._given = []
