"""Several processes that train one model together: all of them look, the first one reports."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

EVERY = 16
"""Steps between two sums over the processes, the same in all of them, since each decides for itself when to look."""


def together() -> bool:
    """Whether there are several processes."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def rank() -> int:
    """Which of them this is; 0 where there is only one."""
    return dist.get_rank() if together() else 0


def summed(values: Tensor, device: torch.device) -> Tensor:
    """The sum over all processes, which must all call this at the same step.

    Args:
        values: on the CPU.
        device: of the model, on which NCCL wants them.
    """
    place = device if dist.get_backend() == "nccl" else torch.device("cpu")
    moved = values.to(place)
    dist.all_reduce(moved)
    return moved.cpu()
