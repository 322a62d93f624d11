"""The Fisher information of linear maps and convolutions as a Kronecker product of two small matrices."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from critlab.measures.eval_guard import eval_guard
from critlab.measures.fisher.layer_sums import Calls, KroneckerFactors, LayerSums
from critlab.measures.likelihoods.categorical import Categorical
from critlab.measures.likelihoods.head import checked_mask, checked_output, fitted_mask
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.weights.parameter_groups import ParameterGroups, in_graphs, refuse_mixing

AT_ONCE = 32
"""Images whose graph and whose patches are held at a time."""

MOST_LABELS = 128
"""Numbers of an output, classes of all heads together, that are summed over one by one; of more, random signs take
their sum."""

DRAWS, BLOCKS = 32, 8
"""Draws of signs in place of so many labels, for each :data:`AT_ONCE` images, and the parts in which they are kept."""

EXACTLY, COARSELY = 1e-3, 5e-2
"""How far the gradient of a weight may be from what the calls of its layer explain: by rounding; in 16 bits."""


def kronecker_factors(
    model: nn.Module,
    images: Tensor,
    *,
    seed: int,
    measure: str,
    likelihood: Likelihood | None = None,
    mask: Tensor | None = None,
) -> dict[str, KroneckerFactors]:
    """The factors of every ``nn.Linear`` and ``nn.Conv2d`` whose weight requires gradients and whose calls explain it.

    The labels are summed over, not drawn: with p the model's probabilities, ``E_y[g g^T] = sum_k g_k g_k^T`` for the
    gradients ``g_k`` of ``sqrt(p_k) log p_k``, one backward pass for each class of each head. Other likelihoods have
    one for each number of the output: for a Bernoulli logit z ``E_y[g g^T] = p (1 - p) g_z g_z^T``, for a Gaussian mean
    ``g_z g_z^T / variance``. Positions, and repeated calls of one layer, are taken as uncorrelated. Layers that share a
    weight are one layer, under the first name, with its bias where they share that too.

    What a layer is called with is seen by hooks, which do not see every use of a weight: ``F.linear(x, layer.weight)``,
    attention's ``out_proj``, an embedding that shares the weight of the last layer, a weight that is computed from
    others. So the gradient of each weight is compared with what the calls of its layer explain, and a layer whose
    gradient they do not explain has no factors.

    Args:
        model: gives an output that ``likelihood`` understands; it is left as it was. Evaluation mode.
        images: ``(N, ...)`` as the model takes them.
        seed: of signs, and for models that draw random numbers even in evaluation mode.
        measure: begins every message.
        likelihood: of the labels; None is the categorical one.
        mask: bool ``(N, labels...)``: which labels count; None is all.

    Raises:
        StudyError: nothing to differentiate, no such output, a mask that does not fit, or a layer mixes images.
        Diverged: logits are not finite.

    Error: none from chance up to 128 numbers of an output, classes of all heads together; of more, the outputs' factor
    is a mean over 32 draws of signs for every 32 images, in eight blocks whose differences show how far it may be off.

    Source: Martens and Grosse 2015; convolutions: Grosse and Martens 2016; the comparison: ours.
    """
    ParameterGroups.of(model, measure)
    refuse_mixing(model, measure)
    chosen, counted = likelihood or Categorical(), checked_mask(mask, images, measure)
    sums, generator = _layers(model), torch.Generator().manual_seed(seed)
    if not sums:
        return {}
    called = model.module if isinstance(model, nn.DataParallel) else model
    with eval_guard(model, seed), torch.compiler.set_stance("force_eager"), _watched(sums.values()) as calls:
        for number, part in enumerate(in_graphs(images).split(AT_ONCE)):
            few = None if counted is None else counted[number * AT_ONCE :][: len(part)]
            calls.open = True
            given = checked_output(
                called(part), len(part), measure, chosen, labels=None if few is None else few.shape, known=number > 0
            )
            calls.open = False
            head = _Head(chosen, chosen.normalised(given), fitted_mask(few, given, measure, chosen))
            if not number:
                sums = _explained(sums, head, generator)
            outputs = [output for one in sums.values() for output in one.outputs]
            for draw, along in enumerate(head.combinations(generator) if outputs else ()):
                found = iter(torch.autograd.grad(head.output, outputs, along, retain_graph=True, allow_unused=True))
                block = draw % BLOCKS if head.by_chance else 0
                for one in sums.values():
                    one.add_gradients([next(found) for _ in one.outputs], block)
            for one in sums.values():
                one.forget()
    return {name: one.factors(len(images)) for name, one in sums.items()}


def _layers(model: nn.Module) -> dict[str, LayerSums]:
    """What is to be summed up, by the name of the first layer that has the weight."""
    sharing: dict[nn.Parameter, tuple[str, list[nn.Linear | nn.Conv2d]]] = {}
    for name, module in model.named_modules():
        # a weight that is computed from other parameters is no parameter of the layer
        weight = module._parameters.get("weight")
        if not isinstance(module, nn.Linear | nn.Conv2d) or weight is None:
            continue
        if weight.requires_grad and not weight.is_complex():
            sharing.setdefault(weight, (name, []))[1].append(module)
    return {name: LayerSums(modules) for name, modules in sharing.values()}


def _explained(sums: dict[str, LayerSums], head: _Head, generator: torch.Generator) -> dict[str, LayerSums]:
    """The layers whose calls explain the gradient of their weight, judged by one combination of the output."""
    along = head.likelihood.coefficients(head.output.detach()).drawn(generator)
    weights = [one.module.weight for one in sums.values()]
    outputs = [output for one in sums.values() for output in one.outputs]
    found = iter(torch.autograd.grad(head.output, [*weights, *outputs], along, retain_graph=True, allow_unused=True))
    wanted = [next(found) for _ in weights]
    coarse = torch.is_autocast_enabled(head.output.device.type)
    return {
        name: one
        for (name, one), weight in zip(sums.items(), wanted, strict=True)
        if one.explains(weight, [next(found) for _ in one.outputs], COARSELY if coarse else EXACTLY)
    }


@dataclass(frozen=True)
class _Head:
    """A normalised output with its graph, and which of its labels count."""

    likelihood: Likelihood
    output: Tensor
    counted: Tensor | None

    @property
    def by_chance(self) -> bool:
        """Whether an output has so many numbers that random signs take their sum."""
        return self.output[0].numel() > MOST_LABELS

    def combinations(self, generator: torch.Generator) -> Iterator[Tensor]:
        """Combinations whose gradients' squares, summed, are the expectation over labels; images do not mix."""
        output = self.output.detach()
        if not self.by_chance:
            yield from self.likelihood.columns(output, self.counted)
            return
        coefficients = self.likelihood.coefficients(output, self.counted)
        for _ in range(DRAWS):
            yield coefficients.drawn(generator) * (coefficients.uncertainty / DRAWS).sqrt().to(output)


@contextmanager
def _watched(sums: Collection[LayerSums]) -> Iterator[Calls]:
    calls = Calls()
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
