"""The curves of a sweep, each with its name, its colour and its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from critlab.analysis.curve import CURVE_ROLES, Curve, equal_total_curve
from critlab.analysis.tables.results import Results
from critlab.learning_tasks.metric import Metric
from critlab.report.chart import Cell
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import arm_label, arms_in_words, damage_limits

LOOKS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "deficit": (("$deficit",), (1, 0)),
    "negative_control": (("$negative", "$late6", "$late20", "$deep6"), (6, 3)),
    "clock_control": (("$clock", "$late2", "$deep6"), (2, 3)),
    "intervention_control": (("$late20", "$negative", "$late6"), (8, 3, 2, 3)),
}
"""Colours, used in turn, and line style of a curve, by the role of its runs."""


def columns(metric: Metric) -> tuple[str, ...]:
    """The columns of the table of a curve."""
    name = metric.name
    return ("arm", "at", "n", name, f"{name}_low", f"{name}_high", "control", "damage", "low", "high")


@dataclass(frozen=True)
class Arm:
    """A curve as it is drawn; ``column`` stands for it in the table where that is not the arm's own name."""

    name: str
    colour: str
    dash: tuple[int, ...]
    curve: Curve
    column: str = ""

    def numbers(self) -> Iterator[tuple[Cell, ...]]:
        """Its rows in the table of a chart."""
        metric = self.curve.metric
        words, low, high = MetricWords(metric), f"{metric.name}_low", f"{metric.name}_high"
        limits = {point.at: damage_limits(point) for point in self.curve}
        for row in self.curve.rows():
            named = {**row, "arm": self.column or row["arm"]}
            named["low"], named["high"] = limits.get(row["at"], (None, None))
            named |= {low: words.not_below(row.get(low)), high: words.not_above(row.get(high))}
            yield tuple(named.get(column) for column in columns(metric))

    def seeds(self, value: Literal["score", "damage"]) -> Iterator[dict[int, float]]:
        """The value of each seed, for each row of :meth:`numbers`."""
        known = {point.at: {one.seed: float(getattr(one, value)) for one in point.seeds} for point in self.curve}
        yield from (known.get(row["at"], {}) for row in self.curve.rows())


def equal_total_arms(results: Results, main: Arm) -> Iterator[Arm]:
    """The deficit's curve against clean runs of equal length, where these were trained."""
    curve = equal_total_curve(results)
    if curve is not None and curve.tested:
        name = f"{main.name}, against clean runs of equal length"
        yield Arm(name, "$ink", (10, 4), curve, name)


def sweep_arms(results: Results) -> list[Arm]:
    """The deficit's curve first, then negative controls, other clocks and interventions."""
    study = results.study
    names = dict.fromkeys((run.arm, run.role) for run in study.runs if run.role in CURVE_ROLES)
    words = arms_in_words(study)
    found: list[Arm] = []
    for arm, role in sorted(names, key=lambda name: CURVE_ROLES.index(name[1])):
        curve = results.curve(arm)
        colours, dashes = LOOKS[role]
        taken = sum(other.dash == dashes for other in found)
        found.append(Arm(arm_label(study, curve, role, words), colours[taken % len(colours)], dashes, curve))
    return found
