"""The forks of a watch between two epochs of the same process: due, affordable, answered, kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from critlab._core.errors import StudyError
from critlab.hooks.sensitivity.answer import DeficitSensitivity, Sensitivity
from critlab.hooks.sensitivity.course import Closing, Course
from critlab.hooks.sensitivity.forecast import ForecastMap
from critlab.hooks.watch.forking.plan import CHECKED, ForkPlan
from critlab.hooks.watch.forking.schedule import GROWTH, Schedule, growth_for, weight_speed
from critlab.hooks.watch.records.record import Record
from critlab.learning_tasks import ACCURACY, Metric

SAFE = 1.5
"""How many epochs of training an epoch of a fork may take, with its reading, before one was timed."""

MOMENT = 2.0
"""Seconds that forks may take in all, whatever the training takes: a training of milliseconds has no seconds to keep,
and its budget is that in epochs."""

OnClosed = Callable[[str, Closing], object]


class Forking:
    """Decides when forks are due and within the budget, runs them, and keeps what they answered.

    The budget is a share of the whole training's cost, in epochs and in seconds of this process; forks are not made
    where either would be exceeded (of a training of seconds, the epochs alone count: :data:`MOMENT`).

    Args:
        plan: fitted, within its budget; None where no forks are run in this process.
        on_closed: called once for each deficit whose period closed, with its name and the closing.
        now: the clock, in seconds.
    """

    def __init__(self, plan: ForkPlan | None, on_closed: OnClosed | None, now: Callable[[], float]) -> None:
        self.plan, self.on_closed, self.now = plan, on_closed, now
        self.course, self.schedule = Course(()), Schedule(growth=_growth(plan))
        #: epochs that forks trained, their seconds, and seconds of the training's own epochs
        self.spent, self.seconds, self.trained = 0, 0.0, 0.0
        self._epochs = 0
        self._mark: float | None = None
        self._said: set[str] = set()

    def due(self, epoch: int, history: Sequence[Record]) -> bool:
        """Whether forks are worth their cost at this epoch, by the schedule alone."""
        return self.schedule.due(epoch, weight_speed(history))

    def arrive(self) -> None:
        """An epoch of the training has ended."""
        now = self.now()
        if self._mark is not None:
            self.trained += now - self._mark
            self._epochs += 1
        self._mark = now

    def leave(self) -> None:
        """The next epoch of the training begins."""
        self._mark = self.now()

    def run(self, state: Any, epoch: int, history: Sequence[Record]) -> Sensitivity | None:
        """Forks a live state, where that is due and affordable.

        Args:
            state: the user's.
            epoch: epochs that it was trained.
            history: the watch's records.

        Raises:
            StudyError: as :func:`critlab.sensitivity`.
        """
        plan = self.plan
        if plan is None or not self.due(epoch, history) or not self._fits(plan, epoch) or not self._affordable(plan):
            return None
        # the check needs to be made once for all forks
        check = plan.options.check and not self.course.looks
        # further repeats of one series take half of what is left, so that later ones have theirs
        most = max(plan.series_epochs + CHECKED * check, self.left(plan) // 2)
        options = replace(plan.options, most_epochs=most, check=check)
        began = self.now()
        found = plan.answer(state, epoch, live=True, options=options)
        self.seconds += self.now() - began
        self.spent += found.spent
        self.take(found, weight_speed(history))
        return found

    def take(self, found: Sensitivity, speed: float | None = None) -> None:
        """Keeps an answer, and says which periods have closed by it.

        Raises:
            StudyError: it is in another metric than the earlier ones, so that both have no common course.
        """
        self._refuse_other(Course((found,)).metric, self.course.metric if self.course.looks else None)
        self.course = Course(tuple(sorted((*self.course.looks, found), key=lambda one: one.onset)))
        self.schedule.forked(found.onset, speed)
        for name, closing in self.course.closings.items():
            if closing.answer == "closed" and name not in self._said:
                self._said.add(name)
                if self.on_closed is not None:
                    self.on_closed(name, closing)

    def left(self, plan: ForkPlan) -> int:
        """Epochs that forks may still train."""
        assert plan.total is not None, "it was fitted"
        return int(plan.fork_budget * plan.total) - self.spent

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes: numbers and texts."""
        return {
            "spent": self.spent,
            "seconds": self.seconds,
            "trained": self.trained,
            "epochs": self._epochs,
            "schedule": self.schedule.state(),
            "said": sorted(self._said),
            "looks": [packed_look(one) for one in self.course.looks],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self.spent, self._epochs = int(state["spent"]), int(state["epochs"])
        self.seconds, self.trained = float(state["seconds"]), float(state["trained"])
        self.schedule.load(state["schedule"])
        self._said = set(state["said"])
        known = self.plan.options.known_map if self.plan is not None else None
        course = Course(tuple(unpacked_look(one, known) for one in state["looks"]))
        if self.plan is not None and course.looks:
            self._refuse_other(self.plan.options.judged, course.metric)
        self.course = course

    @staticmethod
    def _refuse_other(metric: Metric, earlier: Metric | None) -> None:
        if earlier is not None and metric != earlier:
            raise StudyError(
                f"forks: metric: received {metric.title}, but the earlier answers of this training are in "
                f"{earlier.title}; give the same metric, or begin with another watch or folder"
            )

    def _fits(self, plan: ForkPlan, epoch: int) -> bool:
        """Whether forks of this state end before the training does."""
        assert plan.total is not None, "it was fitted"
        return epoch + sum(plan.lengths) <= plan.total

    def _affordable(self, plan: ForkPlan) -> bool:
        assert plan.total is not None, "it was fitted"
        cost = plan.series_epochs + (0 if self.course.looks else CHECKED)
        if cost > self.left(plan):
            return False
        if not self._epochs:
            return True
        own = self.trained / self._epochs
        fork = self.seconds / self.spent if self.spent else SAFE * own
        return self.seconds + cost * fork <= max(MOMENT, plan.fork_budget * plan.total * own)


def _growth(plan: ForkPlan | None) -> float:
    if plan is None:
        return GROWTH
    assert plan.total is not None, "it was fitted"
    return growth_for(int(plan.fork_budget * plan.total - CHECKED) // plan.series_epochs, plan.total)


def packed_look(look: Sensitivity) -> dict[str, Any]:
    """An answer as plain values."""
    deficits = [
        {
            "deficit": one.deficit,
            "total": one.total,
            "deprived": one.deprived,
            "differences": [list(each) for each in one.differences],
            "smallest": one.smallest,
            "spent": one.spent,
            "varies": one.varies,
            "ordered": one.ordered,
            "rates": list(one.rates),
            **({} if one.metric == ACCURACY else {"metric": asdict(one.metric)}),
        }
        for one in look.values()
    ]
    return {"onset": look.onset, "spent": look.spent, "deficits": deficits}


def unpacked_look(packed: Mapping[str, Any], known: ForecastMap | None) -> Sensitivity:
    """The answer of :func:`packed_look`, with forecasts by a map."""
    deficits = {}
    for one in packed["deficits"]:
        metric = Metric(**one["metric"]) if "metric" in one else ACCURACY
        values = {
            **one,
            "metric": metric,
            "differences": tuple(tuple(each) for each in one["differences"]),
            "rates": tuple(one["rates"]),
        }
        deficits[one["deficit"]] = DeficitSensitivity(onset=packed["onset"], known=known, **values)
    return Sensitivity(deficits, packed["onset"], packed["spent"])
