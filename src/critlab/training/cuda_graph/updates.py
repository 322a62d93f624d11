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

from critlab.study.specs import OptimizerSpec

Slots = Mapping[str, Tensor]
"""What the optimiser keeps of one parameter, named as in the state of torch's optimiser."""


class UpdateRule(Protocol):
    """How parameters follow gradients."""

    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is kept of ``parameter`` before the first step, on its device."""

    def apply(self, parameters: list[Tensor], gradients: list[Tensor], slots: Sequence[Slots], lr: Tensor) -> None:
        """One step in place.

        Args:
            parameters: what moves.
            gradients: what they follow, one for each parameter; see :func:`decayed`.
            slots: what is kept of each.
            lr: float32 ``()`` on their device, the learning rate.
        """


@dataclass(frozen=True)
class MomentumUpdate:
    """``b <- momentum b + g``, ``w <- w - lr b``; without momentum nothing is kept.

    Source: as ``torch.optim.SGD``.
    """

    momentum: float

    def slots(self, parameter: Tensor) -> dict[str, Tensor]:
        """One buffer of zeros, in the layout of the parameter."""
        return {"momentum_buffer": torch.zeros_like(parameter)} if self.momentum else {}

    def apply(self, parameters: list[Tensor], gradients: list[Tensor], slots: Sequence[Slots], lr: Tensor) -> None:
        """See :class:`UpdateRule`."""
        if self.momentum:
            buffers = [one["momentum_buffer"] for one in slots]
            torch._foreach_mul_(buffers, self.momentum)
            torch._foreach_add_(buffers, gradients)
            gradients = buffers
        torch._foreach_sub_(parameters, torch._foreach_mul(gradients, lr))


@dataclass(frozen=True)
class AdamUpdate:
    """Adam.

    Source: Kingma and Ba 2015, as ``torch.optim.Adam`` with its default decay rates and epsilon.
    """

    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-8

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
    """``g + decay w``: what every rule follows, as the papers' optimisers couple weight decay to the gradient.

    Args:
        parameters: w.
        gradients: g of the loss, one for each.
        decay: float32 ``()`` on their device.
    """
    return list(torch._foreach_add(torch._foreach_mul(parameters, decay), gradients))


def update_rule(spec: OptimizerSpec) -> UpdateRule:
    """The rule of a study's optimiser."""
    return AdamUpdate() if spec.name == "adam" else MomentumUpdate(spec.momentum or 0.0)
