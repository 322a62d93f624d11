"""What the sweeps have in common that ask when to switch: all runs end together, and both ends are there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab._core.problems import Location, Problems
from critlab.study.sweeps.sweep import Sweep, crossing
from critlab.study.types import Place, Removal, increasing

if TYPE_CHECKING:
    from critlab.study.specs import StatisticsSpec
    from critlab.study.sweeps.sweep import Floats


class TimingSweep(Sweep):
    """Runs of ``total`` epochs that switch at each of ``at``, between a run that is never on and one that is always on.

    Both ends are points of every such sweep, whether ``at`` names them or not. ``"never"`` may come last in ``at``.
    """

    asks_when: ClassVar[bool] = True
    points_key: ClassVar[str] = "at"
    #: what happens at each point
    direction: ClassVar[Literal["on", "off"]]
    at: Annotated[tuple[Removal, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        """All runs end together."""
        if self.recovery is not None:
            text = f"received {self.recovery}; all runs of this sweep end together, so omit it and give total"
            raise Problems([(("recovery",), text)])
        if self.total is None:
            raise Problems([(("total",), "required, but missing; give the epochs of every run")])
        return self

    @model_validator(mode="after")
    def _within_training(self) -> Self:
        increasing(self.at, "at")
        last = max((at for at in self.at if at != "never"), default=0)
        if last >= self.end:
            text = f'received {last}; must be below {self.end}, the epochs of the training (sweep.total), or "never"'
            raise Problems([(("at",), text)])
        return self

    @property
    def end(self) -> int:
        """Epochs of every run."""
        return int(self.total or 0)

    @property
    def points(self) -> tuple[Place, ...]:
        """The epochs of the switch from 0 on, and ``"never"``."""
        numbers = {0, *(at for at in self.at if at != "never")}
        return (*sorted(numbers), "never")

    def flip_time(self, at: Place) -> int:
        """The epoch of the switch, from 0; the length of training where it never comes."""
        return self.end if at == "never" else at

    def including(self, epoch: int) -> Self:
        """The same sweep with a further point; of a table of points, it is one of the first."""
        numbers = {int(at) for at in self.own_points(self.points)} | {epoch}
        plan = self.adaptive
        made = self.model_copy(update={"at": tuple(sorted(numbers))})
        if plan is not None:
            first = tuple(sorted({*plan.first, epoch}))
            made._adaptive = plan.model_copy(update={"first": first, "most": max(plan.most, len(first))})
        return made

    def own_points(self, points: tuple[Place, ...]) -> tuple[Place, ...]:
        """Without ``"never"``, and without 0 where the table of points does not begin with it."""
        first = self.adaptive.first if self.adaptive is not None else ()
        return tuple(at for at in points if at != "never" and (at != 0 or 0 in first))

    def tested(self, at: Place) -> bool:
        """No verdict is about lasting damage here."""
        return False

    @property
    def control_points(self) -> tuple[Place, ...]:
        """No delay control and no default clock: no recovery follows that they could be compared with."""
        return ()

    def run_epochs(self, at: Place) -> int:
        """Epochs of every run."""
        return self.end

    @property
    def shortest(self) -> int:
        """Epochs of every run."""
        return self.end

    def schedule_room(self, at: Place) -> int:
        """The whole run: a switch may come in the decay, which is part of the question."""
        return self.end

    def misfits(self, statistics: StatisticsSpec) -> Iterator[tuple[Location, str]]:
        """A switch among the epochs in which the final score is measured; a present time that is no point."""
        final = statistics.final_epochs
        last = max(at for at in self.points if at != "never")
        if last > self.end - final:
            text = (
                f"received {last}; must be at most {self.end - final}, because the final score is measured in the "
                f"last {final} of {self.end} epochs (statistics.final_epochs)"
            )
            yield ("sweep", "at"), text
        times = [self.flip_time(at) for at in self.points]
        if statistics.present is not None and statistics.present not in times:
            allowed = ", ".join(map(str, times))
            text = f"received {statistics.present}; must be one of the sweep's times: {allowed} ({self.end} is never)"
            yield ("statistics", "present"), text

    def half_maximum(self, at: Floats, means: Floats) -> Floats:
        """The earliest epoch at which the mean damage reaches half of its largest value."""
        found: Floats = crossing(at, means, "up")
        return found

    def open_reason(self, at: Floats, means: Floats, closing: float) -> str:
        """Where the curve does not cross half of its largest value."""
        return "" if math.isfinite(closing) else "the effect stays above half of its largest value"
