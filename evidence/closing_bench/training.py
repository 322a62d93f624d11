"""Training ten seeds as one batched computation; a training is a list of epochs, and a fork starts from a state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closing_bench.data import Data, deprived
from closing_bench.networks import Network, Weights, losses

STEPS = 10
"""Steps of an epoch."""

PART = 100
"""Test examples that are tested together."""

MOMENTUM, WEIGHT_DECAY = 0.9, 0.0005


@dataclass(frozen=True)
class Epoch:
    """What happens in one epoch.

    Args:
        rate: learning rate.
        number: of the epoch in the training's order of data.
        deficit: "" for none, ``frozen`` where nothing is trained.
        order: which of the orders of data; 0 is that of the training.
    """

    rate: float
    number: int
    deficit: str = ""
    order: int = 0


@dataclass(frozen=True)
class State:
    """Weights and momenta of all networks; never changed in place."""

    weights: Weights
    momenta: Weights


def joined(states: Sequence[State]) -> State:
    """The networks of several states as those of one: what they have in common is trained at once."""
    weights = [torch.cat(parts) for parts in zip(*[one.weights for one in states], strict=True)]
    return State(weights, [torch.cat(parts) for parts in zip(*[one.momenta for one in states], strict=True)])


@dataclass(frozen=True)
class Trainer:
    """One set-up: a network on data, with some seeds.

    Args:
        network: of every seed.
        data: for all.
        batch: examples of a step.
        seeds: one network each.
    """

    network: Network
    data: Data
    batch: int
    seeds: tuple[int, ...]

    def newborn(self, dtype: torch.dtype = torch.float32) -> State:
        """Every network before its first step."""
        weights = self.network.newborn(list(self.seeds), dtype)
        return State(weights, [torch.zeros_like(one) for one in weights])

    @cached_property
    def training_sets(self) -> list[NDArray[np.int64]]:
        """Places in the pool of the training examples of each seed."""
        return [self.data.training_set(seed) for seed in self.seeds]

    def places(self, epoch: Epoch) -> Tensor:
        """int64 ``(networks, steps, batch)``: places in the pool, without repeats within an epoch."""
        found = [
            own[np.random.default_rng((seed, 2, epoch.order, epoch.number)).permutation(1000)[: STEPS * self.batch]]
            for seed, own in zip(self.seeds, self.training_sets, strict=True)
        ]
        return torch.from_numpy(np.stack(found)).view(len(self.seeds), STEPS, self.batch)

    def train(self, state: State, epoch: Epoch, seen: Callable[[Tensor, Weights], None] | None = None) -> State:
        """The state after one epoch.

        Args:
            state: stays as it is; of the seeds, or of several such states that were joined.
            epoch: what happens.
            seen: receives the losses ``(networks,)`` and gradients of each step.
        """
        if epoch.deficit == "frozen":
            return state
        weights = [one.clone().requires_grad_() for one in state.weights]
        momenta = [one.clone() for one in state.momenta]
        random = torch.Generator().manual_seed(1 + epoch.number + 1000 * epoch.order)
        places, copies = self.places(epoch), len(weights[0]) // len(self.seeds)
        for step in range(STEPS):
            examples, labels = self.data.pool[places[:, step]], self.data.pool_labels[places[:, step]]
            if epoch.deficit:
                examples, labels = deprived(self.data, epoch.deficit, examples, labels, random)
            if copies > 1:
                examples, labels = examples.repeat(copies, 1, 1, 1), labels.repeat(copies, 1)
            loss = losses(self.network.answers(weights, examples.to(weights[0]))[0], labels)
            gradients = torch.autograd.grad(loss.sum(), weights)
            if seen:
                seen(loss.detach(), list(gradients))
            with torch.no_grad():
                for weight, momentum, gradient in zip(weights, momenta, gradients, strict=True):
                    momentum.mul_(MOMENTUM).add_(gradient).add_(weight, alpha=WEIGHT_DECAY)
                    weight.sub_(momentum, alpha=epoch.rate)
        return State([one.detach() for one in weights], momenta)

    def trained(self, state: State, epochs: Sequence[Epoch]) -> State:
        """The state after some epochs."""
        for one in epochs:
            state = self.train(state, one)
        return state

    def tested(self, state: State) -> tuple[Tensor, Tensor]:
        """Test accuracy and test loss of each network, ``(networks,)``."""
        with torch.no_grad():
            # parts that fit a processor's cache are three times as fast as the whole
            parts = self.data.test.to(state.weights[0]).split(PART)
            networks = len(state.weights[0])
            all_logits = [self.network.answers(state.weights, part.expand(networks, *part.shape))[0] for part in parts]
            logits, labels = torch.cat(all_logits, 1), self.data.test_labels.expand(networks, -1)
            return (logits.argmax(-1) == labels).double().mean(-1), losses(logits, labels).double()
