"""Trying a study's own code before it trains: a few steps on a few images, in this process."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch

from critlab.data.image_set import ImageSet
from critlab.study.origin import Numerics
from critlab.study.recipe import Recipe, recipes
from critlab.study.study import Study
from critlab.training.learner import NetworkLearner
from critlab.training.states.rehearsal import check_resume

TESTED = 250
"""How many test images are looked at."""


def rehearse_study(study: Study, images: ImageSet, numerics: Numerics, device: str, modules: Collection[str]) -> None:
    """See :func:`critlab.training.states.rehearsal.check_resume`; on one thread, as the workers compute.

    Args:
        study: the question.
        images: what it is asked of; a few are taken.
        numerics: how numbers are computed.
        device: where to compute.
        modules: the user's own modules.

    Raises:
        StudyError: a run that goes on from a checkpoint would not equal one from scratch.
    """
    few = replace(images, test_images=images.test_images[:TESTED], test_labels=images.test_labels[:TESTED])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        check_resume(NetworkLearner(study, few, numerics, device), _recipe(study), study.seeds[0], modules)
    finally:
        torch.set_num_threads(threads)


def _recipe(study: Study) -> Recipe:
    """Of the last run, the first epoch with a deficit; its first one where there is none."""
    found = recipes(study.runs[-1], study)
    return next((recipe for recipe in found if recipe.deficits), found[0])
