"""The contract of a measure: a frozen class of options that says what it reads and reads it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab._core.component import Component, describe_component
from critlab._core.errors import StudyError
from critlab._core.problems import Problems, shown
from critlab.learning_tasks.learning_task import LearningTask
from critlab.measures.likelihoods import LIKELIHOODS, AnyLikelihood
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


@dataclass(frozen=True)
class Before:
    """The version of a measure before the present one, whose readings finished studies keep.

    Args:
        version: which.
        flaw: what is wrong with its readings, as the end of a sentence.
    """

    version: int
    flaw: str


class Measure(Component):
    """A frozen value that says what is read of a network, and how often.

    A subclass gives ``name``, ``version`` and ``quantities`` and implements :meth:`measure`.

    Args:
        every: epochs between two readings; the first is before training.
    """

    #: what it reads, so that the page can draw it
    quantities: ClassVar[tuple[Quantity, ...]] = ()
    #: the version before this one, where studies may keep readings of that
    before: ClassVar[Before | None] = None
    #: the likelihoods of a network's outputs that it can read; empty for any
    likelihoods: ClassVar[tuple[str, ...]] = ()
    every: int = Field(default=1, ge=1)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the measure has nothing to read of such examples."""

    def check_task(self, task: LearningTask) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where it cannot read what the task's networks answer."""
        if self.likelihoods and task.likelihood not in self.likelihoods:
            raise StudyError(
                f"reads networks whose outputs are {' or '.join(self.likelihoods)}, but those of {task.name} are "
                f"{task.likelihood}; omit this measure"
            )

    @abstractmethod
    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """Reads ``model`` and leaves it as it was.

        Args:
            model: the network, in evaluation mode.
            probe: the images, labels and generators, the same for every run and epoch.
        """


class ProbeMeasure(Measure):
    """A measure of class-balanced training images, the same for all runs and epochs.

    Args:
        images: how many there are.
        inputs: "clean" images, or "as_trained" with the deficit that the epoch had.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"inputs": "clean"}
    images: int = Field(default=1024, ge=1)
    inputs: Literal["clean", "as_trained"] = "clean"


class LikelihoodMeasure(ProbeMeasure):
    """A measure that depends on how labels are distributed given what the network puts out.

    Args:
        likelihood: a name, such as "gaussian", or a table, such as {name = "gaussian", variance = 0.25}; without it,
            that of the study's task.
    """

    neutral: ClassVar[Mapping[str, Any]] = {**ProbeMeasure.neutral, "likelihood": None}
    likelihood: AnyLikelihood | None = Field(default=None, exclude_if=lambda value: value is None)

    def check_task(self, task: LearningTask) -> None:
        """Raises StudyError also where the option ``likelihood`` names another distribution than that of the task."""
        super().check_task(task)
        named = self.likelihood
        if named is not None and named.name in LIKELIHOODS.rows and named.name != task.likelihood:
            raise StudyError(
                f"likelihood: received {shown(named.name)}, but the outputs of {task.name} are {task.likelihood}; "
                "omit it, or give that one with its options"
            )

    def identity(self) -> dict[str, Any]:
        """With the likelihood's version, and the digest of a user's own."""
        found = super().identity()
        if self.likelihood is not None:
            found["likelihood"] = describe_component(self.likelihood, LIKELIHOODS)
        return found


class BatchMeasure(LikelihoodMeasure):
    """A measure that compares the gradients of mini-batches.

    Args:
        batch: images of one mini-batch; at most a third of ``images``.
    """

    batch: int = Field(default=32, ge=1)

    @model_validator(mode="after")
    def _three_batches(self) -> Self:
        if 3 * self.batch > self.images:
            text = f"received {shown(self.batch)}; must be at most {self.images // 3}, a third of the images"
            raise Problems([(("batch",), text)])
        return self


class SourceMeasure(Measure):
    """A measure of two sources, on clean, class-balanced images, the same for all runs and epochs.

    Args:
        split: the test images, or the training images without augmentation.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"split": "test"}
    split: Literal["train", "test"] = "test"

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(2, ...)``: two sources."""
        if len(example_shape) < 2 or example_shape[0] != 2:
            raise StudyError(
                f"needs examples of two sources (2, ...), received examples of shape {tuple(example_shape)}; "
                "use other data, such as two_view, or omit this measure"
            )
