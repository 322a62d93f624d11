"""Which source the units answer to: distributions over units, and points next to their control."""

from __future__ import annotations

from collections.abc import Iterator

from critlab.analysis.effects.control_comparison import ControlComparison, When, compare_to_control, through_training
from critlab.analysis.statistics import Summary
from critlab.analysis.tables.results import Results
from critlab.papers.figure import JSON, Found, Published
from critlab.papers.multisensory.setup import PAPER
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, layer, layered
from critlab.report.text.names import arm_words, spaced
from critlab.study.runs.run import Run

VARIANCE = "relative_source_variance"
MOVES = Published("median relative source variance", "units answer to the spared source alone", f"{PAPER}, figure 4")


def compared_points(
    found: Found, quantity: str, layer: str = "", when: When = "end"
) -> Iterator[tuple[str, ControlComparison]]:
    """Every point of every part with its place, as the end of a row's name."""
    for part, results in found.items():
        named = "" if len(found) == 1 else f", {part}"
        for point in compare_to_control(results, quantity, layer, when):
            if point.arm == "control":
                yield f"{named}, no deficit", point
            else:
                yield f"{named}, {arm_words(results.study, point.arm)} at {point.at}", point


def distribution_charts(results: Results, when: When) -> list[Chart]:
    """The distribution of relative source variance over units, one panel a run; none where it was not read."""
    rows: list[JSON] = [
        {"deficit": name, "middle": float(middle), "share": 100 * value}
        for name, bins in distributions(results, when).items()
        for middle, value in bins.items()
    ]
    if not rows:
        return []
    # one panel a run: step lines over the same bins would hide each other
    names = list(dict.fromkeys(str(row["deficit"]) for row in rows))
    both = {
        "x": quantity("middle", "Relative source variance", scale={"domain": [-1, 1]}, axis={"values": [-1, 0, 1]}),
        "y": quantity("share", "Units (%)", scale={"domain": [0, max(row["share"] for row in rows)], "nice": True}),
    }
    drawn = {"fill": "$deficit", "fillOpacity": 0.25, "stroke": "$deficit", "strokeWidth": 1.5}
    mark = {"type": "area", "interpolate": "step", **drawn}
    panels = [(name, layered([row for row in rows if row["deficit"] == name], layer(mark, both))) for name in names]
    time = "at the end of training" if when == "end" else "at the end of the deficit, and of clean runs as long"
    caption = (
        f"Units of the layer after the sources meet, {time}: -1 answers to A alone, +1 to B alone, 0 to both equally. "
        "Means over seeds, units without variance left out."
    )
    alt = "A chart of the distribution of relative source variance over units. The numbers follow in a table."
    return [chart("distribution", "Which source the units answer to", caption, alt, panels, rows)]


def distributions(results: Results, when: When) -> dict[str, dict[str, float]]:
    """By run in words, the mean share of the units in each bin, by the bin's middle."""
    quantity, found = f"{VARIANCE}_histogram", {}
    middles = sorted({row.layer for row in results.rows if row.quantity == quantity}, key=float)
    for run in results.study.runs:
        if run.role == "control" or (run.role in ("deficit", "negative_control") and run.at != "never"):
            epoch = run.total if when == "end" or run.role == "control" else run.window.stop
            read = {middle: through_training(results, run.name, quantity, middle).get(epoch) for middle in middles}
            bins = {middle: value.mean for middle, value in read.items() if value is not None}
            if bins:
                found[in_words(run)] = bins
    return found


def in_words(run: Run) -> str:
    """A run as a legend names it."""
    if run.deficit is None:
        return "no deficit"
    source = f" of {run.deficit.source}" if run.deficit.source else ""
    return f"{spaced(run.deficit.name)}{source} until {run.window.stop}"


def shortest_and_longest(results: Results) -> Iterator[tuple[str, Run]]:
    """The control, and the study's own deficit at its longest or, in windows, at its first onset."""
    runs = results.study.runs
    control = next((run for run in runs if run.role == "control"), None)
    deprived = [run for run in runs if run.role == "deficit"]
    if control is not None:
        yield in_words(control), control
    if deprived:
        longest = max(deprived, key=lambda run: run.window.stop - run.window.start)
        yield in_words(longest), longest


def limits(value: Summary, scale: float = 1.0) -> JSON:
    """The columns ``low`` and ``high`` of a row: the limits of ``value`` times ``scale``, None where there are none."""
    if value.low is None or value.high is None:
        return {"low": None, "high": None}
    return {"low": scale * value.low, "high": scale * value.high}
