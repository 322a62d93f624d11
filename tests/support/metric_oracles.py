"""Every metric as its documentation defines it, in plain Python floats: one loop after another, nothing shared.

``outputs`` are lists: of each answered label the logits of all classes, the logit of yes, or the number. ``labels`` are
whole numbers, -1 where none counts, or numbers. A metric that is not defined is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from statistics import mean

Logits = Sequence[Sequence[float]]
Numbers = Sequence[float]
Labels = Sequence[int]


def largest(logits: Sequence[float]) -> int:
    """The first class of the largest logit."""
    best = 0
    for one in range(len(logits)):
        if logits[one] > logits[best]:
            best = one
    return best


def accuracy(predicted: Labels, labels: Labels) -> float | None:
    """The share of labels that are given right."""
    right = [one == wanted for one, wanted in zip(predicted, labels, strict=True) if wanted >= 0]
    return sum(right) / len(right) if right else None


def balanced_accuracy(predicted: Labels, labels: Labels) -> float | None:
    """The mean of the accuracies of the examples of each class that has some."""
    shares = []
    for asked in sorted({one for one in labels if one >= 0}):
        own = [one == asked for one, wanted in zip(predicted, labels, strict=True) if wanted == asked]
        shares.append(sum(own) / len(own))
    return mean(shares) if shares else None


def f1_of(predicted: Labels, labels: Labels, asked: int) -> float | None:
    """Twice precision times recall through their sum, of one class; None where no label is of it."""
    pairs = [(one, wanted) for one, wanted in zip(predicted, labels, strict=True) if wanted >= 0]
    true = sum(one == wanted == asked for one, wanted in pairs)
    answered, wanted = sum(one == asked for one, _ in pairs), sum(wanted == asked for _, wanted in pairs)
    if wanted == 0:
        return None
    if true == 0:
        return 0.0
    precision, recall = true / answered, true / wanted
    return 2 * precision * recall / (precision + recall)


def f1(predicted: Labels, labels: Labels, classes: int) -> float | None:
    """Of two classes, of class 1; else the mean over the classes that occur."""
    if classes == 2:
        return f1_of(predicted, labels, 1)
    found = [f1_of(predicted, labels, one) for one in range(classes)]
    return mean_of_known(found)


def mean_iou(predicted: Labels, labels: Labels, classes: int) -> float | None:
    """The mean over the classes that occur of the pixels in both through the pixels in either."""
    pairs = [(one, wanted) for one, wanted in zip(predicted, labels, strict=True) if wanted >= 0]
    found = []
    for asked in range(classes):
        if any(wanted == asked for _, wanted in pairs):
            both = sum(one == asked and wanted == asked for one, wanted in pairs)
            either = sum(one == asked or wanted == asked for one, wanted in pairs)
            found.append(both / either)
    return mean(found) if found else None


def auroc(scores: Numbers, labels: Labels) -> float | None:
    """Over all pairs of an example with 1 and one with 0: how often the first is scored higher, equal ones half."""
    ones = [score for score, label in zip(scores, labels, strict=True) if label == 1]
    zeros = [score for score, label in zip(scores, labels, strict=True) if label == 0]
    if not ones or not zeros:
        return None
    won = [1.0 if one > zero else 0.5 if one == zero else 0.0 for one, zero in product(ones, zeros)]
    return sum(won) / len(won)


def log_odds(logits: Sequence[float], asked: int) -> float:
    """The logarithm of p / (1 - p) of a class, whose order is that of its softmax, however near 1 that is."""
    away = [one - logits[asked] for place, one in enumerate(logits) if place != asked]
    most = max(away)
    if math.isinf(most):
        return -most
    return -(most + math.log(math.fsum(math.exp(one - most) for one in away)))


def auroc_of_classes(logits: Logits, labels: Labels, classes: int) -> float | None:
    """The mean over classes of one class against the rest."""
    rows = [(row, label) for row, label in zip(logits, labels, strict=True) if label >= 0]
    found = [
        auroc([log_odds(row, asked) for row, _ in rows], [int(label == asked) for _, label in rows])
        for asked in range(classes)
    ]
    return mean_of_known(found)


def cross_entropy(logits: Logits, labels: Labels) -> float | None:
    """The mean of -log p of the label, in nats."""
    found = []
    for row, label in zip(logits, labels, strict=True):
        if label >= 0:
            most = max(row)
            found.append(most - row[label] + math.log(math.fsum(math.exp(one - most) for one in row)))
    return mean(found) if found else None


def binary_cross_entropy(logits: Numbers, labels: Labels) -> float | None:
    """The mean of -log p of yes and no, in nats."""
    return cross_entropy([(0.0, one) for one in logits], labels)


def mean_absolute_error(answers: Sequence[Numbers], targets: Sequence[Numbers]) -> float | None:
    """The mean over examples and outputs of the distance."""
    found = [
        abs(one - wanted)
        for row, target in zip(answers, targets, strict=True)
        for one, wanted in zip(row, target, strict=True)
    ]
    return math.fsum(found) / len(found) if found else None


def r2(answers: Sequence[Numbers], targets: Sequence[Numbers]) -> float | None:
    """The mean over the outputs that vary of 1 minus the squared error through that of the mean."""
    found: list[float | None] = []
    for answered, wanted in zip(zip(*answers, strict=True), zip(*targets, strict=True), strict=True):
        middle = math.fsum(wanted) / len(wanted)
        spread = math.fsum((one - middle) ** 2 for one in wanted)
        error = math.fsum((one - other) ** 2 for one, other in zip(answered, wanted, strict=True))
        found.append(1 - error / spread if len(set(wanted)) > 1 else None)
    return mean_of_known(found)


def mean_of_known(found: Sequence[float | None]) -> float | None:
    """The mean of those that are defined; None where none is."""
    known = [one for one in found if one is not None]
    return mean(known) if known else None


ONE_LOGIT: dict[str, Callable[[Numbers, Labels], float | None]] = {
    "accuracy": lambda logits, labels: accuracy([int(one > 0) for one in logits], labels),
    "balanced_accuracy": lambda logits, labels: balanced_accuracy([int(one > 0) for one in logits], labels),
    "f1": lambda logits, labels: f1_of([int(one > 0) for one in logits], labels, 1),
    "auroc": auroc,
    "loss": binary_cross_entropy,
}
"""The metrics of yes and no."""

OF_CLASSES: dict[str, Callable[[Logits, Labels, int], float | None]] = {
    "accuracy": lambda logits, labels, classes: accuracy([largest(row) for row in logits], labels),
    "balanced_accuracy": lambda logits, labels, classes: balanced_accuracy([largest(row) for row in logits], labels),
    "f1": lambda logits, labels, classes: f1([largest(row) for row in logits], labels, classes),
    "mean_iou": lambda logits, labels, classes: mean_iou([largest(row) for row in logits], labels, classes),
    "auroc": auroc_of_classes,
    "loss": lambda logits, labels, classes: cross_entropy(logits, labels),
    "nats_per_token": lambda logits, labels, classes: cross_entropy(logits, labels),
}
"""The metrics of classes."""
