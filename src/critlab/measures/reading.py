"""What a measure looks at, and what it reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from critlab.measures.correct_images import CorrectImages
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.picture import Picture

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True)
class Probe:
    """The inputs of a measurement, the same for every run and epoch of a study.

    Args:
        images: ``(images, ...)`` as the model receives them (normalised).
        labels: what the task asks: int64 ``(images,)`` or ``(images, heads)``; in the form of its own where the
            likelihood is another, with one label at each pixel or token, -1 where nothing counts, or float targets.
        generator: ``generator(index)`` is a fresh generator keyed by run seed, epoch and index.
        untrained: makes the network as it was before training; None where it is unknown.
        as_trained: the context of a forward pass in the precision in which the network is trained; only a measure that
            says so takes it, the others compute in the weights' own precision.
        coarse: whether that precision is coarser than the weights' own.
        likelihood: of the labels, given what the network puts out: a name of
            :data:`critlab.measures.likelihoods.LIKELIHOODS`, or a likelihood with options, which the study's task
            chooses.
    """

    images: Tensor
    labels: Tensor
    generator: Callable[[int], torch.Generator]
    untrained: Callable[[], nn.Module] | None = None
    as_trained: Callable[[], AbstractContextManager[Any]] = nullcontext
    coarse: bool = False
    likelihood: str | Likelihood = "categorical"


@dataclass(frozen=True)
class Reading:
    """One measured number; ``layer`` is empty for a whole-net quantity, ``stderr`` is 0 for an exact one.

    ``picture`` is an array that the number stands for, ``correct`` the single images that an accuracy is the mean of;
    both are kept in the record, not in the table.
    """

    quantity: str
    layer: str
    value: float
    stderr: float
    picture: Picture | None = None
    correct: CorrectImages | None = None

    def record(self) -> dict[str, Any]:
        """The JSON values of a record."""
        plain = asdict(self)
        return {key: value for key, value in plain.items() if value is not None}
