"""What a rule may look at in a clean training: signals of the state after each epoch, for all seeds at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from closing_bench.networks import Weights, losses, tiled
from closing_bench.training import State, Trainer

PROBE, FISHER, DRAWS, BATCHES, POWER = 128, 48, 2, 8, 3
"""Training examples for curvature and features; for the Fisher trace; draws of signs; gradient batches of an epoch;
iterations of the power method, which starts from the vector of the epoch before."""


@dataclass
class Looker:
    """Looks at the states of one clean training in turn.

    Args:
        trainer: the set-up.
    """

    trainer: Trainer
    first: State | None = None
    before: State | None = None
    features: Tensor | None = None
    direction: Weights = field(default_factory=list)
    steps: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def step(self, loss: Tensor, gradients: Weights) -> None:
        """Take note of one step: its losses and squared gradient norms."""
        self.steps.append((loss, _squared(gradients)))

    def look(self, state: State, number: int) -> dict[str, Tensor]:
        """The signals after an epoch, each ``(networks,)`` or ``(networks, layers)``."""
        self.first = self.first or state
        probe, labels = self._probe(PROBE, number)
        found = {"fisher": self._fisher(state, number), "curvature": self._curvature(state, probe, labels)}
        found |= self._of_features(state) | self._of_weights(state)
        found["confusion_min"], found["confusion_mean"], found["confusion_max"] = self._confusion(state, number)
        found["test_accuracy"], found["test_loss"] = self.trainer.tested(state)
        if self.steps:
            loss, squares = (torch.stack(one) for one in zip(*self.steps, strict=True))
            found |= {
                "train_loss": loss.mean(0),
                "gradient_norm": squares.sqrt().mean(0),
                "gradient_squares": squares.sum(0),
            }
        self.before, self.steps = state, []
        return found

    def _probe(self, count: int, number: int) -> tuple[Tensor, Tensor]:
        sets = [
            own[np.random.default_rng((seed, 3, number)).permutation(1000)[:count]]
            for seed, own in zip(self.trainer.seeds, self.trainer.training_sets, strict=True)
        ]
        places = torch.from_numpy(np.stack(sets))
        return self.trainer.data.pool[places], self.trainer.data.pool_labels[places]

    def _fisher(self, state: State, number: int) -> Tensor:
        """The Fisher trace of each layer: every label in one backward pass with a random sign (unbiased)."""
        examples, _ = self._probe(FISHER, number)
        networks = len(examples)
        weights = tiled(state.weights, FISHER)
        logits, _ = self.trainer.network.answers(weights, examples.flatten(0, 1)[:, None])
        logs = logits.squeeze(1).log_softmax(-1)
        signs = torch.Generator().manual_seed(number)
        total = torch.zeros(networks, len(weights) // 2)
        for _ in range(DRAWS):
            drawn = torch.randint(0, 2, logs.shape, generator=signs) * 2 - 1
            gradients = torch.autograd.grad(
                (logs * (logs.detach().exp().sqrt() * drawn)).sum(), weights, retain_graph=True
            )
            squares = torch.stack([one.flatten(1).square().sum(1) for one in gradients], 1)
            total += squares.view(networks, FISHER, -1, 2).sum(-1).mean(1)
        return total / DRAWS

    def _curvature(self, state: State, probe: Tensor, labels: Tensor) -> Tensor:
        """The Rayleigh quotient of the Hessian along a vector of the power method."""
        weights = [one.clone().requires_grad_() for one in state.weights]
        loss = losses(self.trainer.network.answers(weights, probe)[0], labels).sum()
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        random = torch.Generator().manual_seed(0)
        vector = self.direction or [torch.randn(one.shape, generator=random) for one in weights]
        quotient = torch.zeros(len(probe))
        for _ in range(POWER):
            norm = _squared(vector).sqrt().clamp_min(1e-12)[:, None, None]
            vector = [one / norm for one in vector]
            product = torch.autograd.grad(gradients, weights, grad_outputs=vector, retain_graph=True)
            quotient = sum((one * other).flatten(1).sum(1) for one, other in zip(product, vector, strict=True))  # type: ignore[assignment]
            vector = list(product)
        self.direction = vector
        return quotient.detach()

    def _confusion(self, state: State, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Least, mean and largest cosine of the gradients of two batches, over all pairs of eight batches."""
        size = self.trainer.batch
        examples, labels = self._probe(BATCHES * size, number)
        weights = tiled(state.weights, BATCHES)
        shaped = examples.unflatten(1, (BATCHES, size)).flatten(0, 1)
        loss = losses(self.trainer.network.answers(weights, shaped)[0], labels.view(-1, size)).sum()
        flat = torch.cat([one.flatten(1) for one in torch.autograd.grad(loss, weights)], 1)
        flat = torch.nn.functional.normalize(flat, dim=1).view(len(examples), BATCHES, -1)
        upper = torch.triu_indices(BATCHES, BATCHES, 1)
        cosines = (flat @ flat.mT)[:, upper[0], upper[1]]
        return cosines.min(1)[0], cosines.mean(1), cosines.max(1)[0]

    def _of_features(self, state: State) -> dict[str, Tensor]:
        """Effective rank (Roy and Vetterli 2007), change of the representation (1 - linear CKA), mean entropy."""
        with torch.no_grad():
            probe, _ = self._probe(PROBE, 10_000)
            logits, features = self.trainer.network.answers(state.weights, probe)
            features = features - features.mean(1, keepdim=True)
            values = torch.linalg.svdvals(features)
            shares = values / values.sum(-1, keepdim=True).clamp_min(1e-12)
            rank = (-(shares * shares.clamp_min(1e-12).log()).sum(-1)).exp()
            velocity = (
                torch.full_like(rank, float("nan")) if self.features is None else 1 - _cka(self.features, features)
            )
            self.features = features
            entropy = -(logits.softmax(-1) * logits.log_softmax(-1)).sum(-1).mean(-1)
            return {"effective_rank": rank, "cka_velocity": velocity, "entropy": entropy}

    def _of_weights(self, state: State) -> dict[str, Tensor]:
        """Distances to the first weights, relative to their norm, and to those of the epoch before."""
        first, before = self.first or state, self.before or state
        norm = _squared(first.weights).sqrt()
        gone = _squared([one - other for one, other in zip(state.weights, first.weights, strict=True)]).sqrt()
        moved = _squared([one - other for one, other in zip(state.weights, before.weights, strict=True)]).sqrt()
        return {"displacement": gone / norm, "moved": moved / norm}


def _squared(parts: Weights) -> Tensor:
    """Squared Euclidean norm of each network's vector."""
    return torch.stack([one.flatten(1).square().sum(1) for one in parts]).sum(0)


def _cka(one: Tensor, other: Tensor) -> Tensor:
    """Linear CKA (Kornblith et al. 2019) of centred features ``(networks, examples, features)``."""
    cross = (one.mT @ other).square().sum((1, 2))
    return cross / ((one.mT @ one).square().sum((1, 2)) * (other.mT @ other).square().sum((1, 2))).sqrt().clamp_min(
        1e-12
    )
