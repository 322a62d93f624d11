"""Tallies of counts by class, which are added up over the whole test set before anything is divided."""

from __future__ import annotations

import numpy as np
import torch

from critlab.learning_tasks.scoring.scoring import Answers, Asked
from critlab.learning_tasks.tallies.summed import Floats, SummedTally


class ClassCounts(SummedTally):
    """Counts by class, ``(3, classes)``: answered right, answered, and asked; with several labels, by label."""

    def of(self, answers: Answers) -> Floats:
        """The counts of one batch."""
        if answers.columns:
            predicted, labels = ((one > 0) & answers.counted for one in (answers.predicted, answers.labels))
            found = [(predicted & labels).sum(0), predicted.sum(0), labels.sum(0)]
        else:
            predicted, labels = answers.predicted[answers.counted], answers.labels[answers.counted]
            parts = (predicted[predicted == labels], predicted, labels)
            found = [torch.bincount(one.flatten(), minlength=answers.classes) for one in parts]
        counts: Floats = torch.stack(found).double().cpu().numpy()
        return counts


class Recalls(ClassCounts):
    """The mean over the classes that are asked of the share of each that is answered right."""

    def result(self, total: Floats) -> float | None:
        """The mean."""
        right, _, wanted = total.reshape(3, -1)
        present = wanted > 0
        return float((right[present] / wanted[present]).mean()) if present.any() else None


class HarmonicMeans(ClassCounts):
    """The mean over the classes that are asked of ``2 right / (answered + asked)``; of two classes, of class 1."""

    def of(self, answers: Answers) -> Floats:
        """The counts of one batch; of two classes those of class 1 alone."""
        counts = super().of(answers)
        return counts[:, 1:] if answers.classes == 2 and not answers.columns else counts

    def result(self, total: Floats) -> float | None:
        """The mean."""
        right, answered, wanted = total.reshape(3, -1)
        present = wanted > 0
        if not present.any():
            return None
        return float((2 * right[present] / (answered[present] + wanted[present])).mean())


class Overlaps(ClassCounts):
    """The mean over the classes that are asked of ``right / (answered + asked - right)``."""

    def result(self, total: Floats) -> float | None:
        """The mean."""
        right, answered, wanted = total.reshape(3, -1)
        present = wanted > 0
        if not present.any():
            return None
        return float((right[present] / (answered + wanted - right)[present]).mean())


def asked_counts(asked: Asked) -> Floats:
    """How often each class, or each label's 1, is asked, ``(classes,)``."""
    if asked.columns:
        return np.asarray(((asked.labels == 1) & asked.counted).sum(0), dtype=np.float64)
    chosen = asked.labels[asked.counted].astype(np.int64)
    return np.bincount(chosen, minlength=asked.classes).astype(np.float64)


def has_both(asked: Asked) -> bool:
    """Whether some class or label is asked in one example and not in another."""
    wanted = asked_counts(asked)
    count = asked.counted.sum(0) if asked.columns else asked.counted.sum()
    return bool(((wanted > 0) & (wanted < count)).any())


def entropy(counts: Floats) -> float:
    """The entropy of the shares of ``counts``, in nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
