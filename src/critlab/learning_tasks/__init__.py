"""What a network learns to answer: one task a file, with its labels, its loss, its likelihood and its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from critlab._core.component import describe_component, plain_component, read_component
from critlab._core.loading.lazy import submodules
from critlab._core.registry import Registry
from critlab.learning_tasks.classification import Classification
from critlab.learning_tasks.learning_task import NO_VIEW, LearningTask, TargetView
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.learning_tasks.scoring import SCORINGS, Scoring
from critlab.learning_tasks.scoring.own import metric

__all__ = [
    "ACCURACY",
    "CLASSIFICATION",
    "NO_VIEW",
    "SCORINGS",
    "TASKS",
    "Classification",
    "LearningTask",
    "Metric",
    "Scoring",
    "TargetView",
    "describe_task",
    "metric",
    "plain_task",
    "read_task",
    "training_identity",
]

CLASSIFICATION = Classification()
"""The task of every study that says nothing else."""

TASKS: Registry[type[LearningTask]] = Registry(
    "task",
    LearningTask,
    "critlab.tasks",
    {
        "classification": "critlab.learning_tasks.classification:Classification",
        "binary": "critlab.learning_tasks.binary:Binary",
        "multi_label": "critlab.learning_tasks.multi_label:MultiLabel",
        "regression": "critlab.learning_tasks.regression:Regression",
        "segmentation": "critlab.learning_tasks.segmentation:Segmentation",
        "language_modelling": "critlab.learning_tasks.language_modelling:LanguageModelling",
    },
    classes=True,
)
"""The tasks by name."""


def read_task(raw: str | Mapping[str, Any]) -> LearningTask:
    """The task called ``raw``, or the one that ``{"name": ..., **options}`` describes.

    Raises:
        Problems: a ValueError whose locations lie inside ``raw``, for use in a validator.
    """
    return read_component({"name": raw} if isinstance(raw, str) else raw, TASKS)


def plain_task(task: LearningTask) -> dict[str, Any]:
    """``{"name": ..., **options}``, from which :func:`read_task` makes an equal task."""
    return plain_component(task, TASKS)


def describe_task(task: LearningTask) -> dict[str, Any]:
    """The JSON mapping that names ``task``; see :func:`critlab._core.component.describe_component`."""
    return describe_component(task, TASKS)


def training_identity(task: LearningTask) -> dict[str, Any]:
    """The same without the metric, on which training does not depend."""
    return {key: value for key, value in describe_task(task).items() if key != "metric"}


if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
