"""A training that costs nothing: functions whose score is a known damage, with a deviation for each run and seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import critlab
from critlab.deficits import TokenShuffle

State = dict[str, int]
INPUTS, LABELS = torch.arange(8)[None], torch.zeros(1, dtype=torch.long)


def make(seed: int) -> State:
    return {"seed": seed, "epoch": 0, "deprived": 0}


def advance(state: State, epoch: int, deprive: Any) -> dict[str, float]:
    deprive(INPUTS, LABELS)
    state["deprived"] += deprive.deficit is not None
    state["epoch"] += 1
    return {"train_loss": 1.0, "train_accuracy": 0.9}


def save(state: State) -> dict[str, Any]:
    return {"numbers": torch.tensor([state["seed"], state["epoch"], state["deprived"]])}


def load(saved: Any) -> State:
    seed, epoch, deprived = (int(number) for number in saved["numbers"])
    return {"seed": seed, "epoch": epoch, "deprived": deprived}


def scoring(damage: Callable[[int], float], deviation: float = 0.01) -> Callable[[State], float]:
    """The score of a state: 0.8 without the damage of its deprived epochs, and a deviation of its own."""

    def evaluate(state: State) -> float:
        random = np.random.default_rng([state["seed"], state["deprived"], state["epoch"]])
        return 0.8 - damage(state["deprived"]) + deviation * float(random.standard_normal())

    return evaluate


def planted(damage: Callable[[int], float], store: Path, deviation: float = 0.01, **question: Any) -> critlab.Results:
    """The study of such a training through :func:`critlab.probe`."""
    asked: dict[str, Any] = {"at": [0, 4, 12], "recovery": 2, "seeds": 3, "check": False, "version": "1"}
    parts: dict[str, Any] = {"save": save, "load": load, "deficit": TokenShuffle(window=5), "store": store}
    return critlab.probe(make, advance, scoring(damage, deviation), **parts, **{**asked, **question})
