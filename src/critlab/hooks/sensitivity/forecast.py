"""From a fork's reading to the damage that will remain at the end of the training, with an interval."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.estimate import Estimate

FORMAT = 1
"""Of the file that holds a map."""

SHIPPED = Path(__file__).with_name("forecast_map.json")
"""The map that critlab ships; it may be missing, and then nothing is forecast."""


@dataclass(frozen=True)
class ForkReading:
    """What forks at one onset showed: the damage after each number of clean epochs.

    Args:
        deficit: its name.
        onset: epochs that the training had before the window.
        total: epochs of the whole training.
        deprived: epochs of the window.
        after: from clean epochs after the window to the damage then: the mean over repeats of the score of the clean
            twin minus that of the fork, with its standard error; in the unit of the score, a fraction for accuracy.
        rates: the learning rates that are planned for the epochs after the window, in any unit; empty where they are
            not known, and then taken as even.
    """

    deficit: str
    onset: int
    total: int
    deprived: int
    after: Mapping[int, Estimate]
    rates: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.after or min(self.after) < 1:
            raise StudyError(
                f"fork reading: after: received {sorted(self.after)}; must be at least one number of clean epochs, "
                "each at least 1"
            )
        if self.onset < 0 or self.deprived < 1 or self.recovery < max(self.after):
            raise StudyError(
                f"fork reading: total: received {self.total} epochs for a window of {self.deprived} at onset "
                f"{self.onset} and {max(self.after)} clean epochs; must be at least their sum"
            )
        if self.rates and (len(self.rates) != self.recovery or min(self.rates) < 0 or not self._read_rate > 0):
            raise StudyError(
                f"fork reading: rates: received {len(self.rates)} rates; must be one for each of the {self.recovery} "
                "epochs after the window, none below 0, and not all 0 in the fork's clean epochs"
            )

    @property
    def recovery(self) -> int:
        """Epochs of the training that are left after the window."""
        return self.total - self.onset - self.deprived

    @property
    def clean(self) -> int:
        """The largest number of clean epochs after which damage was read."""
        return max(self.after)

    @property
    def _read_rate(self) -> float:
        """The sum of the rates of the fork's clean epochs."""
        return sum(self.rates[: self.clean])

    @property
    def rate_left(self) -> float:
        """The rates of all epochs after the window, summed, over those of the fork's clean epochs; at least 1."""
        return sum(self.rates) / self._read_rate if self.rates else self.recovery / self.clean

    def until(self, clean: int) -> ForkReading:
        """The same reading as it was known after ``clean`` clean epochs."""
        kept = {r: one for r, one in self.after.items() if r <= clean}
        return ForkReading(self.deficit, self.onset, self.total, self.deprived, kept, self.rates)


@dataclass(frozen=True)
class Untested:
    """A condition of a fork that the map's data do not cover.

    Args:
        condition: a key of :attr:`ForecastMap.tested`.
        received: its value in the fork.
        allowed: the deficits, or the smallest and the largest value, that the data hold.
    """

    condition: str
    received: str | float
    allowed: tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True)
class Forecast:
    """The damage at the end of the training that a window at the fork's onset would leave.

    Args:
        estimate: in the unit of the score; a fraction for accuracy.
        low: the lower end of the 95 % prediction interval.
        high: its upper end.
        untested: where the map's data do not cover this fork; there the interval has no guarantee.
        version: of the map.
    """

    estimate: float
    low: float
    high: float
    untested: tuple[Untested, ...] = ()
    version: str = ""

    @property
    def tested(self) -> bool:
        """Whether the map's data cover this fork."""
        return not self.untested

    @property
    def note(self) -> str:
        """Where the map was never tested, in words; empty where it was."""
        from critlab.report.text.timing.sensitivity import untested_text

        return untested_text([(one.condition, one.received, one.allowed) for one in self.untested])


@dataclass(frozen=True)
class ForecastMap:
    """What turns a reading into a forecast; :func:`~critlab.hooks.sensitivity.fitting.fit_map` learns it.

    With d(r) the damage after r clean epochs, r the largest, f the smallest, T the epochs left after the window, and S
    the learning rates planned for these over those of the r epochs::

        estimate = (d(r) + trend (d(f) - d(r))) (T / r)^-(healing + healing_by_time_left T / total) S^-healing_by_rate

    Where no rates are known, S is T / r.

    So an undamaged fork has a forecast of 0, and a fork that was followed to the end has its own reading, up to the
    trend. The interval is ``estimate + quantile * scale`` with ``scale^2 = floor^2 + (relative * estimate)^2 +
    (unhealed * d(r) / r)^2 + the reading's own squared error``: how a large damage will heal is known less well than
    that a small one stays small.

    Args:
        healing: the exponent with which damage heals; 0 is not at all.
        healing_by_time_left: what is added to it per share of the training that is left.
        trend: how much of the damage's fall within the fork is added.
        floor: the forecast's error where there is no damage, in the unit of the score.
        relative: its error per damage.
        low_quantile: of the scaled errors on trainings left out; 2.5 %.
        high_quantile: 97.5 %.
        tested: ranges ``(smallest, largest)`` of what the data hold: ``onset_share`` (onset / total), ``total``,
            ``deprived``, ``clean`` and ``damage`` (d(r)).
        deficits: names of those in the data.
        trainings: how many trainings it was learned on.
        rows: how many windows with a measured lasting damage.
        version: names the data it was learned on.
        healing_by_rate: the exponent with which damage heals by the learning rate that is spent.
        by_clean: the two quantiles for forks of so many clean epochs, which know more the longer they are; for others
            those of all.
        unhealed: the forecast's error per damage that the fork shows after one clean epoch.
    """

    healing: float
    healing_by_time_left: float
    trend: float
    floor: float
    relative: float
    low_quantile: float
    high_quantile: float
    tested: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    deficits: tuple[str, ...] = ()
    trainings: int = 0
    rows: int = 0
    version: str = ""
    healing_by_rate: float = 0.0
    unhealed: float = 0.0
    by_clean: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    def quantiles(self, clean: int) -> tuple[float, float]:
        """The quantiles of the scaled errors of forks of so many clean epochs: 2.5 % and 97.5 %."""
        return self.by_clean.get(clean, (self.low_quantile, self.high_quantile))

    def estimate(self, reading: ForkReading) -> Estimate:
        """The damage at the end, with the error that comes from the reading alone."""
        first, last = reading.after[min(reading.after)], reading.after[reading.clean]
        left = reading.recovery
        exponent = self.healing + self.healing_by_time_left * left / reading.total
        kept = (left / reading.clean) ** -exponent * reading.rate_left**-self.healing_by_rate
        value = last.value + self.trend * (first.value - last.value)
        # both readings are of the same forks, so their errors are added as if they moved together
        error = abs(1 - self.trend) * last.stderr + abs(self.trend) * first.stderr
        return Estimate(kept * value, kept * error)

    def scale(self, made: Estimate, reading: ForkReading) -> float:
        """The error by which the quantiles of the interval are multiplied.

        Args:
            made: the estimate from ``reading``.
            reading: of the forks.
        """
        shown = self.unhealed * reading.after[reading.clean].value / reading.clean
        return math.sqrt(self.floor**2 + (self.relative * made.value) ** 2 + shown**2 + made.stderr**2)

    def document(self) -> dict[str, Any]:
        """The map as JSON values; :meth:`read` takes them."""
        tested = {name: list(ends) for name, ends in self.tested.items()}
        by_clean = {str(clean): list(ends) for clean, ends in self.by_clean.items()}
        return {"format": FORMAT, **asdict(self), "tested": tested, "by_clean": by_clean}

    @classmethod
    def read(cls, given: Any) -> ForecastMap:
        """The map of a document.

        Raises:
            StudyError: it is of another format, or damaged.
        """
        if not isinstance(given, Mapping) or given.get("format") != FORMAT:
            came = given.get("format") if isinstance(given, Mapping) else type(given).__name__
            raise StudyError(f"forecast map: format: received {came!r}; must be {FORMAT}; install critlab again")
        try:
            values = {name: value for name, value in given.items() if name != "format"}
            values["tested"] = {name: (float(ends[0]), float(ends[1])) for name, ends in given["tested"].items()}
            values["by_clean"] = {int(r): (float(ends[0]), float(ends[1])) for r, ends in given["by_clean"].items()}
            values["deficits"] = tuple(given["deficits"])
            return cls(**values)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise StudyError(
                f"forecast map: is damaged ({type(error).__name__}: {error}); install critlab again"
            ) from None


def shipped_map(path: Path = SHIPPED) -> ForecastMap | None:
    """The map that critlab ships; None where there is none.

    Raises:
        StudyError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"forecast map: {path} cannot be read ({error}); install critlab again") from None
    return ForecastMap.read(given)


def forecast(reading: ForkReading, known: ForecastMap) -> Forecast:
    """The damage that will remain at the end of the training, from what forks showed now.

    Args:
        reading: of the forks.
        known: the map.

    Error: the interval is a prediction interval at 95 %, from the errors on trainings that were left out of the fit;
    it covers the choice of a training like those in the data and the reading's own error. ``untested`` says where
    the fork is unlike them.

    Source: ours.
    """
    made = known.estimate(reading)
    scale = known.scale(made, reading)
    below, above = known.quantiles(reading.clean)
    low, high = made.value + below * scale, made.value + above * scale
    return Forecast(made.value, low, high, untested(reading, known), known.version)


def conditions(reading: ForkReading) -> dict[str, float]:
    """The conditions of a fork that a map knows the ranges of."""
    return {
        "onset_share": reading.onset / reading.total,
        "total": float(reading.total),
        "deprived": float(reading.deprived),
        "clean": float(reading.clean),
        "damage": reading.after[reading.clean].value,
    }


def untested(reading: ForkReading, known: ForecastMap) -> tuple[Untested, ...]:
    """Where the map's data do not cover the fork."""
    found = []
    if reading.deficit not in known.deficits:
        found.append(Untested("deficit", reading.deficit, known.deficits))
    for name, value in conditions(reading).items():
        low, high = known.tested.get(name, (math.inf, -math.inf))
        # damage around 0 is chance, and no condition of its own
        outside = value > high if name == "damage" else not low <= value <= high
        if outside:
            found.append(Untested(name, value, (low, high)))
    return tuple(found)
