"""Hidden layers of a batch of networks in whitened coordinates: forward, and the gradient backward."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from critlab._core.random_streams import generator
from critlab.theory.kernels.model import Problem
from critlab.theory.kernels.prior import symmetric_root


class Layer(NamedTuple):
    """Pre-activations and phi of one hidden layer of all chains, ``(chains, N, P)`` each."""

    hidden: Tensor
    value: Tensor


@dataclass(frozen=True)
class Network:
    """Hidden layers as one vector z per chain: every coordinate is standard normal under the prior.

    The first layer is ``h^0 = z S`` with z of N x P and S the symmetric root of C^0. This is the first layer's
    weights and biases in a turned basis, without the directions in which no input lies; a turn leaves white noise
    and gradients alone, so that Langevin dynamics of z, discrete steps included, gives h^0 with the same law as
    that of all weights. Above it, weights N x N and biases, in units of their prior deviations.

    Args:
        problem: prior, data and width.
        root: S, ``(P, P)``.
    """

    problem: Problem
    root: Tensor

    @classmethod
    def of(cls, problem: Problem) -> Network:
        """The network of ``problem``."""
        return cls(problem, symmetric_root(problem.kernel))

    @property
    def size(self) -> int:
        """Coordinates of the hidden layers of one network."""
        width = self.problem.width
        return width * len(self.root) + (self.problem.prior.depth - 1) * width * (width + 1)

    def forward(self, state: Tensor) -> list[Layer]:
        """All hidden layers from the coordinates ``(chains, size or more)``."""
        prior, width = self.problem.prior, self.problem.width
        first, above = self._parts(state)
        hidden = first @ self.root
        layers = [Layer(hidden, prior.activation.value(hidden))]
        for scale, (weight, bias) in zip(prior.scales[1:-1], above, strict=True):
            hidden = torch.baddbmm(
                bias * math.sqrt(prior.bias), weight, layers[-1].value, alpha=math.sqrt(scale / width)
            )
            layers.append(Layer(hidden, prior.activation.value(hidden)))
        return layers

    def backward(self, state: Tensor, layers: list[Layer], pull: Tensor, gradient: Tensor) -> None:
        """Adds to ``gradient`` ``(chains, size or more)`` what the pull on phi of the last layer gives.

        Args:
            state: the coordinates.
            layers: what :meth:`forward` gave for them.
            pull: the derivative by phi of the last hidden layer, ``(chains, N, P)``.
            gradient: changed in place.
        """
        prior, width = self.problem.prior, self.problem.width
        _, above = self._parts(state)
        first, grown = self._parts(gradient)
        for index in range(len(layers) - 1, 0, -1):
            strength = math.sqrt(prior.scales[index] / width)
            pulled = pull * prior.activation.slope(layers[index].hidden)
            weight, bias = grown[index - 1]
            weight += strength * pulled @ layers[index - 1].value.mT
            bias += math.sqrt(prior.bias) * pulled.sum(-1, keepdim=True)
            pull = strength * above[index - 1][0].mT @ pulled
        first += pull * prior.activation.slope(layers[0].hidden) @ self.root

    def output_kernel(self, value: Tensor) -> Tensor:
        """C^L of every chain, ``(chains, P, P)``, from phi of the last hidden layer."""
        prior = self.problem.prior
        return prior.scales[-1] / self.problem.width * value.mT @ value + prior.bias

    def _parts(self, vector: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Views: the first layer ``(chains, N, P)``; weights ``(chains, N, N)`` and biases ``(chains, N, 1)`` above."""
        chains, width, points = len(vector), self.problem.width, len(self.root)
        at = width * points
        first = vector[:, :at].view(chains, width, points)
        above = []
        for _ in range(self.problem.prior.depth - 1):
            weight = vector[:, at : at + width * width].view(chains, width, width)
            at += width * width
            above.append((weight, vector[:, at : at + width].view(chains, width, 1)))
            at += width
        return first, above


def chain_generators(seed: int, chains: range) -> list[torch.Generator]:
    """One generator for each chain, keyed by its number: a chain is the same alone and in any batch."""
    return [generator(seed, "measure", 1, chain) for chain in chains]


def normal_draws(generators: list[torch.Generator], *shape: int) -> Tensor:
    """Standard normal ``(chains, *shape)``, each chain's from its own generator."""
    return torch.stack([torch.randn(*shape, generator=one, dtype=torch.float64) for one in generators])
