"""How often the stated error of the Fisher trace holds the exact value, for every likelihood, through trainings.

    python evidence/likelihood_coverage.py [--readings 300] [--examples 128] [--out evidence/likelihood_coverage.csv]

Each network is small enough for its exact trace: the Jacobian of every output in float64, and the Fisher information of
the output in closed form. Untrained, after 100, 600 and 3,000 steps, where training has converged, the trace is
read many times, with other signs each, by :func:`critlab.fisher_trace`. A reading holds the exact value where it lies
within 1.96 standard errors. For comparison, labels are drawn from the model, which gives the same expectation.

Columns: the training, its likelihood and steps, the mean negative log-likelihood of its labels, how labels are treated
("signs" or "drawn"), the layer ("" is the whole), the exact trace, and of the readings: the share that holds the exact
value, the mean over the exact value, the standard deviation over the exact value, and the root mean square of the
stated errors over that deviation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fisher_coverage import write_table
from torch import Tensor, nn

import critlab
from critlab.measures import Bernoulli, Categorical, CategoricalPerPosition, Gaussian, GaussianVariance, Likelihood
from critlab.measures.estimates import Estimates
from critlab.measures.gradients.squared import squared_gradients
from critlab.measures.likelihoods.head import checked_output, fitted_labels
from critlab.measures.weights.parameter_groups import ParameterGroups

STEPS = (0, 100, 600, 3000)

FEWER = 10
"""Of so many readings one is also made with drawn labels, for comparison."""

COLUMNS = [
    "training",
    "likelihood",
    "steps",
    "loss",
    "labels",
    "layer",
    "exact",
    "readings",
    "held",
    "mean_ratio",
    "relative_sd",
    "stated_over_sd",
]

Examples = tuple[Tensor, Tensor]


class Words(nn.Module):
    """A causal model of eight positions: one attention head, and logits at every position."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(12, 16), nn.Parameter(torch.randn(8, 16) / 4)
        self.inside, self.out = nn.Linear(16, 48), nn.Linear(16, 12)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.place
        q, k, v = self.inside(x).chunk(3, -1)
        found: Tensor = self.out(x + nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True))
        return found


def perceptron(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, outputs))


def pixels() -> nn.Module:
    """A class out of three for each of 5 x 6 pixels: ``(N, 3, 5, 6)``."""
    return nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))


def yes_or_no(number: int) -> Examples:
    """Two clusters that overlap a little."""
    labels = torch.arange(number) % 2
    return torch.randn(2, 12)[labels] + torch.randn(number, 12), labels


def several(number: int) -> Examples:
    """Five labels by five directions, a tenth of them missing."""
    inputs = torch.randn(number, 12)
    labels = (inputs @ torch.randn(12, 5) > 1).long()
    return inputs, labels.where(torch.rand(number, 5) < 0.9, -1)


def numbers(outputs: int) -> Callable[[int], Examples]:
    def make(number: int) -> Examples:
        inputs = torch.randn(number, 12)
        return inputs, torch.sin(inputs @ torch.randn(12, outputs) / 2)

    return make


def noisy_numbers(number: int) -> Examples:
    """The noise depends on the input: between 0.02 and 1."""
    inputs = torch.randn(number, 12)
    noise = 0.02 + 0.98 * (inputs[:, 0] > 1)
    return inputs, torch.sin(inputs[:, 1]) + noise * torch.randn(number)


def words(number: int) -> Examples:
    """Each token decides the next with few exceptions; the last positions of half of the sequences are padding."""
    following = torch.randperm(12)
    tokens = torch.randint(12, (number // 4, 9))
    for place in range(8):
        kept = torch.rand(len(tokens)) < 0.9
        tokens[kept, place + 1] = following[tokens[kept, place]]
    labels = tokens[:, 1:].clone()
    labels[::2, 5:] = -1
    return tokens[:, :-1], labels


def pictures(number: int) -> Examples:
    """The class of a pixel is which channel is larger than the other by a half, or neither; the border is ignored."""
    images = nn.functional.avg_pool2d(torch.randn(number // 4, 2, 7, 8), 3, stride=1) * 2
    labels = (images[:, 0] > images[:, 1] + 0.5).long() + 2 * (images[:, 1] > images[:, 0] + 0.5).long()
    labels[:, 0], labels[:, :, 0] = -1, -1
    return images, labels


@dataclass(frozen=True)
class Training:
    """A network, its likelihood and its examples."""

    likelihood: Likelihood
    make: Callable[[], nn.Module]
    examples: Callable[[int], Examples]


TRAININGS = {
    "one logit": Training(Bernoulli(), lambda: perceptron(1), yes_or_no),
    "multi-label": Training(Bernoulli(), lambda: perceptron(5), several),
    "scalar": Training(Gaussian(), lambda: perceptron(1), numbers(1)),
    "vector": Training(Gaussian(variance=0.1), lambda: perceptron(4), numbers(4)),
    "learned variance": Training(GaussianVariance(), lambda: perceptron(2), noisy_numbers),
    "language": Training(CategoricalPerPosition(), Words, words),
    "segmentation": Training(CategoricalPerPosition(), pixels, pictures),
}


@dataclass(frozen=True)
class State:
    """A network after some steps: its mean loss, its examples, and which labels count."""

    training: Training
    step: int
    loss: float
    model: nn.Module
    inputs: Tensor
    mask: Tensor


def states(training: Training, number: int) -> Iterator[State]:
    """The network untrained, and after the numbers of :data:`STEPS`."""
    torch.manual_seed(0)
    model, likelihood = training.make(), training.likelihood
    inputs, labels = training.examples(number)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)

    def loss(chosen: Tensor) -> Tensor:
        output = checked_output(model(inputs[chosen]), len(chosen), "evidence", likelihood, labels=labels[chosen].shape)
        given = fitted_labels(labels[chosen], output, "evidence", likelihood)
        return likelihood.negative_log_likelihood(output, given).sum() / likelihood.counted(given).sum()

    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            yield State(
                training, step, loss(torch.arange(len(inputs))).item(), model, inputs, likelihood.counted(labels)
            )
        optimizer.zero_grad()
        loss(torch.randperm(len(inputs))[:32]).backward()
        optimizer.step()


def output_information(likelihood: Likelihood, output: Tensor) -> Tensor:
    """In closed form, ``(labels, numbers, numbers)`` for ``(labels, numbers)``."""
    if isinstance(likelihood, Categorical):
        p = output.softmax(-1)
        return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    if isinstance(likelihood, Bernoulli):
        return torch.diag_embed(1 / (2 + output.exp() + (-output).exp()))
    if isinstance(likelihood, Gaussian):
        return torch.diag_embed(torch.full_like(output, 1 / likelihood.variance))
    return torch.diag_embed(torch.stack([(-output[:, 1]).exp(), torch.full_like(output[:, 1], 0.5)], -1))


def exact(state: State) -> dict[str, float]:
    """Each layer's trace, and the whole's, from the Jacobian of every output in float64."""
    model, likelihood = state.model.double(), state.training.likelihood
    weights = ParameterGroups.of(model, "evidence")
    inputs = state.inputs.double() if state.inputs.is_floating_point() else state.inputs
    sums = torch.zeros(len(weights.layers), dtype=torch.float64)
    for one, counted in zip(inputs, state.mask, strict=True):
        output = likelihood.view(model(one[None]), counted[None].shape)[0].flatten(0, -2)
        information = output_information(likelihood, output.detach()) * counted.reshape(-1, 1, 1)
        # columns of a root of each block: Cholesky's would need it positive definite
        values, vectors = torch.linalg.eigh(information)
        roots = vectors * values.clamp(min=0).sqrt()[:, None, :]
        for label, root in enumerate(roots):
            for along in root.T:
                sums += weights.squared_norms(weights.gradients(output[label], along=along, retain=True))
    model.float()
    found = (sums / len(inputs)).tolist()
    return {"": sum(found), **{layer or "(root)": value for layer, value in zip(weights.layers, found, strict=True)}}


def by_signs(state: State, seed: int) -> Estimates:
    generator = torch.Generator().manual_seed(seed)
    return critlab.fisher_trace(
        state.model, state.inputs, generator=generator, likelihood=state.training.likelihood, mask=state.mask
    )


class Drawn:
    """A label drawn for each output, and one sign for each example."""

    def __init__(self, output: Tensor, state: State, place: slice, generator: torch.Generator) -> None:
        self.output, self.generator, self.likelihood = output, generator, state.training.likelihood
        self.counted = state.mask[place].reshape(output.shape[:-1])
        self.uncertainty = torch.ones(())

    def sample(self, weights: ParameterGroups, *, retain: bool) -> Tensor:
        labels = self.likelihood.draw(self.output, self.generator)
        losses = self.likelihood.negative_log_likelihood(self.output, labels) * self.counted
        signs = torch.randint(2, (len(losses),), generator=self.generator) * 2 - 1
        return weights.squared_norms(weights.gradients((signs * losses.flatten(1).sum(1)).sum(), retain=retain))


def by_drawn_labels(state: State, seed: int) -> Estimates:
    generator = torch.Generator().manual_seed(seed)
    return squared_gradients(
        state.model,
        state.inputs,
        lambda output, place: Drawn(output, state, place, generator),
        generator=generator,
        draws=1,
        measure="evidence",
        likelihood=state.training.likelihood,
        labels=state.mask,
    )


METHODS = {"signs": by_signs, "drawn": by_drawn_labels}


def rows(name: str, number: int, readings: int) -> Iterator[dict[str, object]]:
    """One for each state, treatment of labels, and layer."""
    for state in states(TRAININGS[name], number):
        truth = exact(state)
        for method, read in METHODS.items():
            count = readings if method == "signs" else readings // FEWER
            found = [read(state, seed) for seed in range(count)]
            for layer, value in truth.items():
                pairs = [one.whole if not layer else one[layer.replace("(root)", "")] for one in found]
                values, errors = (np.array([getattr(pair, a) for pair in pairs]) for a in ("value", "stderr"))
                deviation = max(values.std(ddof=1), 1e-300)
                yield {
                    "training": name,
                    "likelihood": state.training.likelihood.name,
                    "steps": state.step,
                    "loss": f"{state.loss:.3g}",
                    "labels": method,
                    "layer": layer,
                    "exact": f"{value:.4g}",
                    "readings": count,
                    "held": f"{(abs(values - value) <= 1.96 * errors).mean():.3f}",
                    "mean_ratio": f"{values.mean() / value:.4g}",
                    "relative_sd": f"{values.std(ddof=1) / value:.3g}",
                    "stated_over_sd": f"{np.sqrt((errors**2).mean()) / deviation:.3g}",
                }


if __name__ == "__main__":
    write_table(__doc__ or "", TRAININGS, COLUMNS, rows, readings=300, out=Path("evidence/likelihood_coverage.csv"))
