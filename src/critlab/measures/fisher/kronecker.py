"""The Fisher information of linear maps and convolutions as a Kronecker product of two small matrices."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from critlab.measures.eval_guard import eval_guard
from critlab.measures.fisher.sample import Combinations
from critlab.measures.weights.parameter_groups import ParameterGroups, in_graphs, log_probabilities, refuse_mixing

AT_ONCE = 32
"""Images whose graph and whose patches are held at a time."""

MOST_LABELS = 128
"""Labels, of all heads together, that are summed over one by one; of more, random signs take their sum."""

DRAWS, BLOCKS = 32, 8
"""Draws of signs in place of so many labels, for each :data:`AT_ONCE` images, and the parts in which they are kept."""

EXACTLY, COARSELY = 1e-3, 5e-2
"""How far the gradient of a weight may be from what the calls of its layer explain: by rounding; in 16 bits."""


@dataclass(frozen=True)
class KroneckerFactors:
    """``F ~ inputs (x) outputs`` of one layer, or of each group of channels of a grouped convolution.

    Args:
        inputs: float64 ``(groups, p, p)``: mean over images of ``sum_t a_t a_t^T``, with a the input at position t and
            a 1 where there is a bias.
        outputs: float64 ``(groups, q, q)``: mean over images and positions of ``E_y[g_t g_t^T]``, with g the gradient
            of the log-probability of labels y, drawn from the model, in the output at position t.
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


def kronecker_factors(model: nn.Module, images: Tensor, *, seed: int, measure: str) -> dict[str, KroneckerFactors]:
    """The factors of every ``nn.Linear`` and ``nn.Conv2d`` whose weight requires gradients and whose calls explain it.

    The labels are summed over, not drawn: with p the model's probabilities, ``E_y[g g^T] = sum_k g_k g_k^T`` for the
    gradients ``g_k`` of ``sqrt(p_k) log p_k``, one backward pass for each class of each head. Positions, and repeated
    calls of one layer, are taken as uncorrelated. Layers that share a weight are one layer, under the first name, with
    its bias where they share that too.

    What a layer is called with is seen by hooks, which do not see every use of a weight: ``F.linear(x, layer.weight)``,
    attention's ``out_proj``, an embedding that shares the weight of the last layer, a weight that is computed from
    others. So the gradient of each weight is compared with what the calls of its layer explain, and a layer whose
    gradient they do not explain has no factors.

    Args:
        model: gives logits ``(N, classes)`` or ``(N, heads, classes)``; it is left as it was. Evaluation mode.
        images: ``(N, ...)`` as the model takes them.
        seed: of signs, and for models that draw random numbers even in evaluation mode.
        measure: begins every message.

    Raises:
        StudyError: nothing to differentiate, no such logits, or a layer mixes images.
        Diverged: logits are not finite.

    Error: none from chance up to 128 labels of all heads together; of more, the outputs' factor is a mean over 32 draws
    of signs for every 32 images, in eight blocks whose differences show how far it may be off.

    Source: Martens and Grosse 2015; convolutions: Grosse and Martens 2016; the comparison: ours.
    """
    ParameterGroups.of(model, measure)
    refuse_mixing(model, measure)
    sums, generator = _layers(model), torch.Generator().manual_seed(seed)
    if not sums:
        return {}
    called = model.module if isinstance(model, nn.DataParallel) else model
    with eval_guard(model, seed), torch.compiler.set_stance("force_eager"), _watched(sums.values()) as calls:
        for number, part in enumerate(in_graphs(images).split(AT_ONCE)):
            calls.open = True
            log_p = log_probabilities(called(part), len(part), measure, known=number > 0)
            calls.open = False
            if not number:
                sums = _explained(sums, log_p, generator)
            outputs = [output for one in sums.values() for output in one.outputs]
            for draw, along in enumerate(_combinations(log_p.detach(), generator) if outputs else ()):
                found = iter(torch.autograd.grad(log_p, outputs, along, retain_graph=True, allow_unused=True))
                block = draw % BLOCKS if by_chance(log_p) else 0
                for one in sums.values():
                    one.add_gradients([next(found) for _ in one.outputs], block)
            for one in sums.values():
                one.forget()
    return {name: one.factors(len(images)) for name, one in sums.items()}


def _layers(model: nn.Module) -> dict[str, _Sums]:
    """What is to be summed up, by the name of the first layer that has the weight."""
    sharing: dict[nn.Parameter, tuple[str, list[nn.Linear | nn.Conv2d]]] = {}
    for name, module in model.named_modules():
        # a weight that is computed from other parameters is no parameter of the layer
        weight = module._parameters.get("weight")
        if not isinstance(module, nn.Linear | nn.Conv2d) or weight is None:
            continue
        if weight.requires_grad and not weight.is_complex():
            sharing.setdefault(weight, (name, []))[1].append(module)
    return {name: _Sums(modules) for name, modules in sharing.values()}


def _explained(sums: dict[str, _Sums], log_p: Tensor, generator: torch.Generator) -> dict[str, _Sums]:
    """The layers whose calls explain the gradient of their weight, judged by one combination of log-probabilities."""
    along = Combinations(log_p.detach()).drawn(generator)
    weights = [one.module.weight for one in sums.values()]
    outputs = [output for one in sums.values() for output in one.outputs]
    found = iter(torch.autograd.grad(log_p, [*weights, *outputs], along, retain_graph=True, allow_unused=True))
    wanted = [next(found) for _ in weights]
    coarse = torch.is_autocast_enabled(log_p.device.type)
    return {
        name: one
        for (name, one), weight in zip(sums.items(), wanted, strict=True)
        if one.explains(weight, [next(found) for _ in one.outputs], COARSELY if coarse else EXACTLY)
    }


def by_chance(log_p: Tensor) -> bool:
    """Whether there are so many labels that random signs take their sum."""
    return log_p[0].numel() > MOST_LABELS


def _combinations(log_p: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
    """Combinations whose gradients' squares, summed, are the expectation over labels; images do not mix."""
    if by_chance(log_p):
        combinations = Combinations(log_p)
        for _ in range(DRAWS):
            yield combinations.drawn(generator) * (combinations.uncertainty / DRAWS).sqrt().to(log_p)
        return
    roots = log_p.div(2).exp().flatten(1)
    for label in range(roots.shape[1]):
        along = torch.zeros_like(roots)
        along[:, label] = roots[:, label]
        yield along.view_as(log_p)


@dataclass
class _Calls:
    """Whether calls count: a checkpoint calls its layers once more on the way back."""

    open: bool = False


@contextmanager
def _watched(sums: Collection[_Sums]) -> Iterator[_Calls]:
    calls = _Calls()
    handles = [
        module.register_forward_hook(partial(one.see, calls), with_kwargs=True)
        for one in sums
        for module in one.modules
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


class _Sums:
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
        self, calls: _Calls, module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any
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
