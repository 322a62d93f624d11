"""Figure 4 of paper 2: the relative source variance of units after one source was blurred early."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.effects.control_comparison import compare_to_control
from critlab.analysis.sources.ignored_source import source_balances
from critlab.analysis.tables.results import Results
from critlab.papers.comparisons import UNSTATED
from critlab.papers.figure import Figure, Found, Scale, single
from critlab.papers.multisensory.accuracy import HIDDEN
from critlab.papers.multisensory.setup import PAPER, RECOVERY, REMOVALS, SEEDS, base, blur
from critlab.papers.multisensory.units import MOVES, VARIANCE, compared_points, distribution_charts, limits
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, with_intervals
from critlab.report.findings import Comparison, ReadingAt
from critlab.report.text.names import arm_words
from critlab.study.study import Study


def study(scale: Scale) -> Study:
    """Blur of B until each epoch, then clean images; and its mirror, blur of A, at the longest.

    Initial networks lean to one source by chance, so each is compared with the clean run of its own seed, and the
    mirror shows that the deficit decides.
    """
    removals = REMOVALS[scale]
    return removal_sweep(
        scale,
        blur(scale),
        at=removals,
        recovery=RECOVERY[scale],
        seeds=SEEDS[scale],
        setup=base(scale),
        name=study_name("rsv", scale),
        controls={"deficits": [blur(scale, "A")], "at": removals[-1:]},
    )


def charts(found: Found) -> Sequence[Chart]:
    """The distribution at the end of each run, and its median against the removal epoch."""
    results = next(iter(found.values()))
    return [
        *distribution_charts(results, "end"),
        *_against_removal(results, VARIANCE, "Median relative source variance"),
    ]


def _against_removal(results: Results, quantity: str, title: str) -> list[Chart]:
    rows = [
        {
            "arm": "no deficit" if point.arm == "control" else arm_words(results.study, point.arm),
            "at": point.at,
            "value": point.value.mean,
            **limits(point.value),
            "n": point.value.n,
        }
        for point in compare_to_control(results, quantity)
        if point.at != "never"
    ]
    if not rows:
        return []
    panel = with_intervals(rows, "at", "Deficit removed after epoch", "value", title, "arm", None)
    caption = "At the end of training, after clean epochs. Means over seeds with 95 % t intervals."
    alt = f"A chart of {title.lower()} against removal epoch. The numbers follow in a table."
    return [
        chart("median", "Median relative source variance after removal", caption, alt, [("", panel)], rows, "95 % t")
    ]


def compare(found: Found) -> Sequence[Comparison]:
    """How far the median moves, what accuracy says meanwhile, and which source is ignored."""
    rows = [MOVES.beside(ReadingAt(point), MOVES.what + place) for place, point in compared_points(found, VARIANCE)]
    rows += [
        HIDDEN.beside(ReadingAt(point), f"{HIDDEN.what}{place}")
        for place, point in compared_points(found, "test_accuracy")
    ]
    return [*rows, *ignored(found)]


def ignored(found: Found) -> Iterator[Comparison]:
    """Which source the network has come to ignore at the longest deficit, by how many units, since when."""
    for results in found.values():
        for balance in source_balances(results):
            place = f"{arm_words(results.study, balance.arm)} at {balance.at}"
            yield Comparison(f"the ignored source, {place}", UNSTATED, "ours", balance)


FIGURE = Figure(
    question="which source do the units answer to after one of them was blurred early?",
    source=f"{PAPER}, figure 4",
    studies=single(study),
    published=(MOVES, HIDDEN),
    charts=charts,
    compare=compare,
)
