"""What an epoch or a test comes to: running sums of the loss and of metrics, and where they stand inside an epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from critlab.learning_tasks import CLASSIFICATION, NO_VIEW, LearningTask, Scoring, TargetView
from critlab.learning_tasks.scoring.scoring import Answers, MetricTally
from critlab.objectives import Learned


@dataclass(frozen=True)
class Score:
    """Mean loss (of cross entropy: nats per label) and metrics over all that counts.

    Args:
        loss: the mean; 0 where nothing counts.
        metrics: by name, in the order of the task; those that are not defined, or that the objective gave no outputs
            for, are not there.
    """

    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def accuracy(self) -> float | None:
        """The accuracy, a fraction; None where it was not counted."""
        return self.metrics.get("accuracy")


@dataclass(frozen=True)
class Progress:
    """How far an unfinished epoch is.

    Args:
        step: steps done.
        loss: the running sum of the loss.
        right: right answers so far.
        counted: labels so far.
        further: the running sums of the task's other metrics, one after the other.
        followed: which metrics were counted from the first step on; None where that is not known, as in older stores.
    """

    step: int = 0
    loss: float = 0.0
    right: int = 0
    counted: int = 0
    further: tuple[float, ...] = ()
    followed: tuple[str, ...] | None = None


def key_of(scoring: Scoring) -> str:
    """What names the sums of a metric in a checkpoint: its name or, of a user's own, its code too."""
    recorded = scoring.recorded_as
    return recorded if isinstance(recorded, str) else json.dumps(recorded, sort_keys=True)


class RunningMetrics:
    """Running sums of the loss, of right answers and of further metrics, exact to float64; they go on from ``since``.

    A metric that was not counted from an epoch's first step on, because the study had another one then, is left out.

    Args:
        since: where an earlier call paused.
        task: whose metrics are counted.
        view: what the task knows of the data.
        test: whether all recorded metrics are counted; else those that are counted in training.
    """

    def __init__(
        self,
        since: Progress = Progress(),
        task: LearningTask = CLASSIFICATION,
        view: TargetView = NO_VIEW,
        test: bool = False,
    ) -> None:
        self.loss, self.right, self.counted = since.loss, since.right, since.counted
        self.task, self.view = task, view
        self.has_outputs = False
        names = task.recorded if test else task.followed
        scorings = {name: task.scoring(name) for name in names}
        found = {name: one for name, one in scorings.items() if since.followed is None or key_of(one) in since.followed}
        #: right answers are counted here, as a recorded program does; every other metric has a tally
        self.counts_right = "accuracy" in found
        tallies = {one.facts.name: one.tally() for name, one in found.items() if name != "accuracy"}
        self.tallies: dict[str, MetricTally] = {name: tally for name, tally in tallies.items() if test or tally.bounded}
        keys = {one.facts.name: key_of(one) for one in found.values()}
        self.order = [name for name in keys if name == "accuracy" or name in self.tallies]
        self.followed = tuple(keys[name] for name in self.order)
        stored = self.followed if since.followed is None else since.followed
        self._resume(since.further, [key for key in stored if key != "accuracy"], keys)

    def add(self, learned: Learned, labels: Tensor) -> Answers | None:
        """Counts a batch: each label that counts or, where there are no outputs, each image."""
        if learned.logits is None:
            self.count(learned.loss.item(), len(labels), None)
            return None
        answers = self.task.answers(learned.logits.detach(), labels, self.view)
        right = int(((answers.predicted == answers.labels) & answers.counted).sum()) if self.counts_right else 0
        self.count(learned.loss.item(), int(answers.counted.sum()), right)
        for tally in self.tallies.values():
            tally.add(answers)
        return answers

    def count(self, loss: float, counted: int, right: int | None) -> None:
        """Counts ``counted`` labels of mean loss ``loss``; ``right`` is None where there are no outputs."""
        self.loss += loss * counted
        self.counted += counted
        if right is not None:
            self.has_outputs = True
            self.right += right

    def progress(self, step: int) -> Progress:
        """The sums after ``step`` steps, exactly, to go on from."""
        further: list[float] = []
        for tally in self.tallies.values():
            sums = tally.sums()
            further += [float(len(sums)), *sums]
        return Progress(step, self.loss, self.right, self.counted, tuple(further), self.followed)

    def _resume(self, further: tuple[float, ...], stored: list[str], keys: Mapping[str, str]) -> None:
        """Gives each tally the sums of the metric that has its key; ``stored`` are those of ``further``, in order."""
        at, sums = 0, dict[str, tuple[float, ...]]()
        for key in stored if further else ():
            length = int(further[at])
            sums[key] = further[at + 1 : at + 1 + length]
            at += 1 + length
        for name, tally in self.tallies.items():
            tally.resume(sums.get(keys[name], ()))

    def score(self) -> Score:
        """The means so far."""
        counted = max(self.counted, 1)
        if not self.has_outputs:
            return Score(self.loss / counted)
        values = {name: tally.value() for name, tally in self.tallies.items()}
        if self.counts_right:
            values["accuracy"] = self.right / self.counted if self.counted else None
        metrics = {name: value for name in self.order if (value := values[name]) is not None}
        return Score(self.loss / counted, metrics)
