"""The settings of a GPU, and how small tensors reach it without holding it up."""

from __future__ import annotations

import torch
from torch import Tensor


def make_deterministic() -> None:
    """Everything on a GPU is computed the same way each time, and float32 means float32; for the whole process.

    An operation that knows no deterministic way warns and goes on: then forks may differ from runs from scratch in the
    last digits, and a replayed epoch says so. cuBLAS also needs ``CUBLAS_WORKSPACE_CONFIG``, which workers have.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    # every tensor here is written before it is read
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor`` on ``device``; a GPU is not waited for, as the copy starts from memory that stays in place."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
