"""The bridge: does a temporary deficit leave less damage in a network whose prior is far from the edge of chaos?

Two meanings of "critical" meet here and stay apart: chi = 1 of the prior, and the window of a deficit in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from critlab.presets.critical_feature_panels import NOTE, Scale, Tables, at_line, chart, panel, said
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, legend, quantity, tip
from critlab.report.findings import Comparison

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
WINDOWS = ("early", "late")
MEASURES = {
    "test_loss": "damage: mean squared error above the control's",
    "accuracy": "damage: accuracy below the control's",
}


def compute_prior_and_plasticity(scale: Scale) -> Tables:
    """Damage of an early and a late deficit by chi, paired by seed, and the contrast of the edge with both sides."""
    from critlab.kernels import susceptibility
    from critlab.kernels.model import checked_prior
    from critlab.kernels.plasticity import STABLE_SHARE, Setting, window_outcomes

    rows: list[JSON] = []
    ends: list[JSON] = []
    damages: dict[tuple[str, str], list[Tensor]] = {}
    for g in SCALES_G[scale]:
        prior = checked_prior(DEPTH, g, None, READOUT, BIAS, "erf")
        found = {one.arm: one for one in window_outcomes(Setting(prior, seeds=range(SEEDS[scale]), **SIZES[scale]))}
        place = {"g": g, "chi": susceptibility(g, BIAS)}
        for arm, end in found.items():
            means = {name: float(getattr(end, name).mean()) for name in ("test_loss", "test_accuracy", "train_loss")}
            ends.append({**place, "arm": arm, **means})
        for window in WINDOWS:
            deprived, control = found[window], found[f"{window} control"]
            losses = {
                "test_loss": deprived.test_loss - control.test_loss,
                "accuracy": control.test_accuracy - deprived.test_accuracy,
            }
            for measure, values in losses.items():
                damages.setdefault((window, measure), []).append(values)
                rows.append({**place, "window": window, "measure": measure, **_summary(values.tolist())})
    settings = {
        "task": "XOR, features 1, 2 swapped with 3, 4 in the window", "P": SIZES[scale]["points"],
        "N": SIZES[scale]["width"], "L": DEPTH, "g": ", ".join(map(str, SCALES_G[scale])), "readout g": READOUT,
        "bias": BIAS, "noise": 0, "seed": f"0 to {SEEDS[scale] - 1}", "activation": "erf",
        "mode": "gradient descent on weights in units of their prior deviations",
        "convergence": f"{SIZES[scale]['window_steps']} steps of deficit, {SIZES[scale]['recovery_steps']} of recovery",
        "sampler": f"none; step {STABLE_SHARE:.0%} of the largest stable one; 95 % t intervals over seeds",
    }  # fmt: skip
    return {"damage": rows, "ends": ends, "contrasts": _contrasts(scale, damages), "settings": [settings]}


def _contrasts(scale: Scale, damages: dict[tuple[str, str], list[Tensor]]) -> list[JSON]:
    """Paired by seed, for the same weights and examples at every g: the edge against its sides, and end to end."""
    import torch

    edge = SCALES_G[scale].index(EDGE)
    rows = []
    for (window, measure), values in damages.items():
        by_scale = torch.stack(values)
        differences = {
            "edge minus lowest chi": by_scale[edge] - by_scale[0],
            "edge minus highest chi": by_scale[edge] - by_scale[-1],
            "edge minus mean of both ends": by_scale[edge] - (by_scale[0] + by_scale[-1]) / 2,
            "highest minus lowest chi": by_scale[-1] - by_scale[0],
        }
        rows += [
            {"window": window, "measure": measure, "contrast": name, **_summary(one.tolist())}
            for name, one in differences.items()
        ]
    return rows


def _summary(values: Sequence[float]) -> JSON:
    """Mean and 95 % t interval over seeds."""
    from critlab.analysis.inference import summarise

    found = summarise(values)
    return {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}


def charts_prior_and_plasticity(tables: Tables) -> list[Chart]:
    """Damage against chi in both measures, and where all trainings end."""
    panels = [_damage_panel(tables, measure, title) for measure, title in MEASURES.items()]
    names = ["early", "early control", "late", "late control"]
    looks = legend("arm", None, names, ["$deficit", "$control", "$negative", "$clock"])
    x = quantity("chi", "susceptibility chi of the prior", scale={"zero": False})
    where = {"x": x, "y": quantity("test_loss", "mean squared error, test", scale={"zero": True})}
    tips = [tip(name, name) for name in ("g", "arm", "test_loss", "test_accuracy", "train_loss")]
    layers: list[JSON] = [
        {"mark": "line", "encoding": {**where, "color": looks["color"]}},
        {"mark": {"type": "point", "filled": True}, "encoding": {**where, **looks, "tooltip": tips}},
        at_line("chi", 1.0),
    ]
    panels.append(panel("Where trainings end", tables["ends"], layers))
    return [
        chart(
            "prior_and_plasticity",
            "Lasting damage of a deficit, by the susceptibility of the prior",
            "Early: deficit from the first step; late: after as many clean steps. Each is paired by seed with a clean "
            "control of equal length. Bars: 95 % intervals. Dashed: the edge of chaos. "
            + said(tables["settings"][0]) + " " + NOTE,
            "Charts of damage against susceptibility for an early and a late deficit. The numbers follow in a table.",
            panels,
            tables["damage"],
        )
    ]  # fmt: skip


def _damage_panel(tables: Tables, measure: str, title: str) -> Panel:
    rows = [row for row in tables["damage"] if row["measure"] == measure]
    looks = legend("window", "deficit", list(WINDOWS), ["$deficit", "$negative"])
    x = quantity("chi", "susceptibility chi of the prior", scale={"zero": False})
    where = {"x": x, "y": quantity("mean", title, scale={"zero": True})}
    bars = {"x": x, "y": quantity("low", title), "y2": {"field": "high"}, "color": looks["color"]}
    tips = [tip(name, name) for name in ("window", "g", "chi", "mean", "low", "high", "n")]
    layers: list[JSON] = [
        {"mark": "line", "encoding": {**where, "color": looks["color"]}},
        {"mark": "rule", "encoding": bars},
        {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {**where, **looks, "tooltip": tips}},
        at_line("chi", 1.0),
        at_line("mean", 0.0, "y"),
    ]
    return panel("Error" if measure == "test_loss" else "Accuracy", rows, layers)


def compare_prior_and_plasticity(tables: Tables) -> list[Comparison]:
    """Nothing is published on this; the contrasts, with their intervals."""
    return [
        Comparison(
            f"{row['contrast']}, {row['window']} deficit, {MEASURES[row['measure']]}",
            "not stated",
            "ours",
            f"{row['mean']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}], n = {row['n']}",
        )
        for row in tables["contrasts"]
    ]
