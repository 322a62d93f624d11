"""Forks of the bench through the judging code of :func:`critlab.sensitivity`, and the rows of its map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from critlab._core.errors import DataError
from critlab._core.estimate import Estimate
from critlab.bench.answers import Answer
from critlab.bench.judging import REPEATS, groups
from critlab.bench.records import Records, records
from critlab.bench.trainings import SMALLEST, BenchTraining
from critlab.hooks.sensitivity.answer import DeficitSensitivity, decide
from critlab.hooks.sensitivity.fitting import MeasuredFork
from critlab.hooks.sensitivity.forecast import ForecastMap, ForkReading, forecast, shipped_map


def fork_damages(shown: Records, deficit: str, clean: int) -> DeficitSensitivity:
    """What :func:`critlab.sensitivity` makes of the forks of the longest window, without a forecast.

    Args:
        shown: what a rule is shown.
        deficit: one of its deficits.
        clean: clean epochs of the forks, 1 to 3.
    """
    damages = shown.fork(deficit, WINDOW, clean)
    differences = tuple(tuple(map(float, one)) for one in damages)
    spent = len(damages) * (WINDOW + clean)
    return DeficitSensitivity(deficit, shown.epoch, shown.total, WINDOW, differences, SMALLEST, None, spent)


def fork_reading(shown: Records, deficit: str, clean: int) -> ForkReading:
    """The same as a reading with the planned rates, which the map of forecasts takes."""
    planned = tuple(map(float, shown.planned[shown.epoch + WINDOW :]))
    return replace(fork_damages(shown, deficit, clean).reading, rates=planned)


WINDOW = 4
"""Epochs of the windows whose lasting damage was measured."""


def measured_forks(over: Sequence[BenchTraining], repeats: int = REPEATS) -> Iterator[MeasuredFork]:
    """The rows of the map: forks of some seeds, and the lasting damage of the same window on the others.

    Args:
        over: trainings; those that are held out must not be among them.
        repeats: forks of a row.
    """
    for training in over:
        for place, onset in enumerate(training.onsets):
            for group in groups(training.seeds, repeats):
                seen = records(training, onset, group)
                others = [seed for seed in range(training.seeds) if seed not in group]
                for deficit in training.deficits:
                    said = fork_reading(seen, deficit, int(training.facts["clean"]))
                    damage = training.lasting(deficit)[place, others]
                    error = float(damage.std(ddof=1) / len(others) ** 0.5)
                    yield MeasuredFork(training.name, said, Estimate(float(damage.mean()), error))


def forecasts(shown: Records, clean: int, known: ForecastMap | None = None) -> dict[str, Answer]:
    """The forecast of each deficit, and the answer of :func:`critlab.sensitivity`.

    Args:
        shown: what a rule is shown.
        clean: clean epochs of the forks.
        known: the map; None for the one that critlab ships.
    """
    made = known or _shipped()
    found = {}
    for deficit in shown.deficits:
        said = forecast(fork_reading(shown, deficit, clean), made)
        state = decide(fork_damages(shown, deficit, clean).damage, said, SMALLEST)
        found[deficit] = Answer(said.estimate, state, said.low, said.high)
    return found


@lru_cache(maxsize=1)
def _shipped() -> ForecastMap:
    found = shipped_map()
    if found is None:
        raise DataError("bench: the map of forecasts is missing; install critlab again")
    return found
