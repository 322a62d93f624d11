"""The contract of a task: what labels are, what a network answers, its loss, and the metrics of the answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import field_validator

from critlab._core.component import Component
from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Problems, nearest, shown
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.target_form import CLASSES, TargetForm
from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring import SCORINGS
from critlab.learning_tasks.scoring.own import OwnScoring
from critlab.learning_tasks.scoring.scoring import Answers, Asked, Scoring

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from critlab._core.user_code.identity import OwnCode

Unit = Literal["example", "pixel", "token"]
"""What a network gives one answer to."""


@dataclass(frozen=True)
class TargetView:
    """What a task knows of the data when it makes targets of labels, and answers of outputs.

    Args:
        form: what the values of examples are.
        mean: of the training targets of a regression that standardises them, ``()`` or ``(outputs,)``; None for others.
        std: their deviation, in the same shape.
    """

    form: InputForm = UNIT
    mean: Tensor | None = None
    std: Tensor | None = None


NO_VIEW = TargetView()
"""Nothing is known of the data but that they are levels in [0, 1]."""


class LearningTask(Component):
    """A frozen value that says what a network learns to answer.

    A subclass gives ``name``, ``likelihood``, ``metrics`` and ``tested``, and implements :meth:`outputs`, :meth:`loss`
    and :meth:`predicted`. It imports torch inside its methods only.

    Args:
        metric: what damage is measured in: a metric of the task, or a user's own ``"package.module:function"``; None
            is the first of the task's.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"metric": None}
    #: the metrics that the task has, by name; the first one is judged unless ``metric`` says otherwise
    metrics: ClassVar[tuple[str, ...]]
    #: the metrics among them that every test records, so that another one can be judged later
    tested: ClassVar[tuple[str, ...]]
    #: what the outputs stand for: a name of :data:`critlab.measures.likelihoods.LIKELIHOODS`
    likelihood: ClassVar[str]
    #: the options of the likelihood that the layout of the outputs needs
    likelihood_options: ClassVar[Mapping[str, Any]] = {}
    #: the training loss, a row of the objectives, unless the study says otherwise
    objective: ClassVar[str] = "cross_entropy"
    #: what labels must be
    targets: ClassVar[TargetForm] = CLASSES
    #: what a network gives one answer to
    unit: ClassVar[Unit] = "example"
    metric: str | None = None

    @field_validator("metric")
    @classmethod
    def _has_the_metric(cls, metric: str | None) -> str | None:
        if metric is None or is_path(metric) or metric in cls.metrics:
            return metric
        text = f"received {shown(metric)}, which {cls.name} does not have{nearest(metric, cls.metrics)}"
        raise Problems([((), text)])

    @property
    def names_classes(self) -> bool:
        """Whether the outputs are logits of classes."""
        return self.likelihood.startswith("categorical")

    @cached_property
    def judged(self) -> Metric:
        """The metric in which damage is measured.

        Raises:
            StudyError: a user's own function cannot be imported, or says no direction.
        """
        return self.scoring(self.metric or type(self).metrics[0]).facts

    def scoring(self, name: str) -> Scoring:
        """How the metric of that name, or of that path, is computed."""
        if is_path(name):
            return OwnScoring.of(name)
        return SCORINGS.find(name)()

    @property
    def recorded(self) -> tuple[str, ...]:
        """The metrics that a test records in addition to the loss, by name or path; the judged one is among them."""
        judged = self.metric or type(self).metrics[0]
        return tuple(one for one in dict.fromkeys((*type(self).tested, judged)) if one != "loss")

    @property
    def followed(self) -> tuple[str, ...]:
        """The metrics that are counted in training in addition to the loss, as far as their sums are bounded."""
        judged = self.metric or type(self).metrics[0]
        return () if judged == "loss" else (judged,)

    def test_identity(self) -> list[Any]:
        """The JSON values that name what a test records: names of metrics, and of a user's own the code."""
        return [self.scoring(name).recorded_as for name in self.recorded]

    def codes(self) -> list[OwnCode]:
        """What names the code of a metric of the user's own; empty where it is critlab's or has a version."""
        code = None if self.metric is None or not is_path(self.metric) else OwnScoring.of(self.metric).code()
        return [] if code is None else [code]

    def check_form(self, form: InputForm) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where examples of that form cannot have the task."""

    def check_examples(self, example_shape: tuple[int, ...]) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where examples of that shape cannot have the task."""

    @abstractmethod
    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """The width of the model's head.

        Args:
            classes: how many classes the labels have; 0 where they have none.
            label_shape: of the labels of one example.
            form: what the values of examples are.
        """

    def asked(self, images: Tensor, labels: Tensor, view: TargetView) -> Tensor:
        """What the network is asked about a batch, as :meth:`loss` takes it.

        Args:
            images: as deficits leave them: float, or int64 tokens.
            labels: of the data, after the deficits.
            view: what is known of the data.
        """
        return labels

    def arranged(self, outputs: Tensor) -> Tensor:
        """What a model returned, in the layout of the likelihood; a wrong shape stays for :meth:`check_outputs`."""
        return outputs

    def check_outputs(self, outputs: object, asked: Tensor) -> Tensor:
        """The arranged outputs, if they fit what was asked.

        Raises:
            StudyError: a model returned something else.
        """
        from torch import Tensor

        if not isinstance(outputs, Tensor) or not self.fits(tuple(outputs.shape), tuple(asked.shape)):
            came = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
            raise StudyError(f"model: returned {came} for the task {self.name!r}; must return {self.returns}")
        return outputs

    #: what a model must return, in words
    returns: ClassVar[str] = "logits (batch, classes)"

    def fits(self, outputs: tuple[int, ...], asked: tuple[int, ...]) -> bool:
        """Whether arranged outputs of that shape answer what was asked."""
        return outputs[:-1] == asked

    @abstractmethod
    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """The mean loss over what counts, a scalar; ``outputs`` are arranged."""

    @abstractmethod
    def predicted(self, outputs: Tensor) -> Tensor:
        """The answer in the shape of what was asked; ``outputs`` are arranged."""

    def counted(self, asked: Tensor) -> Tensor:
        """bool: what counts, in the shape of ``asked``."""
        return asked >= 0

    def answers(self, outputs: Tensor, asked: Tensor, view: TargetView) -> Answers:
        """What metrics count of a batch; ``outputs`` are arranged.

        Raises:
            StudyError: the task does not give one answer for each label.
        """
        predicted, labels = self.predicted(outputs), asked
        if predicted.shape != asked.shape:
            raise StudyError(
                f"task: predicted() of {self.name!r} returned the shape {tuple(predicted.shape)} for labels of shape "
                f"{tuple(asked.shape)}; must return one answer for each label"
            )
        if view.mean is not None and view.std is not None:
            # in float64: a large mean would cost the digits that float32 and bfloat16 have
            mean, std = view.mean.double(), view.std.double()
            predicted, labels = mean + std * predicted.double(), mean + std * labels.double()
        classes = 2 if self.likelihood == "bernoulli" else outputs.shape[-1] if self.names_classes else 0
        columns = self.targets.kind == "multi_hot"
        loss = partial(self.loss, outputs, asked)
        return Answers(outputs, predicted, labels, self.counted(asked), loss, classes, columns)

    def asked_of(self, images: NDArray[Any], labels: NDArray[Any], classes: int, form: InputForm) -> Asked:
        """What is asked of a whole part of the data, as metrics count it.

        Args:
            images: of the part; only a task whose targets are in them reads them.
            labels: of the part.
            classes: how many classes there are.
            form: what the values of examples are.
        """
        import numpy as np

        values = np.asarray(labels)
        if self.targets.kind == "real":
            return Asked(values, np.ones(values.shape, bool), 0)
        counted = (values >= 0) & (values != self.targets.ignored)
        return Asked(values, counted, classes, self.targets.kind == "multi_hot")
