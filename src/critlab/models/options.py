"""What the options of every model can say before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from critlab._core.spec import Spec


class ModelOptions(Spec):
    """A model's options: torch-free, so that a plan can be made without building the model.

    ``source_layers`` names for each source the module that it alone feeds; of models of one source there is none.
    """

    source_layers: ClassVar[Mapping[str, str]] = {}

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the model cannot take such examples."""

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int | None:
        """How many trainable numbers the model has, in closed form; None where no such form is known.

        Raises:
            StudyError: as :meth:`check`.
        """
        return None
