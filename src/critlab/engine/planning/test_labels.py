"""What the test labels say of a metric before anything is trained: whether it is defined, and what constants reach."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab._core.errors import StudyError
from critlab.learning_tasks.scoring.scoring import Asked
from critlab.study.study import Study

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

USUAL = (1e-3, 0.2)
"""The smallest damage of interest is usually such a part of what the best constant answer costs."""


_PIECE = 256
"""Examples that are looked at together."""


def check_metric(study: Study, images: ImageSet) -> None:
    """Raises StudyError where the judged metric is not defined on the test labels.

    Raises:
        StudyError: it is not, no label counts, or the metric is a user's own and cannot be imported.
    """
    _check_counted(study, images)
    name = study.task.metric or type(study.task).metrics[0]
    why = study.task.scoring(name).refusal(_asked(study, images))
    if why:
        others = ", ".join(one for one in type(study.task).metrics if one != name)
        raise StudyError(f"task.metric: {study.metric.title} is not defined here: {why}; choose another one ({others})")


def _check_counted(study: Study, images: ImageSet) -> None:
    """Raises StudyError where no label of a part counts; training labels of classes are looked at as they are read."""
    task, parts = study.task, {"test": (images.test_images, images.test_labels)}
    if task.targets.kind == "next_token":
        parts["train"] = (images.train_images, images.train_labels)
    for part, (examples, labels) in parts.items():
        pieces = (slice(start, start + _PIECE) for start in range(0, len(labels), _PIECE))
        asked = (task.asked_of(examples[one], labels[one], images.classes, images.form) for one in pieces)
        if not any(one.counted.any() for one in asked):
            raise StudyError(
                f"data: {part}: every sequence has one token alone, so there is no next one; give longer sequences"
                if task.targets.kind == "next_token"
                else f"data: {part}: no label counts, as every one is -1; at least one must count"
            )


def constants(study: Study, images: ImageSet) -> dict[str, float]:
    """What the best constant answer reaches on the test labels, by metric; those that are not known are left out."""
    asked, task = _asked(study, images), study.task
    found = {task.scoring(name).facts.name: task.scoring(name).of_constant(asked) for name in task.recorded}
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def metric_remarks(study: Study, images: ImageSet) -> Iterator[str]:
    """What a person should know of the smallest damage of interest, in the unit of the targets."""
    metric, reached = study.metric, constants(study, images).get(study.metric.name)
    if metric.better != "lower" or not reached:
        return
    smallest = study.statistics.smallest_damage
    if not USUAL[0] <= smallest / reached <= USUAL[1]:
        yield (
            f"statistics.smallest_damage is {smallest:g} {metric.title}, and the best constant answer has "
            f"{reached:.3g}; set it in this unit"
        )


def _asked(study: Study, images: ImageSet) -> Asked:
    """What is asked of the test part."""
    return study.task.asked_of(images.test_images, images.test_labels, images.classes, images.form)
