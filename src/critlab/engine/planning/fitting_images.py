"""The images of a study, checked against all of it that they must fit before the first step, and before a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab.engine.learner import network_training
from critlab.engine.planning.test_labels import check_metric
from critlab.learning_tasks import CLASSIFICATION
from critlab.study.checks import interventions, read_data
from critlab.study.study import Study
from critlab.study.switches import switch_key

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet


def fitting_images(study: Study, folder: Path | None) -> ImageSet:
    """The images of a study.

    Args:
        study: which data, and what is done with them.
        folder: of all data; None is the usual one.

    Raises:
        StudyError: the study does not fit them.
        DataError: they are missing, or not what they should be.
    """
    from critlab.data import load

    images = load(study.data, folder, study.task.targets)
    shape, train = tuple(images.train_images.shape[1:]), len(images.train_labels)
    if study.optimizer.batch > train:
        raise StudyError(
            f"optimizer.batch: received {study.optimizer.batch}; must be at most {train}, the number of training images"
        )
    if text := study.single_image():
        raise StudyError(f"optimizer.batch: {text}")
    if text := study.too_few_batches(study.data.epoch or train):
        raise StudyError(f"optimizer.accumulate: {text}")
    for switch in study.switch or ():
        if (batch := switch.batch_size(study.optimizer.batch)) > train:
            key = f"switch.{switch_key(switch)}"
            raise StudyError(f"{key}: received {batch}; must be at most {train}, the number of training images")
    read_data(study, shape, tuple(images.train_labels.shape[1:]), images.classes, images.form)
    check_metric(study, images)
    if _must_be_tried(study):
        network_training().check(study, images)
    return images


def _must_be_tried(study: Study) -> bool:
    """Whether something may not fit that only a built model shows."""
    optimizers = [study.optimizer, *(switch.optimizer(study.optimizer) for switch in study.switch or ())]
    tried = any(one.options.tried for one in optimizers) or any(switch.tried for switch in study.switch or ())
    resets = any(one.reset_layers for one in interventions(study))
    return tried or resets or study.task != CLASSIFICATION or is_path(study.model.name)
