"""What an epoch comes to: running sums of loss and of right answers, and where they stand inside it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from critlab.objectives import Learned


@dataclass(frozen=True)
class Score:
    """Mean loss (of cross entropy: nats per example and head) and accuracy (a fraction) over all that counts.

    ``accuracy`` is None where the objective gave no logits.
    """

    loss: float
    accuracy: float | None


@dataclass(frozen=True)
class Progress:
    """How far an unfinished epoch is: steps done, and the running sums of loss, right answers and labels so far."""

    step: int = 0
    loss: float = 0.0
    right: int = 0
    counted: int = 0


class RunningMetrics:
    """Running sums of loss and of right answers, exact to float64; they go on from ``since``."""

    def __init__(self, since: Progress = Progress()) -> None:
        self.loss, self.right, self.counted = since.loss, since.right, since.counted
        self.names_classes = False

    def add(self, learned: Learned, labels: Tensor) -> None:
        """Counts a batch: each label that is not -1 or, where there are no logits, each image."""
        if learned.logits is None:
            self.count(learned.loss.item(), len(labels), None)
        else:
            right = int((learned.logits.argmax(-1) == labels).sum())
            self.count(learned.loss.item(), int((labels >= 0).sum()), right)

    def count(self, loss: float, counted: int, right: int | None) -> None:
        """Counts ``counted`` labels of mean loss ``loss``; ``right`` is None where classes are not named."""
        self.loss += loss * counted
        self.counted += counted
        if right is not None:
            self.names_classes = True
            self.right += right

    def progress(self, step: int) -> Progress:
        """The sums after ``step`` steps, exactly, to go on from."""
        return Progress(step, self.loss, self.right, self.counted)

    def score(self) -> Score:
        """The means so far."""
        counted = max(self.counted, 1)
        return Score(self.loss / counted, self.right / counted if self.names_classes else None)
