"""What the figures of paper 2 draw: the distribution over units, and what each source is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.beside_control import When, beside_control, through_training
from critlab.analysis.inference import Summary
from critlab.analysis.results import Results
from critlab.presets.critical_periods_charts import with_intervals
from critlab.presets.deep_linear_panels import JSON, channel, chart, layer, layered
from critlab.presets.preset import Found
from critlab.report.chart import Chart
from critlab.report.wording import arm_words, spaced
from critlab.study.run import Run

VARIANCE = "relative_source_variance"
UNTIL = "Deficit of B removed after epoch"
SOURCES = {"": "both sources", "A": "A alone", "B": "B alone"}


def variance_charts(found: Found) -> Sequence[Chart]:
    """The distribution at the end of each run, and its median against the removal epoch."""
    results = next(iter(found.values()))
    return [*_distribution(results, "end"), *_against_removal(results, VARIANCE, "Median relative source variance")]


def dissociation_charts(found: Found) -> Sequence[Chart]:
    """The distribution when the sources come together again, and the units of one source through training."""
    results = next(iter(found.values()))
    return [*_distribution(results, "removal"), *_share_through_training(results)]


def information_charts(found: Found) -> Sequence[Chart]:
    """Usable information through training, clean and after the longest deficit: of both sources, of A, of B."""
    results = next(iter(found.values()))
    rows = [
        {"run": name, "seen": SOURCES[source], "epoch": epoch, "bits": value.mean, **_limits(value)}
        for name, run in _shortest_and_longest(results)
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
                beside=rows,
            ),
        )
        for name in dict.fromkeys(row["run"] for row in rows)
    ]
    caption = (
        "Of the test images: the logarithm of the number of classes less the cross entropy, in bits, with both sources "
        "shown and with one of them switched off. Means over seeds with 95 % t intervals."
    )
    alt = "Charts of usable information by epoch, of both sources and of each alone. The numbers follow in a table."
    return [chart("information", "What each source is worth", caption, alt, panels, rows)]


def removal_charts(found: Found) -> Sequence[Chart]:
    """Accuracy with both sources and with one of them switched off, at the end, against removal or onset."""
    charts: list[Chart] = []
    for part, results in found.items():
        removed = results.study.sweep.kind == "removal"
        place = UNTIL if removed else "Deficit of B begins at epoch"
        # a clean run has its place among removals, at 0, but none among onsets
        own = {_own_arm(results), *(["control"] if removed else [])}
        rows = [
            {"seen": SOURCES[source], "at": point.at, "accuracy": 100 * point.value.mean, **_limits(point.value, 100)}
            for source in SOURCES
            for point in beside_control(results, "source_accuracy", source)
            if point.arm in own and point.at != "never"
        ]
        if not rows:
            continue
        panel = with_intervals(rows, "at", place, "accuracy", "Test accuracy (%)", "seen", None)
        caption = (
            "At the end of training, with both sources shown and with one of them switched off (the mean colour). "
            "Means over seeds with 95 % t intervals."
        )
        alt = "A chart of accuracy with both sources, A alone and B alone. The numbers follow in a table."
        title = "Accuracy by source" + (f", {spaced(part)}" if len(found) > 1 else "")
        key = "accuracy_by_source" + (f"_{len(charts) + 1}" if len(found) > 1 else "")
        charts.append(chart(key, title, caption, alt, [("", panel)], rows))
    return charts


def _distribution(results: Results, when: When) -> list[Chart]:
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
        "x": channel("middle", "Relative source variance", scale={"domain": [-1, 1]}, axis={"values": [-1, 0, 1]}),
        "y": channel("share", "Units (%)", scale={"domain": [0, max(row["share"] for row in rows)], "nice": True}),
    }
    drawn = {"fill": "$deficit", "fillOpacity": 0.25, "stroke": "$deficit", "strokeWidth": 1.5}
    mark = {"type": "area", "interpolate": "step", **drawn}
    panels = [(name, layered([row for row in rows if row["deficit"] == name], layer(mark, both))) for name in names]
    time = "at the end of training" if when == "end" else "at the end of the deficit, and of clean runs as long"
    caption = (
        f"Units of the layer after the sources meet, {time}: -1 answers to A alone, +1 to B alone, 0 to both alike. "
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


def _against_removal(results: Results, quantity: str, title: str) -> list[Chart]:
    rows = [
        {
            "arm": "no deficit" if point.arm == "control" else arm_words(results.study, point.arm),
            "at": point.at,
            "value": point.value.mean,
            **_limits(point.value),
            "n": point.value.n,
        }
        for point in beside_control(results, quantity)
        if point.at != "never"
    ]
    if not rows:
        return []
    panel = with_intervals(rows, "at", "Deficit removed after epoch", "value", title, "arm", None)
    caption = "At the end of training, after clean epochs. Means over seeds with 95 % t intervals."
    alt = f"A chart of {title.lower()} against removal epoch. The numbers follow in a table."
    return [chart("median", "The units move to the source that was spared", caption, alt, [("", panel)], rows)]


def _share_through_training(results: Results) -> list[Chart]:
    rows = [
        {"run": name, "epoch": epoch, "share": 100 * value.mean, **_limits(value, 100), "n": value.n}
        for name, run in _shortest_and_longest(results)
        for epoch, value in through_training(results, run.name, f"{VARIANCE}_share", "one").items()
    ]
    if not rows:
        return []
    panel = with_intervals(rows, "epoch", "Epoch", "share", "Units of one source (%)", "run", None)
    caption = "Units whose relative source variance lies beyond 0.5. Means over seeds with 95 % t intervals."
    alt = "A chart of the share of units that answer to one source, by epoch. The numbers follow in a table."
    return [chart("one_source", "Units of one source through training", caption, alt, [("", panel)], rows)]


def _shortest_and_longest(results: Results) -> Iterator[tuple[str, Run]]:
    """The control, and the study's own deficit at its longest or, in windows, at its first onset."""
    runs = results.study.runs
    control = next((run for run in runs if run.role == "control"), None)
    deprived = [run for run in runs if run.role == "deficit"]
    if control is not None:
        yield in_words(control), control
    if deprived:
        longest = max(deprived, key=lambda run: run.window.stop - run.window.start)
        yield in_words(longest), longest


def _own_arm(results: Results) -> str:
    return next((run.arm for run in results.study.runs if run.role == "deficit"), "")


def _limits(value: Summary, scale: float = 1.0) -> JSON:
    if value.low is None or value.high is None:
        return {"low": None, "high": None}
    return {"low": scale * value.low, "high": scale * value.high}
