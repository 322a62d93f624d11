"""What a user's loop is scored by, as the task of its study: the loop computes it, critlab judges and words it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.errors import StudyError
from critlab._core.loading.imports import imported, is_path
from critlab._core.problems import shown
from critlab.deficits.input_form import InputForm
from critlab.learning_tasks import CLASSIFICATION, SCORINGS, LearningTask, Metric
from critlab.learning_tasks.metric import Better
from critlab.learning_tasks.scoring.own import FACTS
from critlab.learning_tasks.scoring.scoring import MetricTally, Scoring

if TYPE_CHECKING:
    from torch import Tensor

FIELDS = {
    "label": "label",
    "better": "better",
    "unit": "in_unit",
    "factor": "factor",
    "least": "least",
    "most": "most",
    "smallest_damage": "smallest_damage",
}
"""What is known of a metric in addition to its name, and the options that say so."""


class LoopScoring(Scoring):
    """A metric that the user's loop computes."""

    name: ClassVar[str] = "loop"
    version: ClassVar[int | str] = "1"
    values: dict[str, Any]

    @property
    def facts(self) -> Metric:
        """What is known of it."""
        return Metric(**self.values)

    def tally(self) -> MetricTally:
        """Raises StudyError: only the loop computes it."""
        raise StudyError(f"{self.values['name']}: only the user's loop computes it")


class LoopTask(LearningTask):
    """A task that only the user's loop knows: what its score is called, in which unit, and which values are better."""

    name: ClassVar[str] = "loop"
    citation: ClassVar[str] = "ours"
    version: ClassVar[int | str] = "1"
    metrics: ClassVar[tuple[str, ...]] = ()
    tested: ClassVar[tuple[str, ...]] = ()
    #: that of the objective which stands in the study of a loop; the loop's own is not known
    likelihood: ClassVar[str] = "categorical"
    score: str
    label: str = ""
    better: Better = "higher"
    in_unit: str = ""
    factor: float = 1.0
    least: float | None = None
    most: float | None = None
    smallest_damage: float = 0.01

    @classmethod
    def of(cls, facts: Metric) -> LoopTask:
        """The task whose score is that metric."""
        return cls(score=facts.name, **{option: getattr(facts, name) for name, option in FIELDS.items()})

    def identity(self) -> dict[str, Any]:
        """The score alone, in the place of a task's metric: neither training nor the score depends on its words."""
        return {"metric": self.score}

    @cached_property
    def judged(self) -> Metric:
        """The score."""
        return self.scoring(self.score).facts

    def scoring(self, name: str) -> Scoring:
        """The loop's own."""
        return LoopScoring(
            values={"name": self.score, **{name: getattr(self, option) for name, option in FIELDS.items()}}
        )

    @property
    def recorded(self) -> tuple[str, ...]:
        """The score."""
        return (self.score,)

    @property
    def followed(self) -> tuple[str, ...]:
        """The score, where the loop gives it in training."""
        return (self.score,)

    def test_identity(self) -> list[Any]:
        """The name of the score."""
        return [self.score]

    @property
    def names_classes(self) -> bool:
        """Nothing is known of its outputs."""
        return False

    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """Raises StudyError: the loop makes its own model."""
        raise StudyError("the user's loop makes its own model")

    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Raises StudyError: the loop has its own loss."""
        raise StudyError("the user's loop has its own loss")

    def predicted(self, outputs: Tensor) -> Tensor:
        """Raises StudyError: the loop makes its own predictions."""
        raise StudyError("the user's loop makes its own predictions")


def task_of_loop(metric: object, of: str) -> LearningTask:
    """The task of a loop that is scored by ``metric``; classification, scored by accuracy, where it is None.

    Raises:
        StudyError: as :func:`metric_of_loop`.
    """
    if metric is None:
        return CLASSIFICATION
    facts = metric_of_loop(metric, of)
    return CLASSIFICATION if facts.name == "accuracy" else LoopTask.of(facts)


def metric_of_loop(metric: object, of: str) -> Metric:
    """What is known of the metric of a user's loop.

    Args:
        metric: a :class:`critlab.learning_tasks.Metric`, the name of one of critlab's metrics, such as
            ``mean_absolute_error``, or a function with facts (``@critlab.metric``), itself or by path.
        of: the function that was called, for messages.

    Raises:
        StudyError: it is none of these.
    """
    found = imported(metric) if isinstance(metric, str) and is_path(metric) else metric
    facts = found if isinstance(found, Metric) else getattr(found, FACTS, None)
    if isinstance(found, str):
        facts = SCORINGS.find(found, f"{of}: metric").metric
    if not isinstance(facts, Metric):
        raise StudyError(
            f"{of}: metric: received {shown(metric)}, which says no unit and direction; must be the name of a metric, "
            'critlab.learning_tasks.Metric("name", unit=..., better="lower"), or a function with @critlab.metric'
        )
    return facts
