"""A user's training whose sensitivity is known: damage that falls with the onset, heals, and hides in noise."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

TOTAL = 40


def same(inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The identity: the null deficit."""
    return inputs, labels


def nudge(inputs: Tensor) -> Tensor:
    """A change without an effect: training takes another course by chance, and is not harmed."""
    return inputs + 1e-4


def harm(inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A deficit that leaves damage."""
    return inputs * 0, labels


@dataclass
class Planted:
    """Its five functions without ``make``.

    Args:
        first: damage that one deprived epoch adds at epoch 0.
        closing: epochs in which this falls to 1 / e.
        kept: share of the damage that is left after a clean epoch.
        deviation: of the score of each course of training; courses that saw the same batches score the same.
        ordered: whether the order of the data comes from torch's generator; else every repeat has the same.
        whole: whether inputs are whole numbers.
    """

    first: float = 0.05
    closing: float = 10.0
    kept: float = 0.9
    deviation: float = 0.005
    ordered: bool = True
    whole: bool = False

    def start(self) -> dict[str, Any]:
        return {"damage": torch.zeros(()), "course": torch.zeros((), dtype=torch.int64)}

    def advance(self, state: dict[str, Any], epoch: int, deprive: Any) -> dict[str, float]:
        drawn = torch.rand(4) if self.ordered else torch.full((4,), 0.5)
        given = (1000 * (1 + drawn)).long() if self.whole else 1 + drawn
        inputs, _ = deprive(given, torch.zeros(4, dtype=torch.int64))
        deprived = bool((inputs == 0).all())
        state["damage"] *= self.kept
        state["damage"] += deprived * self.first * math.exp(-epoch / self.closing)
        text = f"{int(state['course'])}:{inputs.tolist()}"
        state["course"].fill_(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "little"))
        return {"train_loss": 1.0 + float(drawn.sum()), "train_accuracy": 0.5}

    def evaluate(self, state: dict[str, Any]) -> float:
        noise = torch.randn((), generator=torch.Generator().manual_seed(int(state["course"])))
        return 0.8 - float(state["damage"]) + self.deviation * float(noise)

    def save(self, state: dict[str, Any]) -> dict[str, Any]:
        return state

    def load(self, saved: dict[str, Any]) -> dict[str, Any]:
        return {name: value.clone() for name, value in saved.items()}

    def after(self, onset: int, deprived: int, clean: int) -> float:
        """The planted damage."""
        damage = 0.0
        for place in range(deprived + clean):
            damage = damage * self.kept + (place < deprived) * self.first * math.exp(-(onset + place) / self.closing)
        return damage

    @property
    def functions(self) -> dict[str, Any]:
        return {"advance": self.advance, "evaluate": self.evaluate, "save": self.save, "load": self.load}
