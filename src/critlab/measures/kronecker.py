"""The Fisher information of linear maps and convolutions as a Kronecker product of two small matrices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from critlab.measures.undisturbed import undisturbed
from critlab.measures.weights import Weights, in_graphs, log_probabilities, refuse_mixing

AT_ONCE = 32
"""Images whose graph and whose patches are held at a time."""


@dataclass(frozen=True)
class KroneckerFactors:
    """``F ~ inputs (x) outputs`` of one layer, or of each group of channels of a grouped convolution.

    Args:
        inputs: float64 ``(groups, p, p)``: mean over images of ``sum_t a_t a_t^T``, with a the input at position t and
            a 1 where there is a bias.
        outputs: float64 ``(groups, q, q)``: mean over images and positions of ``E_y[g_t g_t^T]``, with g the gradient
            of the log-probability of labels y, drawn from the model, in the output at position t.
    """

    inputs: Tensor
    outputs: Tensor

    def eigenvalues(self) -> Tensor:
        """Float64 ``(groups, p, q)``, at least 0: those of the product."""
        a, g = (torch.linalg.eigvalsh(factor).clamp(min=0) for factor in (self.inputs, self.outputs))
        products: Tensor = a[:, :, None] * g[:, None, :]
        return products


def kronecker_factors(model: nn.Module, images: Tensor, *, seed: int, measure: str) -> dict[str, KroneckerFactors]:
    """The factors of every ``nn.Linear`` and ``nn.Conv2d`` whose weight requires gradients.

    The labels are summed over, not drawn: with p the model's probabilities, ``E_y[g g^T] = sum_k g_k g_k^T`` for the
    gradients ``g_k`` of ``sqrt(p_k) log p_k``, one backward pass for each class of each head. Positions, and repeated
    calls of one layer, are taken as uncorrelated.

    Args:
        model: gives logits ``(N, classes)`` or ``(N, heads, classes)``; it is left as it was. Evaluation mode.
        images: ``(N, ...)`` as the model takes them.
        seed: for models that draw random numbers even in evaluation mode.
        measure: begins every message.

    Raises:
        StudyError: nothing to differentiate, or no such logits.
        Diverged: logits are not finite.

    Source: Martens and Grosse 2015; convolutions: Grosse and Martens 2016.
    """
    Weights.of(model, measure)
    refuse_mixing(model, measure)
    sums = {name: _Sums(module) for name, module in model.named_modules() if _is_factored(module)}
    with undisturbed(model, seed), _watched(model, sums):
        for part in in_graphs(images).split(AT_ONCE):
            log_p = log_probabilities(model(part), len(part), measure)
            outputs = [output for one in sums.values() for output in one.outputs]
            for score in _scores(log_p) if outputs else ():
                found = iter(torch.autograd.grad(score, outputs, retain_graph=True, allow_unused=True))
                for one in sums.values():
                    one.add_gradients([next(found) for _ in one.outputs])
            for one in sums.values():
                one.outputs.clear()
    return {name: one.factors(len(images)) for name, one in sums.items()}


def _is_factored(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | nn.Conv2d) and module.weight.requires_grad


def _scores(log_p: Tensor) -> Iterator[Tensor]:
    """Numbers whose gradients' squares, summed, are the expectation over labels; images do not mix."""
    roots = log_p.detach().div(2).exp() * log_p
    for column in roots.flatten(1).unbind(1):
        yield column.sum()


@contextmanager
def _watched(model: nn.Module, sums: dict[str, _Sums]) -> Iterator[None]:
    handles = [model.get_submodule(name).register_forward_hook(one.see) for name, one in sums.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Sums:
    """What is summed up of one layer while images pass."""

    def __init__(self, module: nn.Module) -> None:
        assert isinstance(module, nn.Linear | nn.Conv2d)
        self.module = module
        self.biased = module.bias is not None and module.bias.requires_grad
        self.groups = module.groups if isinstance(module, nn.Conv2d) else 1
        p, q = module.weight[0].numel() + self.biased, len(module.weight) // self.groups
        self.inputs = torch.zeros(self.groups, p, p, dtype=torch.float64, device=module.weight.device)
        self.squares = torch.zeros(self.groups, q, q, dtype=torch.float64, device=module.weight.device)
        self.positions = 0
        self.outputs: list[Tensor] = []

    def see(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """A forward hook; what follows gets a copy, lest it change in place what is differentiated by."""
        rows = self._rows(inputs[0].detach())
        self.inputs += (rows @ rows.transpose(1, 2)).double()
        self.positions += rows.shape[2]
        self.outputs.append(output)
        return output.clone()

    def add_gradients(self, gradients: list[Tensor | None]) -> None:
        """Adds the gradients of one score in each of the outputs seen."""
        for gradient in gradients:
            if gradient is not None:
                columns = self._by_group(gradient)
                self.squares += (columns @ columns.transpose(1, 2)).double()

    def factors(self, images: int) -> KroneckerFactors:
        """The means."""
        return KroneckerFactors(self.inputs / images, self.squares / max(self.positions, 1))

    def _rows(self, inputs: Tensor) -> Tensor:
        """``(groups, p, images * positions)``: what each output position sees."""
        module = self.module
        if isinstance(module, nn.Conv2d):
            mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
            padded = functional.pad(inputs, module._reversed_padding_repeated_twice, mode=mode)
            patches = functional.unfold(padded, module.kernel_size, module.dilation, stride=module.stride)
            rows = patches.transpose(0, 1).flatten(1).unflatten(0, (self.groups, -1))
        else:
            rows = inputs.flatten(0, -2).T[None]
        one = torch.ones_like(rows[:, :1])
        return torch.cat([rows, one], 1) if self.biased else rows

    def _by_group(self, gradient: Tensor) -> Tensor:
        """``(groups, q, images * positions)``."""
        if isinstance(self.module, nn.Conv2d):
            grouped: Tensor = gradient.transpose(0, 1).flatten(1).unflatten(0, (self.groups, -1))
            return grouped
        return gradient.flatten(0, -2).T[None]
