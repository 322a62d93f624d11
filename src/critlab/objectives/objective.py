"""What an objective is: what a step of training makes smaller."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.component import Component
from critlab._core.errors import StudyError
from critlab.learning_tasks.learning_task import LearningTask

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from critlab.deficits.input_form import InputForm


@dataclass(frozen=True)
class Learned:
    """What an objective makes of one batch.

    Args:
        loss: scalar, float; the mean over what counts, from which training goes backward.
        logits: what metrics are counted from: the outputs of the network, such as logits ``(batch, classes)`` or
            ``(batch, heads, classes)``; None where the objective has none. With them a batch counts as many labels as
            count, without them as many images.
    """

    loss: Tensor
    logits: Tensor | None = None


class Objective(Component):
    """A frozen value that says what training makes smaller.

    A subclass gives ``name`` and ``version`` and implements :meth:`learn`.
    """

    #: the likelihoods of the outputs that it is a loss of; empty for any
    likelihoods: ClassVar[tuple[str, ...]] = ()

    def check_task(self, task: LearningTask) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where it is no loss of what the task's networks answer."""
        if self.likelihoods and task.likelihood not in self.likelihoods:
            raise StudyError(
                f"received {self.name!r}, which is no loss of the task {task.name!r}; omit it for "
                f"{task.objective!r}, or choose another one (critlab list objectives)"
            )

    def check_model(self, model: Any) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where a model cannot have this objective.

        Args:
            model: its specification: ``name``, and its options as attributes.
        """

    def check_examples(self, example_shape: tuple[int, ...]) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where examples of that shape cannot have this objective."""

    def check_form(self, form: InputForm) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where examples of that form cannot have this objective."""

    @abstractmethod
    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss of one batch; called in training mode, under the study's precision.

        Args:
            model: the network; an objective that needs a head of its own asks the model for it.
            images: float ``(batch, ...)``, as the network receives them (augmented, deprived, normalised).
            labels: what the task asks: int64 ``(batch,)`` or ``(batch, heads)``, where -1 means no loss; or numbers.
            generator: a CPU generator keyed by run seed, epoch and step; an objective draws from nothing else, so that
                a fork equals a run from scratch.

        Raises:
            StudyError: the model lacks what the objective needs.
        """


def check_logits(logits: object, labels: Tensor) -> Tensor:
    """The logits, if they are ``(batch, classes)``, or ``(batch, heads, classes)``, for ``labels``.

    Raises:
        StudyError: they are something else.
    """
    from torch import Tensor

    if not isinstance(logits, Tensor) or logits.shape[:-1] != labels.shape:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise StudyError(
            f"model: returned {shape} for labels of shape {tuple(labels.shape)}; "
            "must return logits (batch, classes), or (batch, heads, classes) for labels (batch, heads)"
        )
    return logits


def check_as_labels(outputs: object, labels: Tensor) -> Tensor:
    """The outputs, if there is one for each label.

    Raises:
        StudyError: they are something else.
    """
    from torch import Tensor

    if not isinstance(outputs, Tensor) or outputs.shape != labels.shape:
        shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise StudyError(
            f"model: returned {shape} for labels of shape {tuple(labels.shape)}; must return one output for each label"
        )
    return outputs
