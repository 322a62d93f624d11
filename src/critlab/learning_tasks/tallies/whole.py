"""A tally that keeps all outputs and labels, for a user's own function of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import one_line
from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Answers, MetricTally

MOST_BYTES = 4 * 1024**3

ROUNDING = 1e-6
"""A value that is so little outside its range is inside up to the rounding of float32."""


class Whole(MetricTally):
    """All outputs and labels; the metric is what the function makes of them.

    Args:
        function: ``(outputs, labels) -> float``.
        path: under which a person knows it.
        facts: its range.
    """

    bounded: ClassVar[bool] = False

    def __init__(self, function: Callable[..., Any], path: str, facts: Metric) -> None:
        self.function, self.path, self.facts, self.size = function, path, facts, 0
        self.outputs: list[NDArray[np.float32]] = []
        self.labels: list[NDArray[Any]] = []

    def add(self, answers: Answers) -> None:
        """Keeps a batch.

        Raises:
            StudyError: the outputs take more than 4 GiB together.
        """
        outputs = (answers.outputs if answers.classes else answers.predicted).float().cpu().numpy()
        self.size += outputs.nbytes
        if self.size > MOST_BYTES:
            raise StudyError(
                f"task.metric: {self.path!r} is a function of all test outputs, which take more than 4 GiB; set test "
                "in [data], or write a subclass of critlab.learning_tasks.Scoring, which adds up batch by batch"
            )
        labels = answers.labels
        labels = labels.float() if labels.is_floating_point() else torch.where(answers.counted, labels, -1)
        self.outputs.append(outputs)
        self.labels.append(labels.cpu().numpy())

    def value(self) -> float | None:
        """What the function returns; nan where an output is not finite.

        Raises:
            StudyError: it fails, or returns no number that the metric can have.
        """
        if not self.outputs:
            return None
        outputs = np.concatenate(self.outputs)
        if not np.isfinite(outputs).all():
            return math.nan  # the network diverged, which is a result; the function is not to blame
        try:
            found = self.function(outputs, np.concatenate(self.labels))
        except CritlabError:
            raise
        except Exception as error:
            raise StudyError(f"task.metric: {self.path!r} failed: {one_line(error)}") from error
        return checked_value(found, self.path, self.facts)

    def sums(self) -> list[float]:
        """None: a function of everything has no sums."""
        return []

    def resume(self, sums: Sequence[float]) -> None:
        """Nothing is resumed."""


def checked_value(value: object, path: str, facts: Metric) -> float:
    """What a user's metric gave, as a float.

    Args:
        value: a number of Python, or one in an array or a tensor without axes.
        path: under which a person knows the metric.
        facts: its range.

    Raises:
        StudyError: it is something else, is not finite, or lies outside the range that the metric declares.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    shape = getattr(value, "shape", ())
    kind = type(value).__name__ if shape == () else f"an array of shape {tuple(shape)}"
    number = value.item() if isinstance(value, np.ndarray | np.generic) and shape == () else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise StudyError(f"task.metric: {path!r} returned {kind}; must return one number, such as float(values.mean())")
    if not math.isfinite(number):
        raise StudyError(f"task.metric: {path!r} returned {number}; must return a finite number")
    low, high = (-math.inf if facts.least is None else facts.least), (math.inf if facts.most is None else facts.most)
    slack = ROUNDING * max(abs(one) for one in (low, high, 0.0) if math.isfinite(one)) + ROUNDING
    if not low - slack <= number <= high + slack:
        raise StudyError(
            f"task.metric: {path!r} returned {number:g}, which is outside its range from {low:g} to {high:g}; correct "
            "the function, or least and most of @critlab.metric"
        )
    return float(min(max(number, low), high))
