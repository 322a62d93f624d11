"""Learning the map from forks' readings to lasting damage, on trainings whose lasting damage was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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

MISSED = 0.025
"""Share of the errors beyond each end of the interval."""

ROUNDS = 4
"""Fits in which the weights settle."""

START = ForecastMap(0.5, 0.0, 0.0, floor=0.005, relative=0.3, low_quantile=-1.96, high_quantile=1.96)
PRIOR = (0.5, 1.0, 0.5, 0.5)
"""Standard deviations around :data:`START` of the four coefficients, so that few trainings cannot give wild ones."""


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

    Error: the quantiles are conformal over trainings: of a new training like these, a share of at least 95 % lies
    inside on average, as far as so many trainings can say.

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
    fitted = _fitted(items)
    errors = _errors_left_out(items)
    readings = [row.reading.until(r) for row in found for r in row.reading.after]
    values = [conditions(one) for one in readings]
    return replace(
        fitted,
        low_quantile=-_quantile(-errors, items),
        high_quantile=_quantile(errors, items),
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
class _Item:
    training: str
    reading: ForkReading
    lasting: Estimate
    weight: float


def _items(rows: Sequence[MeasuredFork]) -> list[_Item]:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row.training] += 1
    return [
        _Item(row.training, row.reading.until(r), row.lasting, 1 / (counts[row.training] * len(row.reading.after)))
        for row in rows
        for r in sorted(row.reading.after)
    ]


def _fitted(items: Sequence[_Item]) -> ForecastMap:
    """Coefficients and scale, in turns."""
    from scipy.optimize import least_squares

    weights = np.array([item.weight for item in items])
    weights = np.sqrt(weights / weights.mean())
    made = START
    for _ in range(ROUNDS):
        scales = np.array([np.hypot(made.scale(made.estimate(item.reading)), item.lasting.stderr) for item in items])
        known = made

        def errors(values: Floats, known: ForecastMap = known, scales: Floats = scales) -> Floats:
            missed = _missed(_with(known, values), items) / scales * weights
            pulled = (values - _values(START)) / np.array(PRIOR)
            return np.concatenate([missed, pulled])

        values = least_squares(errors, _values(made), loss="soft_l1").x
        made = _scaled(_with(made, values), items)
    return made


def _scaled(made: ForecastMap, items: Sequence[_Item]) -> ForecastMap:
    """With ``floor`` and ``relative`` as the errors say that are left beyond those of the readings."""
    from scipy.optimize import nnls

    known = [made.estimate(item.reading) for item in items]
    excess = _missed(made, items) ** 2 - np.array([one.stderr**2 for one in known])
    weights = np.array([item.weight for item in items])
    # squares of large damages would decide alone
    weights = np.sqrt(weights / (START.floor**2 + np.array([one.value for one in known]) ** 2))
    columns = np.stack([np.ones(len(items)), np.array([one.value**2 for one in known])], axis=1)
    floor, relative = np.sqrt(nnls(columns * weights[:, None], np.maximum(excess, 0) * weights)[0])
    least = 1e-4 + float(np.median([item.lasting.stderr for item in items]))
    return replace(made, floor=max(float(floor), least), relative=float(relative))


def _errors_left_out(items: Sequence[_Item]) -> Floats:
    """Each item's error in units of the scale, by a map that was fitted without its training."""
    errors = np.empty(len(items))
    for name in {item.training for item in items}:
        made = _fitted([item for item in items if item.training != name])
        for place, item in enumerate(items):
            if item.training == name:
                value = made.estimate(item.reading)
                errors[place] = (item.lasting.value - value.value) / made.scale(value)
    return errors


def _quantile(errors: Floats, items: Sequence[_Item]) -> float:
    """The upper quantile of the errors with equal weight for each training; an unseen training counts as above all.

    With few trainings the quantile lies beyond the data; the largest error stands for it.
    """
    order = np.argsort(errors)
    weights = np.array([item.weight for item in items])[order]
    trainings = weights.sum()
    share = np.cumsum(weights) / (trainings + 1)
    above = np.flatnonzero(share >= 1 - MISSED)
    return float(errors[order[above[0]]]) if len(above) else float(errors.max())


def _missed(made: ForecastMap, items: Sequence[_Item]) -> Floats:
    return np.array([item.lasting.value - made.estimate(item.reading).value for item in items])


def _values(made: ForecastMap) -> Floats:
    return np.array([made.healing, made.healing_by_time_left, made.trend, made.healing_by_rate])


def _with(made: ForecastMap, values: Floats) -> ForecastMap:
    healing, by_time, trend, by_rate = (float(value) for value in values)
    return replace(made, healing=healing, healing_by_time_left=by_time, trend=trend, healing_by_rate=by_rate)


def _named(row: MeasuredFork) -> list[Any]:
    reading = row.reading
    after = [[r, one.value, one.stderr] for r, one in sorted(reading.after.items())]
    where = [row.training, reading.deficit, reading.onset, reading.total, reading.deprived]
    return [*where, after, row.lasting.value, row.lasting.stderr, *reading.rates]
