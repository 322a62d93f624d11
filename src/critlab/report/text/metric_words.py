"""How numbers of a metric are written: in points where it is a fraction of 100, else in its own unit."""

from __future__ import annotations

from dataclasses import dataclass

from critlab.analysis.statistics import RESOLUTION, Summary, scale_of
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.report.text.numbers import hundredths, percent, plain, points
from critlab.report.text.numbers import interval as points_interval


@dataclass(frozen=True)
class MetricWords:
    """The notation of one metric.

    A result is ``3.7 points of accuracy [2.5, 4.8], n = 5``, or ``0.12 mean absolute error [0.08, 0.16], n = 5``.
    """

    metric: Metric = ACCURACY

    @property
    def title(self) -> str:
        """What the metric is called in a sentence."""
        return self.metric.title

    @property
    def of(self) -> str:
        """What follows a number that stands alone, such as ``points of accuracy``; for the head of a column."""
        if self.metric.in_points:
            return f"points of {self.title}"
        return f"{self.metric.unit} of {self.title}" if self.metric.unit else self.title

    @property
    def scores(self) -> str:
        """What final scores are called together: ``accuracies``, or ``scores (mean absolute error)``."""
        return "accuracies" if self.metric == ACCURACY else f"scores ({self.title})"

    def number(self, value: float | None) -> str:
        """A difference without its unit, such as ``3.7``; a dash where it is not known."""
        if self.metric.in_points:
            return hundredths(value)
        return "–" if value is None else plain(value)

    def size(self, value: float) -> str:
        """A difference with its unit, such as ``3.7 points`` or ``0.12 mm``."""
        if self.metric.in_points:
            return points(value)
        return f"{plain(value)} {self.metric.unit}".rstrip()

    def amount(self, value: float) -> str:
        """A difference that is understood alone, such as ``3.7 points`` or ``0.12 mean absolute error``."""
        if self.metric.in_points or self.metric.unit:
            return self.size(value)
        return f"{plain(value)} {self.title}"

    def amount_of(self, value: float) -> str:
        """A difference with what it is one of, such as ``3.7 points of accuracy`` or ``0.12 mean absolute error``."""
        if self.metric.in_points or self.metric.unit:
            return f"{self.size(value)} of {self.title}"
        return self.amount(value)

    def interval(self, low: float | None, high: float | None) -> str:
        """Two differences without unit, such as ``[2.5, 4.8]``; ``[no interval]`` where one seed has none."""
        if low is None or high is None or self.metric.in_points:
            return points_interval(low, high)
        return f"[{plain(low)}, {plain(high)}]"

    def level(self, value: float) -> str:
        """A value of the metric itself, such as ``87.5 %`` or ``0.41 mm``."""
        return percent(value) if self.metric.in_points else self.size(value)

    def possible(self, low: float | None, high: float | None) -> str:
        """The interval of a value of the metric, cut where the metric has no values."""
        return self.interval(self.not_below(low), self.not_above(high))

    def not_below(self, limit: float | None) -> float | None:
        """A limit, not below the smallest possible value."""
        least = self.metric.least
        return limit if limit is None or least is None else max(limit, least)

    def not_above(self, limit: float | None) -> float | None:
        """A limit, not above the largest possible value."""
        most = self.metric.most
        return limit if limit is None or most is None else min(limit, most)

    def result(self, summary: Summary, named: bool = False) -> str:
        """A mean difference with interval and n; with ``named`` it says of what."""
        amount = self.amount_of(summary.mean) if named else self.amount(summary.mean)
        return f"{amount} {self.interval(summary.low, summary.high)}, n = {summary.n}"

    def effect(self, mean: float, low: float | None, high: float | None, n: int) -> str:
        """What a damage does, such as ``costs 2.3 points of accuracy [1.1, 3.5], n = 5``.

        A negative damage is a gain: ``raises accuracy by 0.7 points [-0.5, 1.9], n = 5``; of a metric of which lower
        values are better, ``lowers``.
        """
        if self.is_loss(mean):
            return f"costs {self.amount_of(mean)} {self.interval(low, high)}, n = {n}"
        turned = (None, None) if low is None or high is None else (-high, -low)
        verb = "raises" if self.metric.better == "higher" else "lowers"
        return f"{verb} {self.title} by {self.size(-mean)} {self.interval(*turned)}, n = {n}"

    def is_loss(self, damage: float) -> bool:
        """Whether a damage is shown as a loss: not a gain that shows."""
        rounding = RESOLUTION * scale_of(100 * self.metric.smallest_damage)
        shown_as_0 = self.number(damage) == "0.0" if self.metric.in_points else abs(damage) < rounding
        return damage >= 0 or shown_as_0

    @property
    def worse(self) -> str:
        """How a score is called that is worse: ``lower``, or ``higher`` where lower values are better."""
        return "lower" if self.metric.better == "higher" else "higher"
