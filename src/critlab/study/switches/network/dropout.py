"""Another rate of dropout in the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import shown
from critlab.study.switches.switch import NO_VALUE, Switch, Trained

if TYPE_CHECKING:
    from torch import nn

    from critlab.study.setup import Setup


class Dropout(Switch):
    """The rate of every dropout layer of the model, also of attention weights; 0 drops nothing."""

    name: ClassVar[str] = "dropout"
    citation: ClassVar[str] = "Liu et al. 2023, early and late dropout"
    value: float = Field(ge=0, lt=1)

    def usual(self, base: Setup) -> Any:
        """The option of one of critlab's models."""
        return NO_VALUE if is_path(base.model.name) else getattr(base.model, "dropout", NO_VALUE)

    @contextmanager
    def scope(self, trained: Trained) -> Iterator[None]:
        """Set the rate of every layer, and set it back.

        Raises:
            StudyError: the model has no dropout layer.
        """
        layers = [(module, field) for module in trained.model.modules() if (field := _rate_field(module))]
        if not layers:
            raise StudyError(
                f"switch.dropout: received {shown(self.value)}, but the model has no dropout layer; take a model with "
                "dropout (of critlab's: a rate above 0 in [model]), or omit it"
            )
        rates = [getattr(module, field) for module, field in layers]
        for module, field in layers:
            setattr(module, field, self.value)
        try:
            yield
        finally:
            for (module, field), rate in zip(layers, rates, strict=True):
                setattr(module, field, rate)


def _rate_field(module: nn.Module) -> str:
    """The attribute of a module that is a rate of dropout; empty where it has none."""
    from torch import nn
    from torch.nn.modules.dropout import _DropoutNd

    if isinstance(module, _DropoutNd):
        return "p"
    return "dropout" if isinstance(module, nn.MultiheadAttention) else ""
