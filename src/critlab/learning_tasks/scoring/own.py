"""A user's own metric: a function of all outputs and labels, or a class with a tally of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from critlab._core.errors import StudyError
from critlab._core.loading.imports import imported, one_line
from critlab._core.user_code.identity import OwnCode, own_code, stated_version
from critlab.learning_tasks.metric import Better, Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring

Function = TypeVar("Function", bound=Callable[..., float])

FACTS = "critlab_metric"
"""The attribute in which a decorated function keeps its facts."""


def metric(
    *,
    better: Better,
    unit: str = "",
    label: str = "",
    factor: float = 1.0,
    least: float | None = None,
    most: float | None = None,
    smallest_damage: float = 0.01,
) -> Callable[[Function], Function]:
    """Makes a function ``(outputs, labels) -> float`` a metric; a study names it ``"package.module:function"``.

    The function is called once for each test, with all outputs of the network (float32 numpy array ``(examples, ...)``,
    logits where there are classes) and all labels (class numbers, -1 where none counts, or numbers).

    Args:
        better: ``"higher"`` or ``"lower"``.
        unit: of its numbers, such as ``"mm"``.
        label: what it is called in a sentence; empty for the function's name in words.
        factor: 100 where it is a fraction that is shown in points.
        least: the smallest possible value.
        most: the largest possible value.
        smallest_damage: the smallest damage of interest unless a study says otherwise.

    Memory: all outputs of the test data. A subclass of :class:`~critlab.learning_tasks.scoring.Scoring` adds up batch
    by batch instead.

    Raises:
        InvalidValue: a StudyError and a ValueError: ``better`` or a number is out of its range.
    """
    Metric("a_metric", label, better, unit, factor, least, most, smallest_damage)  # says at once what is wrong

    def decorate(function: Function) -> Function:
        facts = Metric(function.__name__, label, better, unit, factor, least, most, smallest_damage)
        setattr(function, FACTS, facts)
        return function

    return decorate


class OwnScoring(Scoring):
    """A metric that a user's function or class computes.

    Args:
        path: ``"package.module:function"`` or ``"package.module:Class"``.
    """

    name: ClassVar[str] = "own"
    path: str

    @classmethod
    def of(cls, path: str) -> OwnScoring:
        """The metric at that path.

        Raises:
            StudyError: it cannot be imported, says no direction, or has the name of one of critlab's metrics.
        """
        made = cls(path=path)
        made.facts.name  # noqa: B018 - refuses what is no metric
        return made

    @cached_property
    def _found(self) -> Any:
        return imported(self.path, "task.metric")

    @cached_property
    def _computed(self) -> Scoring | None:
        """The user's own class; None for a function."""
        found = self._found
        if not (isinstance(found, type) and issubclass(found, Scoring)):
            return None
        if not isinstance(getattr(found, "metric", None), Metric):
            raise StudyError(f"task.metric: {self.path!r} has no metric; set metric = Metric(...) in the class")
        try:
            return found()
        except Exception as error:
            raise StudyError(f"task.metric: {self.path!r} cannot be made: {one_line(error)}") from error

    @property
    def facts(self) -> Metric:
        """What its class or its decorator says."""
        from critlab.learning_tasks.scoring import SCORINGS

        facts = self._computed.facts if self._computed is not None else getattr(self._found, FACTS, None)
        if not isinstance(facts, Metric):
            raise StudyError(
                f"task.metric: {self.path!r} says no unit and direction; decorate the function with "
                '@critlab.metric(better="higher"), or "lower"'
            )
        if facts.name in SCORINGS.rows:
            raise StudyError(
                f"task.metric: {self.path!r} has the name of critlab's own metric {facts.name!r}; give it another name"
            )
        return facts

    @property
    def recorded_as(self) -> Any:
        """Path and code, or the version that the user states."""
        code = self.code()
        named = {"version": stated_version(self._found)} if code is None else {"source": code.digest}
        return {"name": self.path, **named}

    def code(self) -> OwnCode | None:
        """What names its code; None where a version of the user's does."""
        return None if stated_version(self._found) is not None else own_code(self._found, self.path)

    def tally(self) -> MetricTally:
        """The user's tally, or one that keeps all outputs and labels."""
        if self._computed is not None:
            tally = self._computed.tally()
            if not isinstance(tally, MetricTally):
                raise StudyError(
                    f"task.metric: tally() of {self.path!r} returned {type(tally).__name__}; must return a MetricTally"
                )
            return tally
        from critlab.learning_tasks.tallies.whole import Whole

        if not callable(self._found) or not _takes_two(self._found):
            raise StudyError(f"task.metric: {self.path!r} must be a function (outputs, labels) -> float")
        return Whole(self._found, self.path, self.facts)

    def of_constant(self, asked: Asked) -> float | None:
        """As the user's class says; a function does not say it."""
        return None if self._computed is None else self._computed.of_constant(asked)

    def refusal(self, asked: Asked) -> str:
        """As the user's class says."""
        return "" if self._computed is None else self._computed.refusal(asked)


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with outputs and labels, as far as its signature is known."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True
