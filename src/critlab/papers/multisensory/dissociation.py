"""Paper 2, strabismus: the two sources never show the same scene until each epoch."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.analysis.effects.control_comparison import through_training
from critlab.analysis.tables.results import Results
from critlab.deficits import Decorrelate
from critlab.papers.comparisons import UNSTATED
from critlab.papers.figure import Figure, Found, Published, Scale, single
from critlab.papers.multisensory.setup import PAPER, SECONDARY, SEEDS, base
from critlab.papers.multisensory.units import (
    VARIANCE,
    compared_points,
    distribution_charts,
    limits,
    shortest_and_longest,
)
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, with_intervals
from critlab.report.findings import Comparison, ReadingAt
from critlab.study.study import Study

MONOCULAR = Published("units of one source after dissociation", "all", f"{SECONDARY}, of the paper's histograms")


def study(scale: Scale) -> Study:
    """The sources never show the same scene until each epoch, then always: learning rate 0.05, no weight decay, no
    augmentation, three heads.
    """
    longest, decay = {"paper": (180, 0.97), "small": (40, 0.95), "demo": (12, 0.9)}[scale]
    made = base(
        scale,
        data={"heads": 3},
        model={"heads": 3},
        optimizer={"lr": 0.05, "lr_decay": decay, "weight_decay": 0.0},
        augment=None,
    )
    return removal_sweep(
        scale,
        Decorrelate(),
        at=(0, longest),
        recovery=longest,
        seeds=SEEDS[scale],
        setup=made,
        name=study_name("dissociation", scale),
    )


def charts(found: Found) -> Sequence[Chart]:
    """The distribution when the sources come together again, and the units of one source through training."""
    results = next(iter(found.values()))
    return [*distribution_charts(results, "removal"), *_share_through_training(results)]


def _share_through_training(results: Results) -> list[Chart]:
    rows = [
        {"run": name, "epoch": epoch, "share": 100 * value.mean, **limits(value, 100), "n": value.n}
        for name, run in shortest_and_longest(results)
        for epoch, value in through_training(results, run.name, f"{VARIANCE}_share", "one").items()
    ]
    if not rows:
        return []
    panel = with_intervals(rows, "epoch", "Epoch", "share", "Units of one source (%)", "run", None)
    caption = "Units whose relative source variance lies beyond 0.5. Means over seeds with 95 % t intervals."
    alt = "A chart of the share of units that answer to one source, by epoch. The numbers follow in a table."
    return [chart("one_source", "Units of one source through training", caption, alt, [("", panel)], rows, "95 % t")]


def compare(found: Found) -> Sequence[Comparison]:
    """The share of units of one source at the end of the dissociation and after it, next to clean runs as long."""
    share, kinds = f"{VARIANCE}_share", (("removal", "at its end"), ("end", "after clean epochs"))
    rows = []
    for when, words in kinds:
        for place, point in compared_points(found, share, "one", when):  # type: ignore[arg-type]
            rows.append(MONOCULAR.beside(ReadingAt(point), f"{MONOCULAR.what}, {words}{place}"))
    rows += [
        Comparison(f"bimodality at its end{place}", UNSTATED, "ours", ReadingAt(point))
        for place, point in compared_points(found, f"{VARIANCE}_bimodality", "", "removal")
    ]
    return rows


FIGURE = Figure(
    question="does every unit come to answer to one source when the two never show the same scene?",
    source=f"{PAPER}, dissociation of the sources (strabismus)",
    studies=single(study),
    published=(MONOCULAR,),
    charts=charts,
    compare=compare,
)
