"""Paper 2, usable information: what the network uses from each source, during the deficit and after it."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.analysis.effects.control_comparison import through_training
from critlab.papers.figure import Figure, Found, Published, single
from critlab.papers.multisensory.accuracy import SOURCES
from critlab.papers.multisensory.setup import PAPER, source_information_study
from critlab.papers.multisensory.units import compared_points, limits, shortest_and_longest
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, with_intervals
from critlab.report.findings import Comparison, ReadingAt

WORTH = Published("usable information", "of the deprived source lost, of the spared one kept", f"{PAPER}, shown")


def charts(found: Found) -> Sequence[Chart]:
    """Usable information through training, clean and after the longest deficit: of both sources, of A, of B."""
    results = next(iter(found.values()))
    rows = [
        {"run": name, "seen": SOURCES[source], "epoch": epoch, "bits": value.mean, **limits(value)}
        for name, run in shortest_and_longest(results)
        for source in SOURCES
        for epoch, value in through_training(results, run.name, "usable_information", source).items()
    ]
    if not rows:
        return []
    panels = [
        (
            name,
            with_intervals(
                [row for row in rows if row["run"] == name],
                "epoch",
                "Epoch",
                "bits",
                "Usable information (bits)",
                "seen",
                None,
                same_axis=rows,
            ),
        )
        for name in dict.fromkeys(row["run"] for row in rows)
    ]
    caption = (
        "Of the test images: the logarithm of the number of classes minus the cross entropy, in bits, with both "
        "sources shown and with one of them switched off. Means over seeds with 95 % t intervals."
    )
    alt = "Charts of usable information by epoch, of both sources and of each alone. The numbers follow in a table."
    return [chart("information", "What each source is worth", caption, alt, panels, rows, "95 % t")]


def compare(found: Found) -> Sequence[Comparison]:
    """Bits of both sources and of each alone, at the end."""
    return [
        WORTH.beside(ReadingAt(point, "bits"), f"usable information, {seen}{place}")
        for source, seen in SOURCES.items()
        for place, point in compared_points(found, "usable_information", source)
    ]


FIGURE = Figure(
    question="how much information about the label does the network use from each source, during the "
    "deficit and after it?",
    source=f"{PAPER}, usable information",
    studies=single(source_information_study),
    published=(WORTH,),
    charts=charts,
    compare=compare,
)
