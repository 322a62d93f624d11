"""A training that critlab knows nothing of: a recurrent net on sequences, with every habit that makes forks differ."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from critlab.hooks.deprivation import BatchDeficit

CLASSES, PLACES = 3, 10


def sequences(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Tokens whose class is which of three follows its predecessor most often."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=g)
    steps = torch.where(
        torch.rand(count, PLACES, generator=g) < 0.8,
        labels[:, None] + 1,
        torch.randint(6, (count, PLACES), generator=g),
    )
    return steps.cumsum(1) % 6, labels


TRAIN, TEST = sequences(96, 0), sequences(200, 1)


@dataclass
class Training:
    """Model, optimiser with memory, a schedule with a state of its own, and a counter that only Python knows."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Any
    steps: int = 0


class Reader(nn.Module):
    """Embedding, recurrence, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.read = nn.Embedding(6, 5), nn.GRU(5, 8, batch_first=True)
        self.drop, self.head = nn.Dropout(0.2), nn.Linear(8, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        found: Tensor = self.head(self.drop(self.read(self.embed(tokens))[1][0]))
        return found


def make(seed: int) -> Training:
    torch.manual_seed(seed)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    return Training(model, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))


def advance(state: Training, epoch: int, deprive: BatchDeficit) -> dict[str, float]:
    state.model.train()
    order = list(range(len(TRAIN[1])))
    random.shuffle(order)
    order = [order[place] for place in np.random.permutation(len(order))]
    losses, right = 0.0, 0
    for begin in range(0, len(order), 16):
        places = torch.tensor(order[begin : begin + 16])
        tokens, labels = deprive(TRAIN[0][places], TRAIN[1][places], places)
        logits = state.model(tokens)
        loss = nn.functional.cross_entropy(logits, labels)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.steps += 1
        losses += loss.item() * len(places)
        right += int((logits.argmax(-1) == labels).sum())
    state.schedule.step()
    return {"train_loss": losses / len(order), "train_accuracy": right / len(order)}


@torch.no_grad()
def evaluate(state: Training) -> float:
    state.model.eval()
    return float((state.model(TEST[0]).argmax(-1) == TEST[1]).float().mean())


def save(state: Training) -> dict[str, Any]:
    return {
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "schedule": state.schedule.state_dict(),
        "steps": state.steps,
    }


def load(saved: dict[str, Any]) -> Training:
    state = make(0)
    state.model.load_state_dict(saved["model"])
    state.optimizer.load_state_dict(saved["optimizer"])
    state.schedule.load_state_dict(saved["schedule"])
    state.steps = saved["steps"]
    return state
