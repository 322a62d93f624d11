"""What the engine asks of network training: learners, checks before the first epoch, and what steps and epochs cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from critlab._core.loading.imports import is_path
from critlab._core.random_streams import generator
from critlab._core.threads import one_thread
from critlab.data.image_set import ImageSet
from critlab.learning_tasks import CLASSIFICATION
from critlab.study.checks import interventions
from critlab.study.runs.example_recipes import ExampleRecipes
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import typical_recipe
from critlab.study.study import Setup, Study
from critlab.study.switches.switch import Trained
from critlab.training import precision
from critlab.training.device import make_deterministic
from critlab.training.heads import built_model
from critlab.training.inputs.example_pictures import example_pictures
from critlab.training.inputs.examples import Examples
from critlab.training.interventions import check_layers
from critlab.training.learner import NetworkLearner
from critlab.training.optimizers import make_optimizer
from critlab.training.seeding import kept_generators
from critlab.training.states.rehearsal import check_resume
from critlab.training.switching.fitting import check_switches
from critlab.training.trial_of_metric import try_metric
from critlab.training.trial_of_model import check_answers, failures_named, try_model

LOOKED_AT = 2
"""Examples that an untrained model answers before the first step."""

TESTED = 250
"""How many test images a trial of a checkpoint evaluates."""


class NetworkTraining:
    """The :class:`~critlab.engine.learner.Training` of networks."""

    def learner(self, setup: Setup, images: ImageSet, numerics: Numerics, device: str) -> NetworkLearner:
        """What learns ``setup``; on a GPU, the whole process computes deterministically from now on."""
        if device == "cuda":
            make_deterministic()
        return NetworkLearner(setup, images, numerics, device)

    def check(self, study: Study, images: ImageSet) -> None:
        """Build the model and its optimisers, and refuse what does not fit: a layer to reset, an optimiser, a switch.

        For another task than classification, also see whether the model's outputs and the loss fit what is asked.

        Raises:
            StudyError: there is no such layer, something does not fit, the model cannot be built, or its outputs do not
                fit.
        """
        examples = Examples.of(images, torch.device("cpu"), study.task)
        model = built_model(study, examples.shape, examples.outputs)
        if study.task != CLASSIFICATION:
            try_answers(model, examples, study)
        if layers := {layer for one in interventions(study) for layer in one.reset_layers}:
            check_layers(model, layers)
        optimizer = make_optimizer(study.optimizer, model)
        if study.switch is not None:
            trained = Trained(model, optimizer, study.seeds[0], 0)
            for switch in study.switch:
                make_optimizer(switch.optimizer(study.optimizer), model)
            tried = [switch for switch in study.switch if switch.tried]
            check_switches(tried, trained, examples)

    def check_resume(
        self, study: Study, images: ImageSet, numerics: Numerics, device: str, modules: Collection[str]
    ) -> None:
        """Train a few steps with and without a checkpoint between; on one thread, as in a worker.

        Raises:
            StudyError: a run that continues from a checkpoint would not equal one that never stopped.
        """
        few = replace(images, test_images=images.test_images[:TESTED], test_labels=images.test_labels[:TESTED])
        with one_thread():
            learner = NetworkLearner(study, few, numerics, device)
            batch = learner.examples.ready(learner.examples.train_images[: study.optimizer.batch])
            with failures_named(study, batch, learner.examples, "fails in a trial of four steps and a test,"):
                check_resume(learner, typical_recipe(study.runs, study), study.seeds[0], modules)

    def try_model(self, study: Study, images: ImageSet, numerics: Numerics, device: str) -> list[str]:
        """See :func:`critlab.training.trial_of_model.try_model`."""
        batch = slice(study.optimizer.batch)
        few = replace(images, train_images=images.train_images[batch], train_labels=images.train_labels[batch])
        with one_thread():
            return try_model(NetworkLearner(study, few, numerics, device))

    def examples(self, asked: ExampleRecipes, images: ImageSet) -> dict[str, Any]:
        """See :func:`critlab.training.inputs.example_pictures.example_pictures`."""
        return example_pictures(asked, images)

    def step_seconds(self, study: Study, images: ImageSet, device: str) -> dict[str, float]:
        """See :func:`critlab.training.precision.step_seconds`."""
        return precision.step_seconds(study, images, typical_recipe(study.runs, study), device)

    def epoch_seconds(self, study: Study, images: ImageSet, numerics: Numerics) -> float:
        """See :func:`critlab.training.precision.epoch_seconds`."""
        return precision.epoch_seconds(study, images, numerics)


def try_answers(model: nn.Module, examples: Examples, study: Study) -> None:
    """Let the untrained model answer a few examples, and take the loss of the answers.

    Raises:
        StudyError: the outputs or the loss do not fit what the task asks, or a user's own metric fails.
    """
    images, asked = examples.tested(examples.train_images[:LOOKED_AT], examples.train_labels[:LOOKED_AT])
    with kept_generators(torch.device("cpu")), torch.no_grad():
        outputs = check_answers(model.train(), images, asked, study, examples)
        with failures_named(study, images, examples, "gives outputs whose loss fails"):
            study.objective.learn(model, images, asked, generator(0, "objective", 0, 0))
    if study.task.metric is not None and is_path(study.task.metric):
        try_metric(examples, study.task, study.task.metric, tuple(outputs.shape[1:]))
