"""Which images make each batch: the order of an epoch, as a function of run seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from critlab._core.random_streams import generator


class EpochSize(NamedTuple):
    """How an epoch is divided.

    Args:
        length: images of one epoch.
        batch: images that the network sees at a time.
        together: batches of one step. Its gradient is the mean over all that counts in them, as in one large batch; the
            last step of an epoch has what is left.
    """

    length: int
    batch: int
    together: int = 1


def epoch_order(seed: int, epoch: int, examples: int, length: int) -> Tensor:
    """The images of an epoch, in order.

    The training set is gone through in passes, each in a fresh random order keyed by the pass; an epoch is the next
    ``length`` images. So every image is seen equally often, also where an epoch is shorter than the training set.

    Args:
        seed: the run's seed.
        epoch: epochs trained before this one.
        examples: how many training images there are.
        length: how many images make one epoch, at most ``examples``.

    Returns:
        int64 ``(length,)``.
    """
    first, parts = epoch * length, []
    last = first + length
    for number in range(first // examples, (last - 1) // examples + 1):
        order = torch.randperm(examples, generator=generator(seed, "order", number))
        parts.append(order[max(first - number * examples, 0) : last - number * examples])
    return torch.cat(parts)


def batches(order: Tensor, size: int) -> Iterator[Tensor]:
    """``order`` in pieces of ``size``; a smaller last one is kept, except of size 1, which BatchNorm cannot take."""
    for batch in order.split(size):
        if len(batch) > 1 or size == 1:
            yield batch
