"""One core for small products: numpy's arrays, multiplied by torch, whose number of threads a program can set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from critlab._core.threads import one_thread
from critlab.theory.linear.checks import Floats


@contextmanager
def one_core() -> Iterator[None]:
    """Within it, torch computes on the calling core only.

    For matrices of 100 x 100 the threads' hand-over costs more than it saves, and on a busy machine each one waits for
    the scheduler: 26 s in place of 0.6 s were seen for 3,000 updates with the threads of numpy's library.
    """
    with one_thread(), torch.inference_mode():
        yield


def stacked(values: Floats) -> Tensor:
    """The array ``(..., rows, columns)`` as a tensor ``(batch, rows, columns)`` in the same memory."""
    return torch.from_numpy(values.reshape(-1, *values.shape[-2:]))
