"""Torch as deficits expect it, whatever the loop around them has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def plain_torch() -> Iterator[None]:
    """No autocast, float32 by default, and new tensors on the CPU, where deficits draw; all is put back.

    Inside autocast a blur would be computed in half precision; with another default device or type the draws would
    fail, or be others.
    """
    usual = torch.get_default_dtype()
    with ExitStack() as stack:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if usual != torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, usual)
        yield
