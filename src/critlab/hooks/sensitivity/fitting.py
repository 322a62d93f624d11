"""Learning the map from forks' readings to lasting damage, on trainings whose lasting damage was measured."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.digest import digest
from critlab._core.errors import StudyError
from critlab._core.estimate import Estimate
from critlab.hooks.sensitivity.forecast import ForecastMap, ForkReading, conditions

Floats = NDArray[np.float64]

FEWEST_TRAININGS = 4
"""Below that, errors on trainings left out say nothing of other trainings."""

MISSED = 0.01
"""Share of the known errors beyond each end of the interval: less than the 2.5 % that may lie beyond it, as new
trainings differ more than those that were fitted together."""

ROUNDS = 4
"""Fits in which the weights settle."""

START = ForecastMap(0.5, 0.0, 0.0, floor=0.005, relative=0.3, low_quantile=-1.96, high_quantile=1.96)
COEFFICIENTS = {
    "healing": (0.5, 0.5),
    "healing_by_time_left": (0.0, 1.0),
    "trend": (0.0, 0.5),
    "healing_by_rate": (0.0, 0.5),
}
"""What is fitted: where it starts, and the standard deviation of a prior around that, so that few trainings cannot give
wild ones."""


@dataclass(frozen=True)
class MeasuredFork:
    """A row of the fit: what forks showed, and the lasting damage that was measured.

    Args:
        training: the name of the clean training; rows of one training are left out together.
        reading: of the forks.
        lasting: the damage at the end of the training of a window of the same length at the same onset, with its
            standard error.
    """

    training: str
    reading: ForkReading
    lasting: Estimate


def fit_map(rows: Iterable[MeasuredFork]) -> ForecastMap:
    """The map that predicts the measured lasting damage from the forks' readings.

    Each row counts after 1, 2, 3 ... of its clean epochs, so that the map fits forks of any length in the data; every
    training has the same weight. The interval's quantiles are those of the errors on trainings left out of the fit.

    Args:
        rows: of at least :data:`FEWEST_TRAININGS` trainings.

    Raises:
        StudyError: there are too few trainings.

    Error: of trainings like these, 95 % of the damages are meant to lie inside on average. A single training may have
    fewer: its damages go wrong together. ``critlab bench closing`` counts the coverage on trainings that no fit has
    seen.

    Source: ours.
    """
    found = sorted(rows, key=lambda row: (row.training, row.reading.deficit, row.reading.onset))
    names = sorted({row.training for row in found})
    if len(names) < FEWEST_TRAININGS:
        raise StudyError(
            f"fit_map: rows: received {len(names)} trainings; must be at least {FEWEST_TRAININGS}, as each is left out "
            "once"
        )
    items = _items(found)
    fitted, errors = _fitted(items), _errors_left_out(items)
    readings = [row.reading.until(r) for row in found for r in row.reading.after]
    values = [conditions(one) for one in readings]
    return replace(
        fitted,
        low_quantile=-_quantile(-errors, items),
        high_quantile=_quantile(errors, items),
        by_clean={
            r: (-_quantile(-errors[at], items.of(at)), _quantile(errors[at], items.of(at)))
            for r in sorted(set(map(int, items.clean)))
            if len(set(items.training[at := items.clean == r].tolist())) >= FEWEST_TRAININGS
        },
        tested={
            name: (float(min(one[name] for one in values)), float(max(one[name] for one in values)))
            for name in values[0]
        },
        deficits=tuple(sorted({row.reading.deficit for row in found})),
        trainings=len(names),
        rows=len(found),
        version=digest("forecast map", [_named(row) for row in found])[:12],
    )


def left_out(rows: Sequence[MeasuredFork]) -> list[tuple[MeasuredFork, ForecastMap]]:
    """Each row with a map that was fitted without its training, to judge forecasts by.

    Raises:
        StudyError: there are too few trainings.
    """
    maps = {name: fit_map(one for one in rows if one.training != name) for name in {row.training for row in rows}}
    return [(row, maps[row.training]) for row in rows]


@dataclass(frozen=True)
class _Items:
    """Each row after each number of its clean epochs, as columns: a fit computes them hundreds of times."""

    training: NDArray[np.str_]
    first: Floats
    last: Floats
    first_error: Floats
    last_error: Floats
    clean: Floats
    time: Floats
    share: Floats
    rate: Floats
    lasting: Floats
    lasting_error: Floats
    weight: Floats

    def of(self, chosen: NDArray[np.bool_]) -> _Items:
        return _Items(*(getattr(self, one.name)[chosen] for one in fields(self)))

    def estimates(self, made: ForecastMap) -> tuple[Floats, Floats]:
        """Values and errors, as :meth:`ForecastMap.estimate` gives them one by one."""
        exponent = made.healing + made.healing_by_time_left * self.share
        kept = np.exp(-exponent * self.time - made.healing_by_rate * self.rate)
        error = abs(1 - made.trend) * self.last_error + abs(made.trend) * self.first_error
        return kept * (self.last + made.trend * (self.first - self.last)), kept * error


def _items(rows: Sequence[MeasuredFork]) -> _Items:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row.training] += 1
    found = []
    for row in rows:
        for r in sorted(row.reading.after):
            reading = row.reading.until(r)
            first, last = reading.after[min(reading.after)], reading.after[r]
            left = reading.recovery
            found.append(
                (
                    *(first.value, last.value, first.stderr, last.stderr, float(r)),
                    *(math.log(left / r), left / reading.total, math.log(reading.rate_left)),
                    *(row.lasting.value, row.lasting.stderr),
                    1 / (counts[row.training] * len(row.reading.after)),
                )
            )
    names = np.array([row.training for row in rows for _ in row.reading.after])
    return _Items(names, *np.array(found, dtype=np.float64).T)


def _fitted(items: _Items) -> ForecastMap:
    """Coefficients and scale, in turns."""
    from scipy.optimize import least_squares

    starts, spreads = np.array(list(COEFFICIENTS.values())).T
    weights = np.sqrt(items.weight / items.weight.mean())
    made, values = _with(START, starts), starts
    for _ in range(ROUNDS):
        scales = np.hypot(_scales(made, items), items.lasting_error)
        known = made

        def errors(values: Floats, known: ForecastMap = known, scales: Floats = scales) -> Floats:
            missed = _missed(_with(known, values), items) / scales * weights
            return np.concatenate([missed, (values - starts) / spreads])

        values = least_squares(errors, values, x_scale=spreads, loss="soft_l1").x
        made = _scaled(_with(made, values), items)
    return made


def _scaled(made: ForecastMap, items: _Items) -> ForecastMap:
    """With ``floor``, ``relative`` and ``unhealed`` as the errors say that are left beyond those of the readings."""
    from scipy.optimize import nnls

    values, stderrs = items.estimates(made)
    excess = _missed(made, items) ** 2 - stderrs**2
    # a squared error varies as its own square: else those of large damages would decide alone
    weights = np.sqrt(items.weight) / (_scales(made, items) ** 2 + items.lasting_error**2)
    columns = np.stack([np.ones(len(values)), values**2, (items.last / items.clean) ** 2], axis=1)
    floor, relative, unhealed = np.sqrt(nnls(columns * weights[:, None], np.maximum(excess, 0) * weights)[0])
    least = 1e-4 + float(np.median(items.lasting_error))
    return replace(made, floor=max(float(floor), least), relative=float(relative), unhealed=float(unhealed))


def _errors_left_out(items: _Items) -> Floats:
    """Each item's error in units of the scale, by a map that was fitted without its training."""
    errors = np.empty(len(items.training))
    for name in sorted(set(items.training.tolist())):
        out = items.training == name
        made, left = _fitted(items.of(~out)), items.of(out)
        errors[out] = _missed(made, left) / _scales(made, left)
    return errors


def _quantile(errors: Floats, items: _Items) -> float:
    """The upper quantile of the errors with equal weight for each training, wider where these are few.

    Errors of one training go wrong together, so there are only as many independent ones as trainings: the quantile is
    multiplied by the factor of a prediction interval: Student's t over the normal quantile, and a new draw's error.
    """
    from scipy.stats import norm, t

    order = np.argsort(errors)
    share = np.cumsum(items.weight[order]) / items.weight.sum()
    place = min(int(np.searchsorted(share, 1 - MISSED)), len(order) - 1)
    found = float(errors[order[place]])
    few = len(set(items.training.tolist()))
    widened = float(t.ppf(1 - MISSED, few - 1) / norm.ppf(1 - MISSED))
    return found * widened * math.sqrt(1 + 1 / few)


def _missed(made: ForecastMap, items: _Items) -> Floats:
    return items.lasting - items.estimates(made)[0]


def _scales(made: ForecastMap, items: _Items) -> Floats:
    """As :meth:`ForecastMap.scale` gives them one by one."""
    values, stderrs = items.estimates(made)
    shown = made.unhealed * items.last / items.clean
    return np.sqrt(made.floor**2 + (made.relative * values) ** 2 + shown**2 + stderrs**2)


def _with(made: ForecastMap, values: Floats) -> ForecastMap:
    chosen: dict[str, Any] = dict(zip(COEFFICIENTS, map(float, values), strict=True))
    return replace(made, **chosen)


def _named(row: MeasuredFork) -> list[Any]:
    reading = row.reading
    after = [[r, one.value, one.stderr] for r, one in sorted(reading.after.items())]
    where = [row.training, reading.deficit, reading.onset, reading.total, reading.deprived]
    return [*where, after, row.lasting.value, row.lasting.stderr, *reading.rates]
