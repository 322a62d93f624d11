"""What forks answer: open, closed or undecided for one deficit, with the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from critlab._core.estimate import Estimate
from critlab.analysis.statistics.anytime import AnytimeMean, anytime_mean
from critlab.hooks.sensitivity.forecast import Forecast, ForecastMap, ForkReading, forecast
from critlab.learning_tasks import ACCURACY, Metric

if TYPE_CHECKING:
    from critlab.report.text.timing.sensitivity import Told

Answer = Literal["open", "closed", "undecided"]
Reason = Literal["", "few repeats", "identical repeats", "between", "healing"]
"""Why an answer is undecided: too few repeats for an interval; repeats that do not differ; an interval that holds the
smallest damage; or a damage now whose remainder is not known closely enough."""

FLOOR = 0.1
"""Share of the smallest damage that is added to the deviation between repeats."""


def decide(damage: AnytimeMean, made: Forecast | None, smallest: float) -> Answer:
    """Whether a window would leave damage, to within the smallest damage of interest.

    ``open`` needs both intervals above the smallest damage: that of the damage now, so that no deficit without an
    effect is called open in more than 2.5 %, and that of the forecast. ``closed`` needs the forecast's interval
    below, on conditions that the map was tested on; or that of the damage now below, and a forecast that does not
    contradict. Without a forecast, the damage now decides alone.

    Args:
        damage: now, after the last clean epoch.
        made: the forecast; None without a map.
        smallest: the smallest damage of interest.
    """
    if damage.low > smallest and (made is None or made.low > smallest):
        return "open"
    if made is not None and made.tested and damage.n > 1 and made.high < smallest:
        return "closed"
    if damage.high < smallest and (made is None or made.estimate < smallest):
        return "closed"
    return "undecided"


@dataclass(frozen=True)
class DeficitSensitivity:
    """Whether a training is still sensitive to one deficit, from forks of one of its states.

    Args:
        deficit: its name.
        onset: epochs trained before the forks.
        total: epochs of the training.
        deprived: epochs with the deficit.
        differences: of each repeat, the score of the clean twin minus that of the fork after 1, 2, 3 ... clean epochs;
            in the unit of ``evaluate``.
        smallest: the smallest damage of interest.
        known: the map of forecasts; None gives none.
        spent: epochs that were trained for this deficit alone; the clean twins are counted once for all deficits.
        varies: whether the repeats of the clean twin differ; if not, they have no interval.
        ordered: whether they have other orders of the data; else they differ by a rounding of the inputs alone, and
            the interval does not cover other orders.
        rates: the learning rates that are planned for the epochs after the window; empty where they are not known.
        metric: what the scores are.
    """

    deficit: str
    onset: int
    total: int
    deprived: int
    differences: tuple[tuple[float, ...], ...]
    smallest: float
    known: ForecastMap | None
    spent: int
    varies: bool = True
    ordered: bool = True
    rates: tuple[float, ...] = ()
    metric: Metric = ACCURACY

    def after(self, clean: int) -> AnytimeMean:
        """The damage after so many clean epochs, with its interval."""
        return anytime_mean([one[clean - 1] for one in self.differences], FLOOR * self.smallest)

    @property
    def clean(self) -> int:
        """Clean epochs after the deficit."""
        return len(self.differences[0])

    @property
    def damage(self) -> AnytimeMean:
        """The damage after the last clean epoch, with its interval."""
        return self.after(self.clean)

    @property
    def damage_now(self) -> float:
        """The mean damage after the last clean epoch, in the unit of ``evaluate``."""
        return self.damage.mean

    @property
    def healing(self) -> float | None:
        """The share of the damage that heals in one clean epoch, below 0 where damage grows.

        None with a single clean epoch, or where the damage after the first one does not show.
        """
        first, last = self.after(1), self.damage
        if self.clean < 2 or first.low <= 0 or last.mean <= 0:
            return None if self.clean < 2 or first.low <= 0 else 1.0
        return float(1 - (last.mean / first.mean) ** (1 / (self.clean - 1)))

    @property
    def reading(self) -> ForkReading:
        """What the map of forecasts takes."""
        after = {r: self._estimate(r) for r in range(1, self.clean + 1)}
        # a fork whose clean epochs have no rate cannot say how far the rates that follow will heal
        rates = self.rates if sum(self.rates[: self.clean]) > 0 else ()
        return ForkReading(self.deficit, self.onset, self.total, self.deprived, after, rates)

    @property
    def forecasted(self) -> Forecast | None:
        """The forecast of the damage at the end of the training; None without a map, or after one repeat."""
        if self.known is None or len(self.differences) < 2:
            return None
        return forecast(self.reading, self.known)

    @property
    def forecast(self) -> float | None:
        """The damage forecast for the end of the training, in the unit of ``evaluate``."""
        made = self.forecasted
        return None if made is None else made.estimate

    @property
    def low(self) -> float | None:
        """The lower end of the forecast's 95 % interval."""
        made = self.forecasted
        return None if made is None else made.low

    @property
    def high(self) -> float | None:
        """The upper end of the forecast's 95 % interval."""
        made = self.forecasted
        return None if made is None else made.high

    @property
    def answer(self) -> Answer:
        """``open``: a window from here leaves damage above the smallest; ``closed``: below; or ``undecided``.

        To within the smallest damage of interest; without a forecast, of the damage after the last clean epoch.
        """
        return decide(self.damage, self.forecasted, self.smallest) if self.varies else "undecided"

    @property
    def reason(self) -> Reason:
        """Why the answer is undecided; empty where it is not."""
        if self.answer != "undecided":
            return ""
        if not self.varies:
            return "identical repeats"
        damage = self.damage
        if not np.isfinite(damage.low):
            return "few repeats"
        return "between" if damage.low <= self.smallest <= damage.high else "healing"

    @property
    def settled(self) -> bool:
        """Whether the interval of the damage now lies above or below the smallest damage, so that forks may stop."""
        damage = self.damage
        return damage.low > self.smallest or damage.high < self.smallest

    @property
    def sentence(self) -> str:
        """The answer in words, with numbers."""
        from critlab.report.text.timing.sensitivity import sensitivity_text

        return sensitivity_text(self.told)

    @property
    def told(self) -> Told:
        """What sentences and the page say of it."""
        from critlab.report.text.timing.sensitivity import Told

        made = self.forecasted
        numbers = None if made is None else (made.estimate, made.low, made.high)
        note = "" if made is None else made.note
        return Told(
            self.deficit,
            self.onset,
            self.deprived,
            self.clean,
            self.smallest,
            self.answer,
            self.reason,
            self.damage,
            self.healing,
            numbers,
            note,
            self.ordered or not self.varies,
            self.metric,
        )

    def _estimate(self, clean: int) -> Estimate:
        found = self.after(clean).estimate
        # the floor, as in the interval
        return Estimate(found.value, max(found.stderr, FLOOR * self.smallest / len(self.differences) ** 0.5))


@dataclass(frozen=True)
class Sensitivity(Mapping[str, DeficitSensitivity]):
    """What forks of one state answer, by the name of the deficit.

    Args:
        deficits: each deficit's answer.
        onset: epochs trained before the forks.
        spent: epochs that were trained for all of it: twins, forks, and the check of the functions.
    """

    deficits: Mapping[str, DeficitSensitivity]
    onset: int
    spent: int

    def __getitem__(self, name: str) -> DeficitSensitivity:
        return self.deficits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.deficits)

    def __len__(self) -> int:
        return len(self.deficits)

    @property
    def sentence(self) -> str:
        """The answers in words, a sentence or two for each deficit."""
        return " ".join(one.sentence for one in self.deficits.values())
