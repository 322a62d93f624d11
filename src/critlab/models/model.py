"""The contract of a model: a frozen class of options that builds the network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from critlab._core.component import Component
from critlab._core.errors import StudyError
from critlab.deficits.input_form import InputForm
from critlab.learning_tasks.learning_task import LearningTask

if TYPE_CHECKING:
    from torch import nn


class Model(Component):
    """A model's options, torch-free, so that a plan can be made without building the model.

    A subclass gives ``name`` and ``version`` and implements :meth:`build`. ``source_layers`` names for each source the
    module that it alone feeds; of models of one source there is none.
    """

    source_layers: ClassVar[Mapping[str, str]] = {}

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the model cannot take such examples."""

    def check_form(self, form: InputForm) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the model cannot take such values, such as tokens."""
        if form.values == "tokens":
            raise StudyError(
                f"received {self.name!r}, which takes numbers, but the examples are tokens; use token_transformer, or "
                "a model of your own"
            )

    def check_task(self, task: LearningTask) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the model does not answer what the task asks.

        Models answer once for each example unless they say otherwise.
        """
        if task.unit != "example":
            raise StudyError(
                f"received {self.name!r}, which answers once for each example, but {task.name} needs an answer for "
                f"each {task.unit}; use {_ANSWERS[task.unit]}, or a model of your own"
            )

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int | None:
        """How many trainable numbers the model has, in closed form; None where no such form is known.

        Raises:
            StudyError: as :meth:`check`.
        """
        return None

    @abstractmethod
    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """A new model, initialised from torch's global generator.

        Args:
            example_shape: the shape of one example.
            classes: the width of the head: how many classes, or how many outputs the study's task needs.

        Returns:
            A module from float ``(N, *example_shape)``, or int64 tokens ``(N, places)``, to logits ``(N, classes)`` or
            ``(N, heads, classes)``; for an answer at each pixel ``(N, classes, height, width)``, at each token
            ``(N, places, classes)``.

        Raises:
            StudyError: as :meth:`check`.
        """


_ANSWERS = {
    "pixel": "fully_convolutional",
    "token": "token_transformer with per_token = true",
}
"""What critlab has for an answer at each pixel or token."""
