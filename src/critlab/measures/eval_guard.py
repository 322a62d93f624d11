"""Looking at a model in evaluation mode without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def eval_guard(model: nn.Module, seed: int) -> Iterator[None]:
    """Evaluation mode with gradients; afterwards modes, buffers and the global random state are as before.

    Holds also when an exception passes, and under a surrounding ``no_grad`` or ``inference_mode``. Parameters
    and their ``.grad`` are the caller's affair: use ``torch.autograd.grad``.

    Args:
        model: the model to look at.
        seed: of the global generators meanwhile, for models that draw random numbers even in evaluation mode.
    """
    devices = sorted({p.device.index for p in model.parameters() if p.device.type == "cuda"})
    modes = [(module, module.training) for module in model.modules()]
    kept = [
        (module, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False, remove_duplicate=False)
    ]
    with torch.random.fork_rng(devices), torch.inference_mode(False), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        for device in devices:
            torch.cuda.default_generators[device].manual_seed(seed)
        try:
            # not model.eval(), which a module may override to do more, such as to merge an adapter into its weights
            for module, _ in modes:
                module.training = False
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            for module, name, buffer, copy in kept:
                _put_back(module, name, buffer, copy)


def _put_back(module: nn.Module, name: str, buffer: Tensor, copy: Tensor) -> None:
    module._buffers[name] = buffer
    # writing only what changed leaves version counters alone, so a graph that the caller holds stays valid
    if not torch.equal(buffer, copy):
        with torch.no_grad():
            buffer.copy_(copy)
