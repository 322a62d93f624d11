"""The bridge: does a temporary deficit leave less damage in a network whose prior is far from the edge of chaos?

Two meanings of "critical" meet here and stay apart: chi = 1 of the prior, and the window of a deficit in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from critlab.analysis.statistics import summarise
from critlab.papers.critical_feature_learning.settings import NOTE
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import legend, quantity, tip
from critlab.report.charts.kit import BESIDE, at_line, chart, panel
from critlab.report.findings import Comparison, Contrast
from critlab.report.text.figures.theories import settings_sentence
from critlab.report.text.numbers import percent

if TYPE_CHECKING:
    from torch import Tensor


BIAS, DEPTH, READOUT = 0.05, 3, 1.0
EDGE = 1.376
SCALES_G = {"small": (0.6, 1.0, EDGE, 2.0, 3.0), "paper": (0.5, 0.6, 0.8, 1.0, 1.2, EDGE, 1.6, 2.0, 2.5, 3.0, 4.0)}
SIZES: dict[str, dict[str, int]] = {
    "small": {"width": 64, "points": 48, "test_points": 200, "window_steps": 300, "recovery_steps": 300},
    "paper": {"width": 128, "points": 64, "test_points": 1000, "window_steps": 1000, "recovery_steps": 1000},
}
SEEDS = {"small": 16, "paper": 48}
TRAINERS = {"gradient flow": 0.0, "Langevin": 0.1}
"""Trainers by name, and the noise kappa of each."""
WINDOWS = ("early", "late")
DEFICITS = ("swapped", "blurred")
MEASURES = {
    "test_loss": "damage: mean squared error above the control's",
    "accuracy": "damage: accuracy below the control's",
}
AXES = {"test_loss": "squared error above the control's", "accuracy": "accuracy below the control's"}
X = quantity("chi", "susceptibility chi of the prior", scale={"zero": False})


def tables(scale: Scale) -> Tables:
    """Damage of early and late deficits by chi, paired by seed, and the contrast of the edge with both sides."""
    from critlab.theory.kernels.plasticity import STABLE_SHARE

    outcomes = _everywhere(scale)
    rows: list[JSON] = []
    ends: list[JSON] = []
    contrasts: list[JSON] = []
    for trainer, noise in TRAINERS.items():
        damages: dict[tuple[str, str, str], list[Tensor]] = {}
        for g in SCALES_G[scale]:
            place = {"trainer": trainer, "g": g, "chi": _chi(g)}
            means, damage = outcomes[g, noise]
            ends += [{**place, **row} for row in means]
            for (deficit, window, measure), values in damage.items():
                damages.setdefault((deficit, window, measure), []).append(values)
                named = {"deficit": deficit, "window": window, "measure": measure}
                rows.append({**place, **named, **_summary(values.tolist())})
        contrasts += [{"trainer": trainer, **row} for row in _contrasts(scale, damages)]
    settings = {
        "task": "XOR; in the window features 1, 2 swapped with 3, 4, or pairs of neighbouring features averaged",
        "P": SIZES[scale]["points"], "N": SIZES[scale]["width"], "L": DEPTH, "g": ", ".join(map(str, SCALES_G[scale])),
        "readout g": READOUT, "bias": BIAS, "noise": f"0 (gradient flow), {TRAINERS['Langevin']} (Langevin)",
        "seed": f"0 to {SEEDS[scale] - 1}", "activation": "erf",
        "mode": "weights in units of their prior deviations, full batch",
        "convergence": f"{SIZES[scale]['window_steps']} steps of deficit, {SIZES[scale]['recovery_steps']} of recovery",
        "sampler": f"none; step {percent(STABLE_SHARE, 0)} of the largest stable one; 95 % t intervals over seeds",
    }  # fmt: skip
    return {"damage": rows, "ends": ends, "contrasts": contrasts, "settings": [settings]}


def _chi(g: float) -> float:
    from critlab.theory.kernels import susceptibility

    return susceptibility(g, BIAS)


def _everywhere(scale: Scale) -> dict[tuple[float, float], tuple[list[JSON], dict[tuple[str, str, str], Tensor]]]:
    """:func:`_at` by weight scale and noise, one on each core: torch lets go of Python's lock while it computes."""
    from critlab._core.threads import one_thread
    from critlab.engine.planning.processors import default_workers

    places = [(g, noise) for noise in TRAINERS.values() for g in SCALES_G[scale]]
    # one thread here too, else a pool's threads would read how many there were while another has set one
    with one_thread(), ThreadPoolExecutor(default_workers()) as pool:
        return dict(zip(places, pool.map(lambda place: _at(scale, *place), places), strict=True))


def _at(scale: Scale, g: float, noise: float) -> tuple[list[JSON], dict[tuple[str, str, str], Tensor]]:
    """At one weight scale: means of every arm, and the damage of every seed by deficit, window and measure."""
    from critlab.theory.kernels.model import checked_prior
    from critlab.theory.kernels.plasticity import Setting, window_outcomes

    prior = checked_prior(DEPTH, g, None, READOUT, BIAS, "erf")
    posed = Setting(prior, seeds=range(SEEDS[scale]), noise=noise, **SIZES[scale])
    found = {(one.deficit, one.arm): one for one in window_outcomes(posed, DEFICITS)}
    means = [
        {"deficit": deficit, "window": window}
        | {name: float(getattr(end, name).mean()) for name in ("test_loss", "test_accuracy", "train_loss")}
        for (deficit, window), end in found.items()
    ]
    damage = {}
    for deficit in DEFICITS:
        for window in WINDOWS:
            deprived, control = found[deficit, window], found["none", window]
            damage[deficit, window, "test_loss"] = deprived.test_loss - control.test_loss
            damage[deficit, window, "accuracy"] = control.test_accuracy - deprived.test_accuracy
    return means, damage


def _contrasts(scale: Scale, damages: dict[tuple[str, str, str], list[Tensor]]) -> list[JSON]:
    """Paired by seed, for the same weights and examples at every g: the edge against its sides, and end to end."""
    import torch

    edge = SCALES_G[scale].index(EDGE)
    rows = []
    for (deficit, window, measure), values in damages.items():
        by_scale = torch.stack(values)
        differences = {
            "edge minus lowest chi": by_scale[edge] - by_scale[0],
            "edge minus highest chi": by_scale[edge] - by_scale[-1],
            "edge minus mean of both ends": by_scale[edge] - (by_scale[0] + by_scale[-1]) / 2,
            "highest minus lowest chi": by_scale[-1] - by_scale[0],
        }
        named = {"deficit": deficit, "window": window, "measure": measure}
        rows += [{**named, "contrast": name, **_summary(one.tolist())} for name, one in differences.items()]
    return rows


def _summary(values: Sequence[float]) -> JSON:
    """Mean and 95 % t interval over seeds."""

    found = summarise(values)
    return {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}


def charts(tables: Tables) -> list[Chart]:
    """Damage against chi for each trainer, and where all trainings end."""
    words = settings_sentence(tables["settings"][0]) + " " + NOTE
    more = (
        "Early: deficit from the first step; late: after as many clean steps. Each is paired by seed with a clean "
        "control of equal length; below zero the deficit did good. Bars: 95 % intervals. Dashed: the edge of chaos. "
    )
    found = []
    for trainer in TRAINERS:
        rows = [row for row in tables["damage"] if row["trainer"] == trainer]
        panels = [_damage_panel(rows, measure, deficit) for deficit in DEFICITS for measure in MEASURES]
        key = f"prior_and_plasticity_{trainer.split()[0].lower()}"
        title = f"Lasting damage of a deficit, by the susceptibility of the prior: {trainer}"
        alt = "Charts of damage against susceptibility, early and late deficits. The numbers follow in a table."
        found.append(chart(key, title, more + words, alt, panels, rows, "95 % t"))
    title, alt = "Where trainings end", "Charts of test error against susceptibility. The numbers follow in a table."
    panels = [_ends_panel(tables, trainer) for trainer in TRAINERS]
    text = "Mean squared error of test examples after recovery, mean of all seeds. "
    return [*found, chart("prior_and_plasticity_ends", title, text + words, alt, panels, tables["ends"])]


def _damage_panel(damage: list[JSON], measure: str, deficit: str) -> Panel:
    rows = [row for row in damage if row["measure"] == measure and row["deficit"] == deficit]
    step = BESIDE * (max(row["chi"] for row in rows) - min(row["chi"] for row in rows))
    rows = [{**row, "place": row["chi"] + step * (WINDOWS.index(row["window"]) - 0.5)} for row in rows]
    looks = legend("window", "window", list(WINDOWS), ["$deficit", "$negative"])
    y = quantity("mean", AXES[measure], scale={"zero": True})
    x = {**X, "field": "place"}
    where = {"x": x, "y": y}
    bars = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": looks["color"]}
    tips = [tip(name, name) for name in ("window", "g", "chi", "mean", "low", "high", "n")]
    layers: list[JSON] = [
        {"mark": "line", "encoding": {**where, "color": looks["color"]}},
        {"mark": "rule", "encoding": bars},
        {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {**where, **looks, "tooltip": tips}},
        at_line("x", x, 1.0),
        at_line("y", y, 0.0),
    ]
    return panel(f"{'Error' if measure == 'test_loss' else 'Accuracy'}, {deficit}", rows, layers)


def _ends_panel(tables: Tables, trainer: str) -> Panel:
    rows = [
        {**row, "arm": f"{row['window']}, {'control' if row['deficit'] == 'none' else row['deficit']}"}
        for row in tables["ends"]
        if row["trainer"] == trainer
    ]
    names = [f"{window}, {what}" for window in WINDOWS for what in ("control", *DEFICITS)]
    looks = legend("arm", None, names, ["$control", "$deficit", "$clock", "$soft", "$negative", "$late12"])
    where = {"x": X, "y": quantity("test_loss", "mean squared error, test", scale={"zero": True})}
    tips = [tip(name, name) for name in ("g", "arm", "test_loss", "test_accuracy", "train_loss")]
    layers: list[JSON] = [
        {"mark": "line", "encoding": {**where, "color": looks["color"]}},
        {"mark": {"type": "point", "filled": True}, "encoding": {**where, **looks, "tooltip": tips}},
        at_line("x", X, 1.0),
    ]
    return panel(trainer, rows, layers)


def compare(tables: Tables) -> list[Comparison]:
    """Nothing is published on this; the contrasts, with their intervals."""
    return [
        Comparison(
            f"{row['contrast']}, {row['trainer']}, {row['window']}, {row['deficit']}, {MEASURES[row['measure']]}",
            "not stated",
            "ours",
            Contrast(row["mean"], row["low"], row["high"], row["n"]),
        )
        for row in tables["contrasts"]
    ]


FIGURE = Figure(
    question="does a temporary deficit leave less damage in a prior far from the edge of chaos?",
    source="ours",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
    compare=compare,
    version=2,
)
