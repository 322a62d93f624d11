"""How metrics are computed over a whole test set: one metric a file, each a frozen class with a tally."""

from __future__ import annotations

from critlab._core.registry import Registry
from critlab.learning_tasks.scoring.scoring import Scoring

__all__ = ["SCORINGS", "Scoring"]

SCORINGS: Registry[type[Scoring]] = Registry(
    "metric",
    Scoring,
    "critlab.metrics",
    {
        "accuracy": "critlab.learning_tasks.scoring.accuracy:Accuracy",
        "balanced_accuracy": "critlab.learning_tasks.scoring.balanced_accuracy:BalancedAccuracy",
        "f1": "critlab.learning_tasks.scoring.f1:F1",
        "auroc": "critlab.learning_tasks.scoring.auroc:AUROC",
        "mean_absolute_error": "critlab.learning_tasks.scoring.mean_absolute_error:MeanAbsoluteError",
        "r2": "critlab.learning_tasks.scoring.r2:R2",
        "mean_iou": "critlab.learning_tasks.scoring.mean_iou:MeanIoU",
        "nats_per_token": "critlab.learning_tasks.scoring.nats_per_token:NatsPerToken",
        "loss": "critlab.learning_tasks.scoring.loss:Loss",
    },
    classes=True,
)
"""The metrics by name."""
