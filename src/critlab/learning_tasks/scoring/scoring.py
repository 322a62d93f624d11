"""The contract of a metric's computation: a tally of answers, batch by batch, and what a constant answer reaches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.component import Component
from critlab.learning_tasks.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Answers:
    """What a network answered to one batch, and what was asked.

    Args:
        outputs: of the network, float, in the layout of the task: the classes, if any, in the last axis.
        predicted: the answer in the shape of ``labels``: class numbers, 0 or 1, or numbers.
        labels: what would have been right, in the same unit.
        counted: bool, in the shape of ``labels``: which of them count.
        loss: computes the task's mean loss over those that count, a scalar.
        classes: how many classes there are; 0 where answers are numbers.
        columns: whether each column is a label of its own, as with several labels for an example.
    """

    outputs: Tensor
    predicted: Tensor
    labels: Tensor
    counted: Tensor
    loss: Callable[[], Tensor]
    classes: int
    columns: bool = False


@dataclass(frozen=True)
class Asked:
    """The labels of a whole part of the data, as numpy has them.

    Args:
        labels: ``(N, ...)``, class numbers, 0 or 1, or numbers.
        counted: bool, in the same shape.
        classes: as of :class:`Answers`.
        columns: as of :class:`Answers`.
    """

    labels: NDArray[np.generic]
    counted: NDArray[np.bool_]
    classes: int
    columns: bool = False


class MetricTally(ABC):
    """What is kept of a metric while batches are counted."""

    #: whether :meth:`sums` holds all that the metric needs, whatever the number of examples
    bounded: ClassVar[bool] = True

    @abstractmethod
    def add(self, answers: Answers) -> None:
        """Counts a batch."""

    @abstractmethod
    def value(self) -> float | None:
        """The metric over everything counted; None where it is not defined, as over nothing."""

    @abstractmethod
    def sums(self) -> list[float]:
        """The sums so far, to go on from."""

    @abstractmethod
    def resume(self, sums: Sequence[float]) -> None:
        """Goes on from the sums that :meth:`sums` gave."""


class Scoring(Component):
    """A metric and how it is computed.

    A subclass gives ``name``, ``metric`` with the same name, and implements :meth:`tally`.
    """

    metric: ClassVar[Metric]

    @property
    def facts(self) -> Metric:
        """What is known of the metric."""
        return type(self).metric

    @property
    def recorded_as(self) -> Any:
        """The JSON value that names it as a part of what a test records."""
        return self.name if self.version == 1 else [self.name, self.version]

    @abstractmethod
    def tally(self) -> MetricTally:
        """A new tally of nothing."""

    def of_constant(self, asked: Asked) -> float | None:
        """The best value that one answer to all examples reaches; None where it is not known."""
        return None

    def refusal(self, asked: Asked) -> str:
        """Why the metric is not defined on these test labels, as the end of a sentence; empty where it is."""
        return ""
