"""The contract of a model: a frozen class of options that builds the network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from critlab._core.component import Component
from critlab._core.errors import StudyError
from critlab.deficits.input_form import InputForm

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
            classes: how many classes.

        Returns:
            A module from float ``(N, *example_shape)``, or int64 tokens ``(N, places)``, to logits ``(N, classes)`` or
            ``(N, heads, classes)``.

        Raises:
            StudyError: as :meth:`check`.
        """
