"""Means over seeds of what was measured, of the runs that charts of training show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from critlab.analysis.curve import order
from critlab.analysis.statistics import Summary, summarise
from critlab.analysis.tables.results import Results
from critlab.analysis.test_images import least_sd_of
from critlab.measures import Quantity
from critlab.report.chart import Cell
from critlab.report.text.names import run_label, spaced
from critlab.study import Run, Study
from critlab.study.ingredients.measurement import quantities

MOST_DRAWN = 24
"""How many deprived runs a chart of training shows: each adds all its epochs to the page."""

Places = dict[str, list["Moment"]]
"""Moments by what the table's column ``layer`` holds; empty for the whole network."""


@dataclass(frozen=True)
class Moment:
    """The mean of a quantity over seeds, of one run after one epoch."""

    run: Run
    quantity: str
    layer: str
    epoch: int
    n: int
    mean: float
    low: float | None
    high: float | None
    seeds: Mapping[int, float] = field(default_factory=dict)

    def cells(self) -> tuple[Cell, ...]:
        """One row of a chart's table: run, quantity, epoch, n, mean, low, high."""
        return (run_label(self.run), spaced(self.quantity), self.epoch, self.n, self.mean, self.low, self.high)


def moments(results: Results) -> Mapping[str, Places]:
    """Of every measured quantity the means of the drawn runs, in the order of runs and epochs.

    Numbers that are not finite are left out, and intervals end where the quantity does.
    """
    found: dict[str, Places] = {}
    known = quantities(results.study)
    for run in drawn_runs(results.study):
        values: dict[tuple[str, str, int], dict[int, float]] = {}
        for seed in results.study.seeds:
            for row in results.by_run.get(run.identifier(seed), ()):
                if math.isfinite(row.value):
                    values.setdefault((row.quantity, row.layer, row.epoch), {})[seed] = row.value
        for (name, layer, epoch), numbers in sorted(values.items()):
            mean = possible(summarise([*numbers.values()], least_sd_of(results, name)), known.get(name))
            one = Moment(run, name, layer, epoch, mean.n, mean.mean, mean.low, mean.high, numbers)
            found.setdefault(name, {}).setdefault(layer, []).append(one)
    return found


def possible(mean: Summary, quantity: Quantity | None) -> Summary:
    """``mean`` with its interval cut where the quantity has no values; a mean outside stays inside its interval."""
    if quantity is None or mean.low is None or mean.high is None:
        return mean
    low = mean.low if quantity.least is None else min(max(mean.low, quantity.least), mean.mean)
    high = mean.high if quantity.most is None else max(min(mean.high, quantity.most), mean.mean)
    return replace(mean, low=low, high=high)


def drawn_runs(study: Study) -> list[Run]:
    """The longest clean run, then the runs of the deficit's arm in the order of the sweep, evenly thinned if many."""
    clean = [run for run in study.runs if run.role == "control"]
    deprived = sorted((run for run in study.runs if run.role == "deficit"), key=lambda run: order(run.at))
    if len(deprived) > MOST_DRAWN:
        last = len(deprived) - 1
        deprived = [deprived[round(place * last / (MOST_DRAWN - 1))] for place in range(MOST_DRAWN)]
    return [*sorted(clean, key=lambda run: -run.total)[:1], *deprived]


def left_out(study: Study) -> str:
    """Says that a chart shows some of the sweep's points; empty where it shows all."""
    points = len(study.sweep.points)
    if points <= MOST_DRAWN + 1:
        return ""
    return f" Chart and table show about {MOST_DRAWN} of the {points:,} points of the sweep; critlab export gives all."


def compared_runs(study: Study) -> list[Run]:
    """The clean run, and the first and the last deprived one: what charts of one panel a run show."""
    runs = drawn_runs(study)
    clean = [run for run in runs if run.clean]
    deprived = [run for run in runs if not run.clean]
    return [*clean[:1], *deprived[:1], *deprived[1:][-1:]]
