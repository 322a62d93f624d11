"""A trial of a user's own network before the first step, and one clear line where it, or training it, fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import is_path
from critlab._core.user_code.failing_line import failing_line, inside_a_module, inside_torch
from critlab.learning_tasks import CLASSIFICATION
from critlab.study.setup import Setup
from critlab.training.inputs.examples import Examples
from critlab.training.learner import NetworkLearner
from critlab.training.seeding import kept_generators

ROUNDING = 1e-3
"""How far the sum of a row of probabilities may be from 1 for each of them, also in bfloat16."""


def try_model(learner: NetworkLearner) -> list[str]:
    """Let an untrained network of the user's own answer a batch.

    Args:
        learner: of a few examples.

    Returns:
        What a person should know of the outputs, one line each; the network can be trained all the same.

    Raises:
        StudyError: the network cannot be made, fails, or returns something else than the task asks for.

    Cost: a network made, and a forward pass.
    """
    if learner.built_in:
        return []
    base, examples = learner.base, learner.examples
    images, asked = examples.tested(examples.train_images, examples.train_labels)
    with failures_named(base, images, examples):
        model = learner.start({"seed": 0}).model
        with kept_generators(learner.device), torch.no_grad(), learner.forward():
            answered = model.train()(images)
    outputs = _fitting(answered, images, asked, base, examples)
    return [f"model.name: {base.model.name!r} {text}" for text in _remarks(outputs, base, examples)]


@contextmanager
def failures_named(base: Setup, images: Tensor, examples: Examples, what: str = "fails") -> Iterator[None]:
    """Turns what the user's own code raises, or torch on the outputs of their network, into one line.

    An error of other code passes through.

    Args:
        base: model and task.
        images: as the network receives them.
        examples: whose outputs are asked.
        what: the code does, in words.

    Raises:
        StudyError: naming the model, the shapes, and the user's line where there is one.
    """
    try:
        yield
    except (CritlabError, MemoryError):
        raise
    except Exception as error:
        place = failing_line(error)
        of_model = is_path(base.model.name) and (inside_a_module(error) or (inside_torch(error) and not place))
        if not (of_model or place):
            raise
        cause = f"{type(error).__name__}: {' '.join(f'{error}'.split())}{place}"
        if not of_model:
            raise StudyError(f"the study's own code {what}: {cause}") from error
        asked = f"an input of shape {tuple(images.shape)} with {_answers(base, examples)}"
        text = f"model.name: {base.model.name!r} {what} on {asked}: {cause}"
        wanted = f"the network must take {_kind(images)} and return {_returns(base, examples)}"
        raise StudyError(f"{text}; {wanted}") from error


def check_answers(model: nn.Module, images: Tensor, asked: Tensor, base: Setup, examples: Examples) -> Tensor:
    """The outputs of an untrained network for a few examples.

    Raises:
        StudyError: the network fails, or its outputs do not fit what the task asks.
    """
    with failures_named(base, images, examples):
        answered = model(images)
    return _fitting(answered, images, asked, base, examples)


def _fitting(answered: Any, images: Tensor, asked: Tensor, base: Setup, examples: Examples) -> Tensor:
    """The outputs, where the task can use them; of a network of the user's own, with its name where not."""
    task = base.task
    if not is_path(base.model.name):
        return task.check_outputs(answered, asked)
    came = f"outputs of shape {tuple(answered.shape)}" if isinstance(answered, Tensor) else type(answered).__name__
    returned = f"model.name: {base.model.name!r} returned {came} for an input of shape {tuple(images.shape)}"
    if not isinstance(answered, Tensor) or not task.fits(tuple(answered.shape), tuple(asked.shape)):
        raise StudyError(f"{returned} and labels of shape {tuple(asked.shape)}; must return {_returns(base, examples)}")
    if task.names_classes and answered.shape[-1] < examples.outputs:
        raise StudyError(f"{returned}; must return {examples.outputs} logits, one for each of the {_classes(examples)}")
    return answered


def _remarks(outputs: Tensor, base: Setup, examples: Examples) -> Iterator[str]:
    """What is unusual in outputs that the task can use, in words that follow the model's name."""
    if not base.task.names_classes:
        return
    if outputs.shape[-1] > examples.outputs:
        yield f"returns {outputs.shape[-1]} logits for {_classes(examples)}; the further ones are never right"
    # an objective of the user's own may take probabilities
    if type(base.objective).__module__.startswith("critlab.") and _are_probabilities(outputs):
        yield "returns probabilities, but the loss takes logits, so training will be slow; omit the softmax at the end"


def _are_probabilities(outputs: Tensor) -> bool:
    values = outputs.float()
    if values.shape[-1] < 2 or bool((values < 0).any()) or bool((values > 1).any()):
        return False
    return bool(((values.sum(-1) - 1).abs() < ROUNDING * values.shape[-1]).all())


def _returns(base: Setup, examples: Examples) -> str:
    """What the network must return, in words."""
    if base.task != CLASSIFICATION:
        return base.task.returns
    return f"logits ({', '.join(map(str, ('batch', *examples.train_labels.shape[1:], examples.outputs)))})"


def _answers(base: Setup, examples: Examples) -> str:
    """What the network must answer, as a count."""
    return _classes(examples) if base.task.names_classes else f"{examples.outputs} outputs"


def _classes(examples: Examples) -> str:
    return f"{examples.outputs} classes"


def _kind(images: Tensor) -> str:
    """What the network receives, such as ``float32 (batch, 1, 28, 28)``."""
    return f"{str(images.dtype).removeprefix('torch.')} (batch, {', '.join(map(str, images.shape[1:]))})"
