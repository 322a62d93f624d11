"""The tidy table: one row per run, epoch and quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from critlab.study.runs.run import Run

Status = Literal["done", "diverged", "failed", "missing"]

COLUMNS = (
    "run",
    "arm",
    "seed",
    "deficit",
    "start",
    "stop",
    "clock",
    "epoch",
    "quantity",
    "layer",
    "value",
    "stderr",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One number: of which run, after how many epochs, of what.

    Args:
        run: readable name of run and seed.
        arm: the curve that the run belongs to.
        seed: the run's seed.
        deficit: its name, empty for a clean run.
        start: the window's first epoch.
        stop: the first epoch after the window.
        clock: which clock the learning rate follows.
        epoch: epochs trained so far.
        quantity: such as ``test_accuracy`` (a fraction) or ``fisher_trace`` (nats squared, per example).
        layer: empty for a whole-net quantity.
        value: the number.
        stderr: its standard error; 0 for an exact one.
    """

    run: str
    arm: str
    seed: int
    deficit: str
    start: int
    stop: int
    clock: str
    epoch: int
    quantity: str
    layer: str
    value: float
    stderr: float


@dataclass(frozen=True)
class Outcome:
    """What became of one run with one seed; ``note`` says why where it is not done, ``seconds`` what it cost."""

    run: Run
    seed: int
    status: Status
    epochs: int
    note: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The readable name of run and seed, as in the table."""
        return self.run.identifier(self.seed)
