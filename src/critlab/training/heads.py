"""The model of a study with the head that its task needs, and outputs in the layout of the task's likelihood."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

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
        StudyError: the model cannot be built.
    """
    model = base.model.build(example_shape, outputs)
    if type(base.task).arranged is not LearningTask.arranged:
        model.register_forward_hook(ArrangedOutputs(base.task))
    return model
