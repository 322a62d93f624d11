"""Figure 4 of paper 1: the trace of the Fisher information through training, and the sensitivity."""

from __future__ import annotations

import math
from collections.abc import Sequence

from critlab.analysis.tables.results import Results
from critlab.papers.critical_periods.information.trace import Traced, beside_sensitivity, fit, peak, traces
from critlab.papers.critical_periods.setup import (
    NOTES,
    PAPER,
    RECONSTRUCTION,
    TIMELINES,
    Timeline,
    base,
    blur,
    trace_measure,
)
from critlab.papers.figure import Figure, Found, Published, Scale, Studies
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep, window_sweep
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, layer, layered, with_intervals
from critlab.report.findings import Comparison, Ratio, TracePeak
from critlab.report.text.figures.theories import fit_sentence
from critlab.study.setup import Setup

TRACE = Published("trace of the Fisher information", "rises, then falls", "the paper's abstract")
FINAL_TRACE = Published(
    "final trace after early and late removal, over the control's",
    "2.9 and 6.2",
    f"{RECONSTRUCTION} (removal at 40 and 100)",
)
FORM = Published("sensitivity against the trace", "exponential", NOTES)
LEARNED = Timeline((0, 8, 24), (0, 8, 24), 60, 3, (0, 8, 16, 24, 36, 48), 6, total=72)
"""Long enough for a small network to learn its training images by heart."""


def studies(scale: Scale) -> Studies:
    """Figure 4: the trace with and without deficits, and the sensitivity to compare it with.

    The trace falls once the training images have been learned. At ``small`` scale that takes few images, no
    augmentation and a rate that falls as slowly as the paper's.
    """
    timeline, seen = (
        (LEARNED, _learned()) if scale == "small" else (TIMELINES[scale], base(scale, trace_measure(scale)))
    )
    swept = removal_sweep(
        scale,
        blur(scale),
        at=(*timeline.compared, "never"),
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        setup=seen,
        name=study_name("fisher", scale),
    )
    sensitivity = window_sweep(
        scale,
        blur(scale),
        **timeline.windows,
        seeds=timeline.seeds,
        setup=seen,
        name=study_name("fisher", scale, "sensitivity"),
    )
    return {"trace": swept, "sensitivity": sensitivity}


def _learned() -> Setup:
    return base(
        "small",
        {"fisher_trace": {"every": 4, "images": 512}},
        data={"name": "cifar10", "train": 1000, "test": 1000},
        model={"name": "all_cnn", "width": 16},
        optimizer={"lr_decay": 0.97},
        augment=None,
    )


def charts(found: Found) -> Sequence[Chart]:
    """The trace through training, and the sensitivity next to it."""
    return [*_trace_chart(found["trace"]), *_fit_chart(found["sensitivity"])]


def _trace_chart(results: Results) -> list[Chart]:
    rows = [
        {"run": run.label, "epoch": epoch, "trace": value.mean, "low": value.low, "high": value.high, "n": value.n}
        for run in traces(results)
        for epoch, value in zip(run.epochs, run.values, strict=True)
    ]
    if not rows:
        return []
    panel = with_intervals(rows, "epoch", "Epoch", "trace", "Trace of the Fisher information", "run", "Blur")
    caption = "Means over seeds with 95 % t intervals, on clean training images, labels drawn from the model."
    alt = "A chart of the trace of the Fisher information by epoch, clean and with blur. The numbers follow in a table."
    return [
        chart(
            "trace",
            "The Fisher information in the weights through training",
            caption,
            alt,
            [("", panel)],
            rows,
            "95 % t",
        )
    ]


def _fit_chart(results: Results) -> list[Chart]:
    rows = [
        {"onset": onset, "damage": 100 * damage, "trace": trace} for onset, damage, trace in beside_sensitivity(results)
    ]
    made = fit(results)
    if not rows:
        return []
    both = {"x": quantity("damage", "Damage of the window (points)"), "y": quantity("trace", "Trace of the clean run")}
    names = {**both, "text": {"field": "onset", "type": "nominal"}}
    layers = [
        layer({"type": "point", "filled": True, "size": 70, "color": "$deficit"}, both),
        layer({"type": "text", "dx": 9, "dy": -7, "align": "left"}, names),
    ]
    words = ""
    if made is not None:
        lowest, highest = (choose(row["damage"] for row in rows) for choose in (min, max))
        steps = [lowest + (highest - lowest) * step / 40 for step in range(41)]
        line = [{"damage": x, "trace": made.amplitude * math.exp(made.rate * x / 100)} for x in steps]
        layers.insert(0, layer({"type": "line", "color": "$ink", "strokeDash": [5, 3]}, both, rows=line))
        words = f" {fit_sentence(made)}"
    caption = (
        "Each point is a window of blur, numbered by its onset: what it costs in the end, and the mean trace of the "
        f"clean run during it.{words}"
    )
    alt = "A chart of the clean trace against the damage of a window, one point for each onset. A table follows."
    return [
        chart(
            "trace_and_sensitivity", "Sensitivity and information", caption, alt, [("", layered(rows, *layers))], rows
        )
    ]


def compare(found: Found) -> Sequence[Comparison]:
    """Where the clean trace peaks and how far it falls, what deficits leave of it, and the fit to the sensitivity."""
    swept = traces(found["trace"])
    rows = [TRACE.beside(_peak(run), f"trace, {run.label}") for run in swept]
    clean = next((run for run in swept if run.clean), None)
    if clean is not None:
        rows += [
            FINAL_TRACE.beside(_ratio(run, clean), f"final trace over the control's, {run.label}")
            for run in swept
            if not run.clean
        ]
    made = fit(found["sensitivity"])
    if made is not None:
        rows.append(FORM.beside(made))
    return rows


def _peak(run: Traced) -> TracePeak:
    at, highest = peak(run)
    return TracePeak(highest, at, run.values[-1].mean, run.values[-1].n)


def _ratio(run: Traced, clean: Traced) -> Ratio:
    return Ratio(run.values[-1].mean / clean.values[-1].mean, run.values[-1].n)


FIGURE = Figure(
    question="does the Fisher information rise and fall with the critical period?",
    source=f"{PAPER}, figure 4",
    studies=studies,
    published=(TRACE, FINAL_TRACE, FORM),
    charts=charts,
    compare=compare,
)
