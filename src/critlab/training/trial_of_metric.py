"""A trial of a user's own metric on made-up answers, so that a mistake in it shows before the first epoch."""

from __future__ import annotations

import math

import torch

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import one_line
from critlab._core.random_streams import generator
from critlab.learning_tasks import LearningTask
from critlab.training.inputs.examples import Examples

BATCH = 500
"""Test examples that are answered together."""


def try_metric(examples: Examples, task: LearningTask, path: str, shape: tuple[int, ...]) -> None:
    """Computes the metric once from normal numbers in place of the network's outputs, for all test labels.

    All labels are taken, because a metric may not be defined on some of them, as where they have one class.

    Args:
        examples: whose test labels are asked.
        task: what is asked.
        path: of the metric.
        shape: of the arranged outputs for one example.

    Raises:
        StudyError: the metric fails, or gives no finite number.

    Cost: one test without the network.
    """
    scoring = task.scoring(path)
    tally, chance = scoring.tally(), generator(0, "measure", 0, 0)
    try:
        for images, labels in zip(examples.test_images.split(BATCH), examples.test_labels.split(BATCH), strict=True):
            _, asked = examples.tested(images, labels)
            outputs = torch.randn((len(asked), *shape), generator=chance)
            tally.add(task.answers(outputs, asked, examples.view))
        value = tally.value()
    except CritlabError:
        raise
    except Exception as error:
        raise StudyError(f"task.metric: {path!r} failed: {one_line(error)}") from error
    if value is None or not isinstance(value, float) or not math.isfinite(value):
        raise StudyError(f"task.metric: {path!r} gave {value} for the test labels; must give a finite number")
