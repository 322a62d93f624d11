"""Draw the pictures of the concepts from critlab's own studies, schedules and results.

Usage: python docs/concepts/pictures.py. Runs and windows are those of ``Study.runs``, learning rates those of training,
named damages those of ``results/demo``; the charts are made by the chart kit of the page.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import critlab
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, quantity
from critlab.report.charts.kit import at_line, chart, layer, layered
from critlab.report.figures import paper_spec
from critlab.report.vega import drawing
from critlab.study.runs.recipe import recipes
from critlab.study.runs.run import Run

FOLDER = Path(__file__).parent
DEMO = FOLDER.parents[1] / "results" / "demo"
INCHES = 6.75
PHASES = {"deficit": "$deficit", "clean": "$negative", "frozen": "$rule"}
SETUP = critlab.Setup(
    data={"name": "sample", "train": 1000, "test": 1000},
    model={"name": "mlp", "hidden": [64]},
    optimizer={"name": "sgd", "lr": 0.05, "lr_decay": 0.95},
)
BLUR = critlab.deficits.Blur(factor=7)
COMMON: dict[str, Any] = {"setup": SETUP, "seeds": 3}


def phases(run: Run, label: str) -> list[JSON]:
    """Return a row for each part of a run: what is trained from which epoch to which."""
    found: list[JSON] = []
    for epoch, recipe in enumerate(recipes(run, SETUP)):
        phase = "frozen" if recipe.frozen else "clean" if recipe.deficit is None else "deficit"
        if found and found[-1]["phase"] == phase:
            found[-1]["stop"] = epoch + 1
        else:
            found.append({"run": label, "phase": phase, "start": epoch, "stop": epoch + 1})
    return found


def bars(labelled: Sequence[tuple[str, Run]]) -> Panel:
    """Return a panel with one bar for each run, coloured by what is trained."""
    rows = [row for label, run in labelled for row in phases(run, label)]
    present = [phase for phase in PHASES if any(row["phase"] == phase for row in rows)]
    scale = {"domain": present, "range": [PHASES[phase] for phase in present]}
    encoding = {
        "y": {"field": "run", "type": "nominal", "sort": [label for label, _ in labelled], "title": None},
        "x": quantity("start", "Epoch"),
        "x2": {"field": "stop"},
        "color": {"field": "phase", "type": "nominal", "title": None, "scale": scale, "sort": present},
    }
    return Panel("", layered(rows, layer({"type": "bar", "height": {"band": 0.72}}, encoding)), 14, 26 * len(labelled))


def own(study: critlab.Study) -> list[Run]:
    """Return the runs of the sweep itself, in the order of its points."""
    runs = [run for run in study.runs if run.role == "deficit"]
    return sorted(runs, key=lambda run: (run.window.stop - run.window.start, run.window.start))


def removal() -> Panel:
    """Return runs of a removal sweep."""
    study = critlab.removal_sweep(BLUR, at=[0, 5, 10, 20], recovery=20, **COMMON)
    control = next(run for run in study.runs if run.role == "control")
    return bars([("removal at 0", control), *((f"removal at {run.at}", run) for run in own(study))])


def window() -> Panel:
    """Return runs of a window sweep."""
    study = critlab.window_sweep(BLUR, onsets=[0, 5, 10, 20], length=5, recovery=20, **COMMON)
    return bars([(f"onset {run.at}", run) for run in own(study)])


def switching() -> Panel:
    """Return runs of sweeps over switch times."""
    on = critlab.onset_sweep(BLUR, at=[10, 20], total=30, **COMMON)
    off = critlab.switch_off_sweep(BLUR, at=[10, 20], total=30, **COMMON)
    return bars(
        [(f"on from {run.at}", run) for run in sorted(own(on), key=lambda run: run.window.start)]
        + [(f"off from {run.at}", run) for run in own(off)]
    )


def controlled() -> tuple[critlab.Study, list[tuple[str, Run]]]:
    """Return a study with one removal and its runs by role."""
    study = critlab.removal_sweep(BLUR, at=[0, 20], recovery=20, **COMMON, name="controls")
    names = {
        "deficit": "D: with the deficit",
        "control": "N: newborn, clean",
        "delay_control": "F: frozen, then clean",
        "clock_control": "D': restarted schedule",
        "restarted_control": "C': clean, restarted",
    }
    return study, [(names[run.role], run) for role in names for run in study.runs if run.role == role]


def rates() -> Panel:
    """Return the learning rate of each of these runs by epoch; runs on the same schedule share a line."""
    lines: dict[str, dict[int, float]] = {}
    for label, run in controlled()[1]:
        known = {epoch: recipe.lr for epoch, recipe in enumerate(recipes(run, SETUP)) if not recipe.frozen}
        letter = label.partition(":")[0]
        same = next((name for name, line in lines.items() if known.items() <= line.items()), None)
        if same is None:
            lines[letter] = known
        else:
            lines[f"{same}, {letter}"] = lines.pop(same)
    rows = [{"runs": name, "epoch": at, "rate": rate} for name, line in lines.items() for at, rate in line.items()]
    scale = {"domain": list(lines), "range": ["$control", "$clock"]}
    colour = {"field": "runs", "type": "nominal", "title": None, "scale": scale}
    encoding = {"x": quantity("epoch", "Epoch"), "y": quantity("rate", "Learning rate"), "color": colour}
    return Panel("", layered(rows, layer({"type": "line", "strokeWidth": 2}, encoding)), 14, 200)


def damages() -> Panel:
    """The named damages of the demo, as ``results/demo`` has them."""
    rows: list[JSON] = []
    for name in ("named_damages", "timing_named_damages"):
        with (DEMO / f"{name}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                limits = {name.partition(" ")[0]: value for name, value in row.items()}  # "low (95 % t, ...)"
                values = {key: 100 * float(limits[key]) for key in ("estimate", "low", "high") if limits[key]}
                rows.append({"damage": f"{row['damage']}, {row['at']}", "decides": row["decides"], **values})
    kinds = list(dict.fromkeys(row["decides"] for row in rows))
    x = quantity("estimate", "Points of accuracy")
    common = {
        "y": {"field": "damage", "type": "nominal", "sort": [row["damage"] for row in rows], "title": None},
        "color": {"field": "decides", "type": "nominal", "title": None, "sort": kinds},
    }
    return Panel(
        "",
        layered(
            rows,
            at_line("x", x, 1.0),
            layer({"type": "rule", "strokeWidth": 2}, {**common, "x": {**x, "field": "low"}, "x2": {"field": "high"}}),
            layer({"type": "point", "filled": True, "size": 50}, {**common, "x": x}),
        ),
        34,
        20 * len(rows),
    )


def picture(key: str, panel: Panel) -> Chart:
    """Return a panel as a chart, which the kit draws."""
    return chart(key, key, "", key, [panel], list(panel.spec["data"]["values"]))


PICTURES = {
    "removal": removal,
    "window": window,
    "switching": switching,
    "controls": lambda: bars(controlled()[1]),
    "learning_rates": rates,
    "named_damages": damages,
}


def main() -> None:
    """Write every picture as SVG."""
    library = drawing()
    for key, draw in PICTURES.items():
        panel = draw()
        spec = paper_spec(picture(key, panel), INCHES) | {"height": panel.height}
        (FOLDER / f"{key}.svg").write_text(library.vegalite_to_svg(spec), encoding="utf-8")


if __name__ == "__main__":
    main()
