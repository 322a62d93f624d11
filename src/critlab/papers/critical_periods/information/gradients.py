"""Appendix of paper 1: mean and deviation of each layer's gradient through training."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.analysis.statistics import summarise
from critlab.analysis.tables.results import Results
from critlab.papers.comparisons import run_words
from critlab.papers.critical_periods.setup import EVERY, PAPER, measured_study
from critlab.papers.figure import JSON, Figure, Found, Published, Scale, single
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, coloured, layer, layered
from critlab.report.charts.layers import natural
from critlab.report.findings import Comparison, LayerRange
from critlab.study.runs.run import Run
from critlab.study.study import Study

GRADIENTS = Published("gradients by layer", "shown, no number", "from memory of the paper's appendix")
SHOWN = {"gradient_mean": "size of the mean", "gradient_deviation": "deviation"}


def study(scale: Scale) -> Study:
    """Appendix: mean and deviation of each layer's gradient."""
    return measured_study(scale, "gradients", {"gradients": {"every": EVERY[scale]}})


def drawn(results: Results) -> list[Run]:
    """The clean run, and the one removed last."""
    clean = [run for run in results.study.runs if run.role == "control"]
    deprived = [run for run in results.study.runs if run.role == "deficit" and run.at != "never"]
    return [*clean[:1], *deprived[-1:]]


def moments(results: Results, run: Run, quantity: str) -> list[JSON]:
    """One row for each epoch and layer: the mean over seeds of the absolute value, and n."""
    found: dict[tuple[int, str], list[float]] = {}
    for seed in results.study.seeds:
        for row in results.by_run.get(run.identifier(seed), ()):
            if row.quantity == quantity and row.layer:
                found.setdefault((row.epoch, row.layer), []).append(abs(row.value))
    return [
        {"epoch": epoch, "layer": name, "value": summarise(values).mean, "n": len(values)}
        for (epoch, name), values in sorted(found.items())
    ]


def charts(found: Found) -> Sequence[Chart]:
    """Two panels a quantity: clean, and blurred until the last removal."""
    results = next(iter(found.values()))
    charts = []
    for name, words in SHOWN.items():
        panels, rows = [], []
        for run in drawn(results):
            part = moments(results, run, name)
            title = run_words(run).capitalize()
            rows += [{"run": title, **row} for row in part]
            if part:
                panels.append((title, _panel(part, words, run)))
        if panels:
            caption = (
                f"The {words} of each layer's gradient over its weights and mini-batches of clean training images, in "
                "evaluation mode; means over seeds, logarithmic. Dashed: where the blur ends."
            )
            alt = f"Charts of the {words} of each layer's gradient by epoch. The numbers follow in a table."
            charts.append(chart(name, f"Gradients by layer: {words}", caption, alt, panels, rows))
    return charts


def _panel(rows: Sequence[JSON], words: str, run: Run) -> JSON:
    names = sorted({row["layer"] for row in rows}, key=natural)
    encoding = {
        "x": quantity("epoch", "Epoch"),
        "y": quantity("value", f"Gradient, {words} (nats per unit)", scale={"type": "log"}, axis={"format": ".0e"}),
        "color": coloured("layer", "Layer", names, "late"),
        "tooltip": [{"field": name, "type": "nominal"} for name in ("layer", "epoch", "value", "n")],
    }
    layers = [layer({"type": "line", "strokeWidth": 1.6}, encoding, "datum.value > 0")]
    if run.role != "control":
        rule = {"type": "rule", "color": "$deficit", "strokeDash": [4, 3]}
        layers.append(layer(rule, {"x": {"field": "at", "type": "quantitative"}}, rows=[{"at": run.window.stop}]))
    return layered(rows, *layers)


def compare(found: Found) -> Sequence[Comparison]:
    """The smallest and largest deviation of a layer, first reading after the start and last."""
    results = next(iter(found.values()))
    rows = []
    for run in drawn(results):
        part = moments(results, run, "gradient_deviation")
        epochs = sorted({row["epoch"] for row in part if row["epoch"] > 0})
        if len(epochs) < 2:
            continue
        for epoch in (epochs[0], epochs[-1]):
            values = {row["layer"]: row["value"] for row in part if row["epoch"] == epoch}
            least, most = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
            shown = LayerRange(values[least], least, values[most], most, len(results.study.seeds))
            rows.append(GRADIENTS.beside(shown, f"deviation of the gradients after epoch {epoch}, {run_words(run)}"))
    return rows


FIGURE = Figure(
    question="what do the gradients of each layer look like through training?",
    source=f"{PAPER}, appendix",
    studies=single(study),
    published=(GRADIENTS,),
    charts=charts,
    compare=compare,
)
