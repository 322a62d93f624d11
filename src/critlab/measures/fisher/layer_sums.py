"""What is summed up of a layer while images pass: its inputs, and the gradients in its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class KroneckerFactors:
    """``F ~ inputs (x) outputs`` of one layer, or of each group of channels of a grouped convolution.

    Args:
        inputs: float64 ``(groups, p, p)``: mean over images of ``sum_t a_t a_t^T``, with a the input at position t and
            a 1 where there is a bias.
        outputs: float64 ``(groups, q, q)``: mean over images and positions of ``E_y[g_t g_t^T]``, with g the gradient
            of the log-probability of labels y, distributed as the model says, in the output at position t.
        blocks: float64 ``(blocks, groups, q, q)``: of this mean, independent parts that are each unbiased for it; one
            where chance has no part in it.
    """

    inputs: Tensor
    outputs: Tensor
    blocks: Tensor

    def eigenvalues(self) -> Tensor:
        """Float64 ``(groups, p, q)``, at least 0: those of the product."""
        return _products(self.inputs, self.outputs)

    def leave_one_out(self) -> Iterator[Tensor]:
        """The eigenvalues without each of the blocks; none where chance has no part in them."""
        others = len(self.blocks) - 1
        for block in self.blocks if others else ():
            yield _products(self.inputs, self.outputs + (self.outputs - block) / others)


def _products(inputs: Tensor, outputs: Tensor) -> Tensor:
    a, g = (torch.linalg.eigvalsh(factor).clamp(min=0) for factor in (inputs, outputs))
    products: Tensor = a[:, :, None] * g[:, None, :]
    return products


@dataclass
class Calls:
    """Whether calls count: a checkpoint calls its layers once more on the way back."""

    open: bool = False


class LayerSums:
    """What is summed up of one layer, or of several that share their weight, while images pass."""

    def __init__(self, modules: list[nn.Linear | nn.Conv2d]) -> None:
        self.modules, self.module = modules, modules[0]
        bias = self.module.bias
        self.biased = bias is not None and bias.requires_grad and all(one.bias is bias for one in modules)
        self.groups = self.module.groups if isinstance(self.module, nn.Conv2d) else 1
        weight = self.module.weight
        p, q = weight[0].numel() + self.biased, len(weight) // self.groups
        self.inputs = torch.zeros(self.groups, p, p, dtype=torch.float64, device=weight.device)
        self.squares: dict[int, Tensor] = {}
        self._nothing = torch.zeros(self.groups, q, q, dtype=torch.float64, device=weight.device)
        self.positions = 0
        self.outputs: list[Tensor] = []
        self._rows: list[Tensor] = []
        self._strange = False

    def see(
        self, calls: Calls, module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any
    ) -> Tensor | None:
        """A forward hook; what follows gets a copy, lest it change in place what is differentiated by."""
        given = inputs[0] if inputs else named.get("input")
        if not isinstance(output, Tensor) or not isinstance(given, Tensor):
            self._strange = True
            return None
        if calls.open:
            try:
                self._count(module, given.detach(), output)
            except (RuntimeError, ValueError):
                self._strange = True  # as inside torch.vmap, where nothing can be added up
        return output.clone()

    def _count(self, module: nn.Module, given: Tensor, output: Tensor) -> None:
        rows = self._seen(module, given)
        self.inputs += (rows @ rows.transpose(1, 2)).double()
        self.positions += rows.shape[2]
        if output.requires_grad:
            self.outputs.append(output)
            self._rows.append(rows)

    def explains(self, weight: Tensor | None, gradients: list[Tensor | None], tolerance: float) -> bool:
        """Whether the gradient of the weight is what comes of inputs and gradients in outputs of the calls."""
        if self._strange:
            return False
        wanted = torch.zeros_like(self.module.weight) if weight is None else weight
        left = wanted.double().reshape(self.groups, -1, self.module.weight[0].numel()).clone()
        for rows, gradient in zip(self._rows, gradients, strict=True):
            if gradient is not None:
                seen = rows[:, : left.shape[2]].double()
                left -= self._by_group(gradient).double() @ seen.transpose(1, 2)
        return bool(torch.linalg.vector_norm(left) <= tolerance * torch.linalg.vector_norm(wanted.double()))

    def add_gradients(self, gradients: list[Tensor | None], block: int) -> None:
        """Adds the gradients of one combination in each of the outputs seen."""
        if block not in self.squares:
            self.squares[block] = torch.zeros_like(self._nothing)
        for gradient in gradients:
            if gradient is not None:
                columns = self._by_group(gradient)
                self.squares[block] += (columns @ columns.transpose(1, 2)).double()

    def forget(self) -> None:
        """Lets go of the graph of what was added."""
        self.outputs.clear()
        self._rows.clear()

    def factors(self, images: int) -> KroneckerFactors:
        """The means."""
        blocks = torch.stack([*self.squares.values()] or [self._nothing]) / max(self.positions, 1)
        return KroneckerFactors(self.inputs / images, blocks.sum(0), blocks * len(blocks))

    def _seen(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """``(groups, p, images * positions)``: what each output position sees."""
        if isinstance(module, nn.Conv2d):
            mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
            images = inputs if inputs.ndim == 4 else inputs[None]
            padded = functional.pad(images, module._reversed_padding_repeated_twice, mode=mode)
            patches = functional.unfold(padded, module.kernel_size, module.dilation, stride=module.stride)
            rows = patches.transpose(0, 1).flatten(1).unflatten(0, (self.groups, -1))
        else:
            rows = inputs.reshape(-1, inputs.shape[-1]).T[None]
        one = torch.ones_like(rows[:, :1])
        return torch.cat([rows, one], 1) if self.biased else rows

    def _by_group(self, gradient: Tensor) -> Tensor:
        """``(groups, q, images * positions)``."""
        if isinstance(self.module, nn.Conv2d):
            images = gradient if gradient.ndim == 4 else gradient[None]
            grouped: Tensor = images.transpose(0, 1).flatten(1).unflatten(0, (self.groups, -1))
            return grouped
        return gradient.reshape(-1, gradient.shape[-1]).T[None]
