"""The options of :func:`critlab.sensitivity` beyond the functions, the deficits and the most usual numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab._core.spec import plain_numbers
from critlab._core.user_code.values import instance, is_real, whole
from critlab.hooks.calls import check_call
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.named_options import with_named
from critlab.hooks.own_loop.means import LoopMeans
from critlab.hooks.own_loop.metric import task_of_loop
from critlab.hooks.sensitivity.forecast import ForecastMap, shipped_map
from critlab.learning_tasks import ACCURACY, Metric

USUAL = 0.01
"""The smallest damage of interest where nothing else is given."""


@dataclass(frozen=True)
class SensitivityOptions(LoopMeans):
    """Options of :func:`critlab.sensitivity`; it takes each also by name.

    Args:
        metric: what ``evaluate`` gives, as in :class:`~critlab.hooks.own_loop.options.ProbeOptions`; None is accuracy,
            or any other score of which more is better. The shipped map forecasts accuracy alone.
        smallest_damage: the smallest damage of interest, in the unit of ``evaluate``; of another metric than accuracy,
            0.01 stands for the metric's own.
        repeats: at most so many, each with another order of the data; three are the fewest that can decide.
        most_epochs: no repeat begins that would go beyond so many epochs; None is no limit.
        knowledge: what deficits may know of the data. Each field also by its own name: ``examples``, ``classes``,
            ``normalised``, and ``all_labels`` for ``labels``.
        check: whether to train two epochs first, to see that ``advance`` is deterministic and that forks leave the
            training as it is.
        forecasts: whether the shipped map, or ``own_map``, forecasts the damage at the end of the training.
        own_map: a map of your own.
        rates: the planned learning rate of each epoch of the training, ``(total,)`` in any unit, or a function of the
            epoch; forecasts are better with it. None where it is not known.
        kept: where scores of forks are kept and found again, by a name of the fork; None keeps nothing.
        live: whether the state is a live one, which ``save`` saves, where the loop is given as a class; a checkpoint
            that is no path needs False. With functions, a state is live where ``save`` is given.
    """

    smallest_damage: float = USUAL
    repeats: int = 8
    most_epochs: int | None = None
    knowledge: DataInfo = field(default_factory=DataInfo)
    check: bool = True
    forecasts: bool = True
    own_map: ForecastMap | None = None
    rates: Sequence[float] | Callable[[int], float] | None = None
    kept: MutableMapping[str, Any] | None = None
    live: bool = True
    metric: Metric | str | Callable[..., float] | None = None

    def changed(self, named: dict[str, Any]) -> SensitivityOptions:
        """These options with those in ``named`` in their place.

        Raises:
            TypeError: there is no such option.
            StudyError: a value is out of its range.
        """
        made = with_named(self, named, "sensitivity")
        made.check_means("sensitivity")
        if made.metric is not None and made.smallest_damage == USUAL:
            made = replace(made, smallest_damage=made.judged.smallest_damage)
        if not made.smallest_damage > 0:
            raise StudyError(f"sensitivity: smallest_damage: received {made.smallest_damage}; must be above 0")
        whole(made.repeats, "sensitivity: repeats", 1)
        if made.most_epochs is not None:
            whole(made.most_epochs, "sensitivity: most_epochs", 1)
        if made.own_map is not None:
            instance(made.own_map, "sensitivity: own_map", ForecastMap, "a ForecastMap, or None")
        if callable(made.rates):
            check_call(made.rates, ("epoch",), "sensitivity: rates")
        elif made.rates is not None:
            made = replace(made, rates=_rates(made.rates))
        return made

    def rates_between(self, first: int, total: int) -> tuple[float, ...]:
        """The planned rates of the epochs from ``first`` on; empty where they are not known.

        Raises:
            StudyError: there is not one for each epoch, or one is negative.
        """
        if self.rates is None:
            return ()
        if not callable(self.rates) and len(self.rates) != total:
            raise StudyError(
                f"sensitivity: rates: received {len(self.rates)} rates; must be {total}, one for each epoch"
            )
        read = self.rates if callable(self.rates) else self.rates.__getitem__
        return tuple(_rate(read(epoch)) for epoch in range(first, total))

    @property
    def judged(self) -> Metric:
        """The metric of the scores.

        Raises:
            StudyError: ``metric`` is none.
        """
        return task_of_loop(self.metric, "sensitivity").judged

    @property
    def known_map(self) -> ForecastMap | None:
        """The map that forecasts; None for none."""
        shipped = shipped_map() if self.judged == ACCURACY else None
        return (self.own_map or shipped) if self.forecasts else None


def _rates(given: Any) -> list[float]:
    """The rates of a list, an array or a tensor.

    Raises:
        StudyError: it is none of these, or one is no rate.
    """
    several = None if isinstance(given, str | bytes | Mapping) else plain_numbers(given)
    if not isinstance(several, Iterable):
        raise StudyError(
            f"sensitivity: rates: received {shown(given)}; must be a list with a rate for each epoch, or a function of "
            "the epoch"
        )
    return [_rate(one) for one in several]


def _rate(given: Any) -> float:
    rate = plain_numbers(given)
    if not is_real(rate) or rate < 0:
        raise StudyError(f"sensitivity: rates: received {shown(rate)}; must be finite numbers, at least 0")
    return float(rate)
