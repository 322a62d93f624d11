"""The area under the ROC curve, from the ranks of all scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from critlab.learning_tasks.scoring.scoring import Answers, MetricTally
from critlab.learning_tasks.tallies.summed import Floats


class Ranks(MetricTally):
    """Scores and labels of all examples, ``(examples, columns)``; the metric is the mean area of the columns."""

    bounded: ClassVar[bool] = False

    def __init__(self) -> None:
        self.scores: list[Floats] = []
        self.labels: list[NDArray[np.int8]] = []

    def add(self, answers: Answers) -> None:
        """Keeps the scores and labels of a batch: 1, 0, or -1 where nothing counts."""
        if answers.columns:
            scores, labels = answers.outputs, torch.where(answers.counted, answers.labels.long(), -1)
        else:
            kept = answers.labels[answers.counted].long()
            scores = answers.outputs[answers.counted]
            if scores.ndim == 1:  # one logit, that of class 1
                scores, labels = scores[:, None], kept[:, None]
            else:
                scores, labels = log_odds(scores), torch.nn.functional.one_hot(kept, answers.classes)
        self.scores.append(scores.double().cpu().numpy())
        self.labels.append(labels.cpu().numpy().astype(np.int8))

    def value(self) -> float | None:
        """The mean area of the columns that have both values; None where none has."""
        if not self.scores:
            return None
        scores, labels = np.concatenate(self.scores), np.concatenate(self.labels)
        found = [area(scores[:, column], labels[:, column]) for column in range(scores.shape[1])]
        known = [one for one in found if one is not None]
        return float(np.mean(known)) if known else None

    def sums(self) -> list[float]:
        """None: ranks have no sums."""
        return []

    def resume(self, sums: Sequence[float]) -> None:
        """Nothing is resumed."""


def log_odds(logits: Tensor) -> Tensor:
    """``log(p / (1 - p))`` of the softmax of each class, float64 ``(N, classes)``.

    It is ordered as the softmax is, and still differs where the softmax is 0 or 1 in float64. Rows that differ by a
    constant, or in the order of the other classes, have equal values.

    Args:
        logits: ``(N, classes)``, float.
    """
    wide = logits.double()
    top, place = wide.max(-1, keepdim=True)
    away = wide - top
    # sorted, so that the order of classes does not change the sum
    others = away.scatter(-1, place, -torch.inf).sort(-1).values
    rest = others.exp().sum(-1, keepdim=True)
    below = away - torch.log1p((rest - away.exp()).clamp(min=0))
    return torch.where(away == 0, -others.logsumexp(-1, keepdim=True), below)


def area(scores: NDArray[Any], labels: NDArray[Any]) -> float | None:
    """The area under the ROC curve; None where the labels have one value alone, nan where a score is no number.

    Args:
        scores: ``(examples,)``; higher for 1.
        labels: 1, 0, or -1, which does not count.

    Cost: one sort. Source: Hanley and McNeil 1982.
    """
    counted = labels >= 0
    scores, positive = scores[counted], labels[counted] == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return None
    if np.isnan(scores).any():
        return math.nan
    order = np.argsort(scores, kind="stable")
    _, first, count = np.unique(scores[order], return_index=True, return_counts=True)
    # equal scores share the mean of their ranks, counted from 1
    ranks = np.repeat(first + (count + 1) / 2, count)
    total = float(ranks[positive[order]].sum())
    return (total - ones * (ones + 1) / 2) / (ones * zeros)
