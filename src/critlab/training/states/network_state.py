"""The state of a training: what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from critlab.training.states.outside import Values
from critlab.training.switching.added import Added
from critlab.training.tally import Progress

Value = TypeVar("Value")


@dataclass
class NetworkState:
    """A network in training: changed in place by :meth:`NetworkLearner.advance`.

    ``progress`` says how far it is inside an epoch; None between two epochs. ``began`` holds the parameters with which
    that epoch began, by name; empty between two. ``fresh`` holds what the untrained model has outside its
    ``state_dict``; empty for critlab's own models, which have nothing there. ``added`` holds what switches add.
    """

    model: nn.Module
    optimizer: Optimizer
    seed: int
    epoch: int
    progress: Progress | None = None
    began: dict[str, Tensor] = field(default_factory=dict)
    fresh: Values = field(default_factory=dict)
    added: Added = field(default_factory=Added)


def followed_metrics(tensors: Mapping[str, NDArray[Any]], further: tuple[float, ...]) -> tuple[str, ...] | None:
    """The metrics whose sums a checkpoint inside an epoch holds; where none are named, accuracy alone."""
    if "followed" in tensors:
        return tuple(filter(None, tensors["followed"].tobytes().decode().split("\n")))
    return None if further else ("accuracy",)


def entries_below(prefix: str, tensors: Mapping[str, Value]) -> dict[str, Value]:
    """The entries whose names begin with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
