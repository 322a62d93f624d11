"""The model of a study with the head that its task needs, and outputs in the layout of the task's likelihood."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab.learning_tasks import LearningTask
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.study.setup import Setup


class ArrangedOutputs:
    """A forward hook that arranges the outputs of a model, so that everything that calls it sees one layout.

    As a hook it changes no name of a parameter or a layer.

    Args:
        task: whose layout it is.
    """

    def __init__(self, task: LearningTask) -> None:
        self.task = task

    def __call__(self, model: nn.Module, inputs: Any, outputs: Any) -> Any:
        """The outputs, arranged where they are a tensor."""
        return self.task.arranged(outputs) if isinstance(outputs, Tensor) else outputs


def likelihood_of_task(task: LearningTask) -> Likelihood:
    """The likelihood of a task as measures take it.

    Raises:
        StudyError: the task names none that there is.
    """
    return likelihood_of({"name": task.likelihood, **task.likelihood_options}, f"task {task.name!r}")


def built_model(base: Setup, example_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A new model, initialised from torch's global generator.

    Args:
        base: model and task.
        example_shape: of one example.
        outputs: the width of the head.

    Raises:
        StudyError: the model cannot be built, or has no weights that can be trained.
    """
    model = base.model.build(example_shape, outputs)
    if is_path(base.model.name):
        _check_weights(model, base.model.name)
    if type(base.task).arranged is not LearningTask.arranged:
        model.register_forward_hook(ArrangedOutputs(base.task))
    return model


def _check_weights(model: nn.Module, name: str) -> None:
    """Raises StudyError unless a user's own model has weights to train, and values in all of them."""
    weights = dict(model.named_parameters())
    if not any(weight.requires_grad for weight in weights.values()):
        why = "all its parameters have requires_grad = False" if weights else "it has no parameters"
        raise StudyError(f"model.name: {name!r} returned a model without trainable weights, because {why}")
    for key, value in (*weights.items(), *model.named_buffers()):
        if value.is_meta:
            raise StudyError(f"model.name: {name!r} returned {key!r} on the meta device; make it on the CPU")
