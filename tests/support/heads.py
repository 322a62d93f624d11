"""Tiny networks with every kind of head, and their Fisher information from explicit Jacobians in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from critlab.measures import (
    Bernoulli,
    Categorical,
    CategoricalPerPosition,
    Gaussian,
    GaussianVariance,
    Likelihood,
)
from nets import parameters


class Words(nn.Module):
    """A class out of four at each of five positions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mix, self.out = nn.Embedding(4, 3), nn.GRU(3, 3, batch_first=True), nn.Linear(3, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        found: Tensor = self.out(self.mix(self.embed(tokens))[0])
        return found


def pixels() -> nn.Module:
    """A class out of three at each of 3 x 4 pixels: ``(N, 3, 3, 4)``."""
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 3, 1))


def perceptron(outputs: int, *rest: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, outputs), *rest)


@dataclass(frozen=True)
class Head:
    """A model, its likelihood, examples, labels, and which labels count."""

    likelihood: Likelihood
    model: nn.Module
    images: Tensor
    labels: Tensor
    mask: Tensor | None = None


HEADS = (
    "categorical",
    "one logit",
    "bare logit",
    "multi-label",
    "multi-label, some missing",
    "scalar",
    "vector",
    "scalar with its variance",
    "vector with its variance",
    "words",
    "words, some ignored",
    "pixels, some ignored",
)


def head(name: str, number: int = 6) -> Head:
    """The head called ``name`` with so many examples, the same in every call; float64."""
    torch.manual_seed(3)
    rows, tokens = torch.randn(number, 4), torch.randint(4, (number, 5))
    yes = torch.randint(2, (number, 3))
    some = yes.where(torch.rand(number, 3) < 0.6, -1)
    words = tokens.roll(1, 0)
    few = words.where(torch.rand(number, 5) < 0.6, -100)
    pictures, classes = torch.randn(number, 1, 3, 4), torch.randint(-1, 3, (number, 3, 4))
    found = {
        "categorical": (Categorical(), perceptron(3), rows, yes[:, 0], None),
        "one logit": (Bernoulli(), perceptron(1), rows, yes[:, 0], None),
        "bare logit": (Bernoulli(), perceptron(1, nn.Flatten(0)), rows, yes[:, 0].double(), None),
        "multi-label": (Bernoulli(), perceptron(3), rows, yes, None),
        "multi-label, some missing": (Bernoulli(), perceptron(3), rows, some, some >= 0),
        "scalar": (Gaussian(), perceptron(1), rows, rows[:, 0], None),
        "vector": (Gaussian(variance=0.3), perceptron(2), rows, rows[:, :2], None),
        "scalar with its variance": (GaussianVariance(), perceptron(2), rows, rows[:, 0], None),
        "vector with its variance": (
            GaussianVariance(),
            perceptron(4, nn.Unflatten(1, (2, 2))),
            rows,
            rows[:, :2],
            None,
        ),
        "words": (CategoricalPerPosition(), Words(), tokens, words, None),
        "words, some ignored": (CategoricalPerPosition(), Words(), tokens, few, few >= 0),
        "pixels, some ignored": (CategoricalPerPosition(), pixels(), pictures, classes, classes >= 0),
    }
    likelihood, model, images, labels, mask = found[name]
    images = images.double() if images.is_floating_point() else images
    labels = labels.double() if labels.is_floating_point() else labels
    return Head(likelihood, model.double(), images, labels, mask)


def rows_and_information(one: Head) -> tuple[Tensor, Tensor]:
    """For each example the Jacobian of its outputs ``(N, outputs, weights)``, and their Fisher information in closed
    form ``(N, outputs, outputs)``."""
    weights = [p for own in parameters(one.model).values() for p in own]
    jacobians, blocks = [], []
    for place, image in enumerate(one.images):
        viewed = one.likelihood.view(one.model(image[None]), None)[0]
        rows = [torch.autograd.grad(number, weights, retain_graph=True) for number in viewed.flatten()]
        jacobians.append(torch.stack([torch.cat([part.flatten() for part in row]) for row in rows]))
        block = torch.stack([closed_form(one.likelihood, row) for row in viewed.detach().reshape(-1, viewed.shape[-1])])
        if one.mask is not None:
            block = block * one.mask[place].flatten()[:, None, None]
        blocks.append(torch.block_diag(*block))
    return torch.stack(jacobians), torch.stack(blocks)


def closed_form(likelihood: Likelihood, numbers: Tensor) -> Tensor:
    """The Fisher information of one label in the numbers of its distribution."""
    if isinstance(likelihood, Categorical):
        p = numbers.softmax(0)
        return p.diag() - torch.outer(p, p)
    if isinstance(likelihood, Bernoulli):
        return (1 / (2 + numbers.exp() + (-numbers).exp())).diag()
    if isinstance(likelihood, Gaussian):
        return torch.tensor([[1 / likelihood.variance]], dtype=torch.float64)
    assert isinstance(likelihood, GaussianVariance)
    return torch.tensor([math.exp(-float(numbers[1])), 0.5], dtype=torch.float64).diag()


def exact_trace(one: Head) -> dict[str, float]:
    """Each layer's trace of ``mean_x J^T H J``."""
    jacobians, information = rows_and_information(one)
    squares = torch.einsum("noi,nop,npi->i", jacobians, information, jacobians) / len(jacobians)
    sizes = [sum(p.numel() for p in own) for own in parameters(one.model).values()]
    return dict(zip(parameters(one.model), (float(part.sum()) for part in squares.split(sizes)), strict=True))
