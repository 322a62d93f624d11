"""The gradients of many mini-batches, reduced to their sums and inner products: all that their moments depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures.eval_guard import eval_guard
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.head import checked_output, fitted_labels
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.weights.parameter_groups import (
    Gradients,
    ParameterGroups,
    flat,
    in_graphs,
    real,
    refuse_mixing,
)

Floats = NDArray[np.float64]

FEWEST = 3
"""Mini-batches: with two, leaving out one leaves no spread, and nothing would have an error."""


@dataclass(frozen=True)
class GradientSample:
    """What is kept of the loss gradients ``g_b`` of B mini-batches, layer by layer.

    Args:
        layers: their names, as in :class:`~critlab.measures.weights.parameter_groups.ParameterGroups`.
        batch: images of each mini-batch.
        sizes: float64 ``(layers,)``: how many numbers each layer has.
        sums: float64 ``(layers, B)``: the sum of the numbers of ``g_b``.
        products: float64 ``(layers, B, B)``: ``g_b . g_c``.
    """

    layers: list[str]
    batch: int
    sizes: Floats
    sums: Floats
    products: Floats

    @property
    def batches(self) -> int:
        """B."""
        return int(self.sums.shape[1])

    def without(self, batch: int) -> GradientSample:
        """The sample of the other mini-batches, for a jackknife."""
        kept = np.arange(self.batches) != batch
        products = self.products[:, kept][:, :, kept]
        return GradientSample(self.layers, self.batch, self.sizes, self.sums[:, kept], products)

    def whole(self) -> GradientSample:
        """All layers as one, called ``""``."""
        return GradientSample(
            [""], self.batch, self.sizes.sum(0, keepdims=True), self.sums.sum(0)[None], self.products.sum(0)[None]
        )

    def deviations(self) -> Floats:
        """``(layers, B, B)``: the inner products of the gradients' deviations from their mean."""
        rows = self.products.mean(2, keepdims=True)
        centred: Floats = self.products - rows - rows.swapaxes(1, 2) + rows.mean(1, keepdims=True)
        return centred


def gradient_sample(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    batch: int,
    generator: torch.Generator,
    measure: str,
    likelihood: Likelihood | str = "categorical",
) -> GradientSample:
    """The gradients of the mean loss of disjoint random mini-batches, of the model in evaluation mode.

    Args:
        model: gives logits ``(N, classes)`` or ``(N, heads, classes)``; it is left as it was.
        images: ``(N, ...)`` as the model takes them.
        labels: int64 ``(N,)`` or ``(N, heads)``; the loss is the mean over those that are not -1.
        batch: images of one mini-batch; the last ``N % batch`` images of the random order are left out.
        generator: source of the order; it advances.
        measure: begins every message.
        likelihood: of the labels: the loss is its mean negative log-likelihood.

    Raises:
        StudyError: there are fewer than three mini-batches, nothing to differentiate, no such output, or labels that do
            not fit.
        Diverged: logits are not finite.

    Cost: one forward and one backward pass for each image; memory for B times the parameters, in float32, and twice
    that of the largest layer.
    """
    known, weights = likelihood_of(likelihood, measure), ParameterGroups.of(model, measure)
    refuse_mixing(model, measure)
    count = len(images) // batch if batch >= 1 else 0
    if count < FEWEST:
        raise StudyError(
            f"{measure}: received {len(images)} images in mini-batches of {batch}; must make at least {FEWEST}"
        )
    order = torch.randperm(len(images), generator=generator, device=generator.device).to(images.device)
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    found: list[Gradients] = []
    with eval_guard(model, seed):
        for places in order[: count * batch].split(batch):
            chosen = labels.to(images.device)[places]
            output = checked_output(model(in_graphs(images[places])), batch, measure, known, labels=chosen.shape)
            chosen = fitted_labels(chosen, output, measure, known)
            losses = known.negative_log_likelihood(output, chosen)
            found.append(weights.gradients(losses.sum() / known.counted(chosen).sum().clamp(min=1)))
    sums, products = zip(*(_reduced(weights, found, layer) for layer in range(len(weights.layers))), strict=True)
    return GradientSample(weights.layers, batch, weights.sizes.cpu().numpy(), np.stack(sums), np.stack(products))


def _reduced(weights: ParameterGroups, found: list[Gradients], layer: int) -> tuple[Floats, Floats]:
    """One layer's sums and inner products."""
    own = [place for place, owner in enumerate(weights.owner.tolist()) if owner == layer]
    rows = torch.stack(
        [torch.cat([_dense(gradients[place], weights.parameters[place]) for place in own]) for gradients in found]
    ).double()
    return rows.sum(1).cpu().numpy(), (rows @ rows.T).cpu().numpy()


def _dense(gradient: Tensor | None, parameter: Tensor) -> Tensor:
    return torch.zeros_like(real(parameter)).flatten() if gradient is None else flat(gradient)
