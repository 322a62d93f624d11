"""A user's five functions whose score is known: trainings in name only, for the error rates of ``critlab.probe``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from critlab.analysis.judgement.verdict import Answer
from critlab.analysis.tables.results import Results
from critlab.deficits import LabelNoise
from critlab.hooks.own_loop.probe import probe

DEVIATION = 0.01
"""Standard deviation over seeds of the score of each run."""

DECAY = 0.75
"""Factor of the learning rate from epoch to epoch in the trainings whose rate falls."""

FALSE: Mapping[str, tuple[Answer, ...]] = {
    "nothing": ("present", "damage_only"),
    "harm": ("absent", "damage_only"),
    "delay": ("present", "absent"),
    "annealing": ("present", "absent"),
    "length": ("present", "absent"),
}
"""The answers that are wrong for each training; ``undecided`` is never wrong."""


@dataclass
class History:
    """What a training did: its epochs, those under the deficit, and the sum of learning rates on good and bad data."""

    epochs: int = 0
    deprived: int = 0
    good: float = 0.0
    bad: float = 0.0
    name: str = ""


def learned(amount: float) -> float:
    """The score of a network after a sum of learning rates: 0.8 at most."""
    return 0.8 * (1 - float(np.exp(-1.5 * amount)))


SCORES: dict[str, Callable[[History], float]] = {
    "nothing": lambda past: 0.8,
    "harm": lambda past: 0.8 - 0.04 * (past.deprived > 0),
    "delay": lambda past: learned(past.good),
    "annealing": lambda past: learned(past.good + 0.5 * past.bad),
    "length": lambda past: 0.6 + 0.01 * past.epochs,
}
"""The true score by training: without any effect; with a harm of 4 points; where the deficit teaches nothing, so that
only the time is lost; where it teaches half as much as good data while the learning rate falls; where each further
epoch, good or bad, brings a point."""


INPUTS, LABELS = torch.zeros(2, 1), torch.tensor([0, 1])
"""A batch, since a loop must call ``deprive``."""


class SyntheticLoop:
    """The functions of one synthetic study.

    Args:
        kind: a key of :data:`SCORES`.
        study: which of many; keys the random numbers.
    """

    def __init__(self, kind: str, study: int) -> None:
        self.kind, self.study = kind, study

    def make(self, seed: int) -> dict[str, Any]:
        return {"seed": seed, "past": History()}

    def advance(self, state: dict[str, Any], epoch: int, deprive: Any) -> dict[str, float]:
        deprive(INPUTS, LABELS, numbers=torch.arange(2))
        past, rate = state["past"], 1.0 if self.kind == "length" else DECAY**epoch
        bad = deprive.deficit is not None
        past.epochs += 1
        past.deprived += bad
        past.good += rate * (not bad)
        past.bad += rate * bad
        past.name = hashlib.sha256(f"{past.name} {epoch} {bad}".encode()).hexdigest()
        return {"train_loss": 1.0, "train_accuracy": 0.5}

    def evaluate(self, state: dict[str, Any]) -> float:
        past = state["past"]
        random = np.random.default_rng([self.study, state["seed"], int(past.name[:12] or "0", 16)])
        return float(SCORES[self.kind](past) + random.normal(0, DEVIATION))

    @staticmethod
    def save(state: dict[str, Any]) -> dict[str, Any]:
        return {"seed": state["seed"], "past": dict(vars(state["past"]))}

    @staticmethod
    def load(saved: dict[str, Any]) -> dict[str, Any]:
        return {"seed": saved["seed"], "past": History(**saved["past"])}


def probed(kind: str, study: int, store: Path, seeds: int = 4, **options: Any) -> Results:
    """The results of one synthetic study: removals at 2 and 6, a recovery of 4 epochs, one final epoch."""
    loop = SyntheticLoop(kind, study)
    functions = (loop.make, loop.advance, loop.evaluate)
    return probe(
        *functions,
        save=loop.save,
        load=loop.load,
        deficit=LabelNoise(share=0.5),
        at=[0, 2, 6],
        recovery=4,
        seeds=seeds,
        store=store,
        **{"version": kind, "name": f"{kind}-{study}", "classes": 2, "check": False, "examples": 2, **options},
    )
