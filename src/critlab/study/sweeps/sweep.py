"""What a kind of sweep answers: its points, the run of each point, and how its curve is read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import (
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from critlab._core.problems import Location, Problems
from critlab._core.spec import Spec
from critlab.study.ingredients.window import Window
from critlab.study.runs.sequential import AdaptivePoints, read_table
from critlab.study.types import Epochs, Place, sequence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.study.specs import StatisticsSpec

    Floats = NDArray[np.float64]


class SweepWords(NamedTuple):
    """How a kind of sweep is spoken of.

    Args:
        axis: title of the horizontal axis.
        point: what a point is, such as ``removal epoch``.
        chart: key of the chart of accuracies, fit for a file's name.
        damage_chart: key of the chart of damages.
        damage_title: title of that chart.
        by: how a chart says what its points are, after ``by``.
        note: what the caption of the chart of accuracies adds.
        when: when the deficit is on, in a caption.
        column: name of the table's column of points.
        from_to: what stands before a point in ``blur until epoch 5``.
        closing: what the closing means, with ``{arm}`` for the curve.
        further: what to add where the curve does not contain its closing.
        meaning: what a point is, for the glossary of a page; empty for none.
    """

    axis: str
    point: str
    chart: str
    damage_chart: str
    damage_title: str
    by: str
    note: str
    when: str
    column: str
    from_to: str
    closing: str
    further: str
    meaning: str = ""


class Sweep(Spec):
    """A family of runs that differ in when the window is open.

    A sweep of a user's own is a subclass of this, named ``kind = "package.module:Class"`` or offered by the entry-point
    group ``critlab.sweeps``.

    Args:
        recovery: clean epochs after the window; or give ``total``.
        total: epochs of every run.
        kind: the row's name, or the class's path.
    """

    neutral: ClassVar = {"recovery": None, "total": None}
    words: ClassVar[SweepWords]
    citation: ClassVar[str] = "ours"
    #: the place on the curve at which the clean run itself stands; None where it has none
    origin: ClassVar[Place | None] = None
    #: whether the first contrast of a run is with a clean run under the same clock
    same_clock_first: ClassVar[bool] = False
    #: whether the question is at which epoch to switch; then no verdict is about lasting damage
    asks_when: ClassVar[bool] = False
    #: whether damage at different points may differ because the learning rate does
    rate_differs_by_point: ClassVar[bool] = False
    #: the field of the points, where it may also be a table of points that are added; empty where it may not
    points_key: ClassVar[str] = ""
    recovery: Epochs | None = None
    total: Epochs | None = None
    kind: str
    _adaptive: AdaptivePoints | None = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _table_of_points(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """The points may be a table; then their field holds the points in play."""
        key = cls.points_key
        table = raw.get(key) if key and isinstance(raw, Mapping) else None
        if not isinstance(table, Mapping) or not table:
            return handler(raw)
        plan = read_table(raw, key, AdaptivePoints)
        made = handler({**raw, key: plan.so_far or plan.first})
        made._adaptive = plan.model_copy(update={"so_far": None})
        return made

    @model_serializer(mode="wrap")
    def _plain(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        if self.adaptive is not None and self.points_key in plain:
            budget = {"first": [*self.adaptive.first], "most": self.adaptive.most}
            plain[self.points_key] = {**budget, "so_far": [*self.own_points(self.points)]}
        return plain

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, raw: Any) -> Any:
        return {key: sequence(value) for key, value in raw.items()} if isinstance(raw, Mapping) else raw

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.recovery is None) == (self.total is None):
            given = "neither" if self.recovery is None else "both"
            raise Problems([(("recovery",), f"received {given} of recovery and total; give exactly one")])
        return self

    @property
    @abstractmethod
    def points(self) -> tuple[Place, ...]:
        """The places of the sweep, in order."""

    @property
    def adaptive(self) -> AdaptivePoints | None:
        """How many points may be added; None where the study fixes them. ``points`` holds those in play."""
        return self._adaptive

    def own_points(self, points: tuple[Place, ...]) -> tuple[Place, ...]:
        """``points`` without those that the sweep adds for reference."""
        return points

    def with_points(self, points: tuple[Place, ...]) -> Self:
        """The same sweep with these points in play."""
        return self.model_copy(update={self.points_key: points}) if points != self.points else self

    @abstractmethod
    def window(self, at: Place) -> Window:
        """When the deficit is on in the run at one point."""

    def run_epochs(self, at: Place) -> int:
        """Epochs of the run at one point."""
        return self.total_epochs(self.window(at).stop)

    def schedule_room(self, at: Place) -> int:
        """Epochs of the run at one point into which warm-up and decay must fit."""
        return self.run_epochs(at) - self.window(at).stop

    def misfits(self, statistics: StatisticsSpec) -> Iterator[tuple[Location, str]]:
        """What of ``statistics`` does not fit the sweep: place in the study, and text."""
        for key in ("tolerance", "present"):
            if (given := getattr(statistics, key)) is not None:
                text = f"received {given:g}, but the sweep does not ask when to switch; omit it"
                yield ("statistics", key), text

    @property
    def treated(self) -> tuple[Place, ...]:
        """The points that have a run with the deficit."""
        return tuple(at for at in self.points if at != self.origin)

    def tested(self, at: Place) -> bool:
        """Whether a verdict is about the point: a window that closes before the run ends."""
        return at not in (self.origin, "never")

    @property
    def control_points(self) -> tuple[Place, ...]:
        """Where the delay control and the default clock stand: the last point that a verdict is about."""
        return tuple(at for at in self.treated if self.tested(at))[-1:]

    def baseline_epochs(self, total: int) -> int:
        """Epochs of the plain control of a run of ``total`` epochs."""
        return total

    @property
    @abstractmethod
    def shortest(self) -> int:
        """Epochs of the shortest run."""

    @abstractmethod
    def question(self, deficit: str, model: str, data: str) -> str:
        """What the study asks, in words, without the question mark."""

    @abstractmethod
    def panel_title(self, at: Place) -> str:
        """What the run at one point is called above a chart of its own."""

    @abstractmethod
    def half_maximum(self, at: Floats, means: Floats) -> Floats:
        """Where curves ``means`` ``(..., points)`` over ``at`` ``(points,)`` cross half of their largest value.

        Returns:
            Epochs ``(...)``; infinite where a curve does not cross, NaN where nothing is positive.
        """

    @abstractmethod
    def open_reason(self, at: Floats, means: Floats, closing: float) -> str:
        """Why the sweep may not contain the closing; empty where it does."""

    def total_epochs(self, stop: int) -> int:
        """Epochs of a run whose deficit ends at ``stop``."""
        return stop + self.recovery if self.recovery is not None else int(self.total or 0)

    def check_total(self, stop: int, field: str) -> None:
        """Raises where a run would end before it has recovered for one epoch."""
        if self.total is not None and self.total <= stop:
            raise Problems([(("total",), f"received {self.total}; must be above {stop}, the last end of {field}")])


Crossing = Literal["up", "down_after_peak"]


def crossing(at: Any, means: Any, direction: Crossing) -> Any:
    """Where curves cross half of their largest value, linear between the points; see :meth:`Sweep.half_maximum`."""
    import numpy as np

    half = means.max(axis=-1, keepdims=True) / 2
    if direction == "up":
        crossed = means >= half
    else:
        crossed = (means < half) & (np.arange(at.size) > means.argmax(axis=-1)[..., None])
    after = crossed.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    start, stop = (np.take_along_axis(means, index, -1) for index in (before, after))
    step = np.where(stop == start, 1.0, stop - start)
    epoch = at[before] + (at[after] - at[before]) * (half - start) / step
    epoch = np.where(crossed.any(axis=-1, keepdims=True), epoch, np.inf)
    return np.where(half > 0, epoch, np.nan)[..., 0]
