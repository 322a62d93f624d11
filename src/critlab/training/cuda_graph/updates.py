"""An optimiser's step as a pure sequence of tensor operations: what changes from epoch to epoch lies in tensors.

torch's own optimisers take learning rate and weight decay as numbers, which a recorded program would hold fast, and
Adam counts its steps on the CPU. These rules are the same arithmetic, but for the rounding of a fused multiplication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from critlab.study.optimizers.adam import Adam, AdamW
from critlab.study.optimizers.sgd import SGD
from critlab.study.optimizers.spec import OptimizerSpec

Slots = Mapping[str, Tensor]
"""What the optimiser keeps of one parameter, named as in the state of torch's optimiser."""


class UpdateRule(Protocol):
    """How parameters follow gradients.

    ``decoupled`` says whether weight decay shrinks the weights themselves (:func:`shrunk`) or is added to the gradient
    (:func:`decayed`).
    """

    @property
    def decoupled(self) -> bool:
        """Which of the two."""

    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is kept of ``parameter`` before the first step, on its device."""

    def apply(self, parameters: list[Tensor], gradients: list[Tensor], slots: Sequence[Slots], lr: Tensor) -> None:
        """One step in place.

        Args:
            parameters: what moves.
            gradients: what they follow, one for each parameter, with coupled weight decay in them.
            slots: what is kept of each.
            lr: float32 ``()`` on their device, the learning rate.
        """


@dataclass(frozen=True)
class MomentumUpdate:
    """``b <- momentum b + g``, ``w <- w - lr b``; without momentum nothing is kept.

    With ``nesterov``, ``w <- w - lr (g + momentum b)``.

    Source: as ``torch.optim.SGD``.
    """

    momentum: float
    nesterov: bool = False
    decoupled: bool = False

    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        """One buffer of zeros, in the layout of the parameter."""
        return {"momentum_buffer": torch.zeros_like(parameter)} if self.momentum else {}

    def apply(self, parameters: list[Tensor], gradients: list[Tensor], slots: Sequence[Slots], lr: Tensor) -> None:
        """See :class:`UpdateRule`."""
        if self.momentum:
            buffers = [one["momentum_buffer"] for one in slots]
            torch._foreach_mul_(buffers, self.momentum)
            torch._foreach_add_(buffers, gradients)
            ahead = torch._foreach_mul(buffers, self.momentum) if self.nesterov else None
            gradients = buffers if ahead is None else list(torch._foreach_add(ahead, gradients))
        torch._foreach_sub_(parameters, torch._foreach_mul(gradients, lr))


@dataclass(frozen=True)
class AdamUpdate:
    """Adam; with ``decoupled``, AdamW.

    Source: Kingma and Ba 2015, as ``torch.optim.Adam``; Loshchilov and Hutter 2019, as ``torch.optim.AdamW``.
    """

    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-8
    decoupled: bool = False

    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        """Both moments, and the number of steps as float32 ``()``."""
        return {
            "step": torch.zeros((), device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }

    def apply(self, parameters: list[Tensor], gradients: list[Tensor], slots: Sequence[Slots], lr: Tensor) -> None:
        """See :class:`UpdateRule`."""
        kinds = ("step", "exp_avg", "exp_avg_sq")
        steps, means, squares = ([one[kind] for one in slots] for kind in kinds)
        torch._foreach_add_(steps, 1.0)
        torch._foreach_lerp_(means, gradients, 1 - self.first)
        torch._foreach_mul_(squares, self.second)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - self.second)
        counted = [step.double() for step in steps]
        sizes = [(lr / (1 - self.first**count)).float() for count in counted]
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, [(1 - self.second**count).sqrt().float() for count in counted])
        torch._foreach_add_(roots, self.epsilon)
        moves = torch._foreach_div(means, roots)
        torch._foreach_mul_(moves, sizes)
        torch._foreach_sub_(parameters, moves)


def decayed(parameters: list[Tensor], gradients: list[Tensor], decay: Tensor) -> list[Tensor]:
    """``g + decay w``: what a rule follows that couples weight decay to the gradient, as in the papers' time.

    Args:
        parameters: w.
        gradients: g of the loss, one for each.
        decay: float32 ``()`` on their device.
    """
    return list(torch._foreach_add(torch._foreach_mul(parameters, decay), gradients))


def shortened(gradients: list[Tensor], most: Tensor) -> None:
    """Shortens the gradient of all weights in place where it is longer than ``most``.

    Args:
        gradients: one for each parameter.
        most: float32 ``()`` on their device, the largest norm.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1, as ``torch.nn.utils.clip_grad_norm_``.
    """
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (most / (norm + 1e-6)).clamp(max=1.0))


def shrunk(parameters: list[Tensor], lr: Tensor, decay: Tensor) -> None:
    """``w <- (1 - lr decay) w`` in place: decoupled weight decay, before a rule's step.

    Args:
        parameters: w.
        lr: float32 ``()`` on their device, the learning rate.
        decay: float32 ``()``.
    """
    torch._foreach_mul_(parameters, 1 - lr * decay)


def update_rule(spec: OptimizerSpec) -> UpdateRule | None:
    """The rule of a study's optimiser; None where only torch's own optimiser knows it."""
    options = spec.options
    if isinstance(options, SGD) and not options.dampening:
        return MomentumUpdate(spec.momentum or 0.0, options.nesterov)
    if isinstance(options, Adam) and not options.amsgrad:
        return AdamUpdate(*options.betas, options.eps, isinstance(options, AdamW))
    return None
