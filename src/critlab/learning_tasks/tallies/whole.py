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
from critlab.learning_tasks.scoring.scoring import Answers, MetricTally

MOST_BYTES = 4 * 1024**3


class Whole(MetricTally):
    """All outputs and labels; the metric is what the function makes of them.

    Args:
        function: ``(outputs, labels) -> float``.
        path: under which a person knows it.
    """

    bounded: ClassVar[bool] = False

    def __init__(self, function: Callable[..., Any], path: str) -> None:
        self.function, self.path, self.size = function, path, 0
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
        """What the function returns.

        Raises:
            StudyError: it fails, or returns no finite number.
        """
        if not self.outputs:
            return None
        try:
            found = float(self.function(np.concatenate(self.outputs), np.concatenate(self.labels)))
        except CritlabError:
            raise
        except Exception as error:
            raise StudyError(f"task.metric: {self.path!r} failed: {one_line(error)}") from error
        if not math.isfinite(found):
            raise StudyError(f"task.metric: {self.path!r} returned {found}; must return a finite number")
        return found

    def sums(self) -> list[float]:
        """None: a function of everything has no sums."""
        return []

    def resume(self, sums: Sequence[float]) -> None:
        """Nothing is resumed."""
