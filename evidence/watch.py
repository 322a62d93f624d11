"""Does one clean training show when its critical period closes? Rules on its signals against measured sensitivity.

    python evidence/watch.py run STORE [--first 0] [--setups 36] [--seeds 3]
    python evidence/watch.py watch
    python evidence/watch.py judge

A set-up is a data set, a network, a learning rate and a deficit. ``run`` measures each set-up's sensitivity by brute
force (a window sweep of equal recovery, against clean runs of the same length) and watches one clean training of it. A
line for each set-up is appended to ``evidence/watch_setups.jsonl``, and set-ups that are there are not done again.
CIFAR-10 must lie in ``$CRITLAB_DATA``. ``watch`` watches every set-up's clean training anew, for when the watch sees
more than it did.

``judge`` chooses each rule's one parameter on half of the set-ups and reports on the other half: the rank correlation
between sensitivity and the rule's quantity at the onsets, and the error of the closing epoch. Set-ups without a
damage to speak of have no period that could close, and only count in how many they are. It writes
``evidence/watch.csv``.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from closing_rules import FEWEST, settling_step, smoothed
from numpy.typing import NDArray

import critlab
from critlab.analysis.information.exponential_fit import rank_correlation
from critlab.data import load
from critlab.deficits import read_deficit
from critlab.engine.records.provenance import provenance
from critlab.hooks.watch import Watch
from critlab.study import Setup, Study
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipes
from critlab.study.sweeps.sweep import crossing
from critlab.training.examples import to_unit_float
from critlab.training.learner import NetworkLearner

LINES = Path(__file__).with_name("watch_setups.jsonl")
TABLE = Path(__file__).with_suffix(".csv")
ONSETS, LENGTH, RECOVERY = [0, 1, 2, 4, 6, 9], 4, 8
TOTAL = ONSETS[-1] + LENGTH + RECOVERY
PROBE = 128
BUDGET = 1.0
"""Of time, far above what the watch takes by default: these trainings have some hundred steps, and the question is what
the trace says, not what it costs."""

SMALLEST = 0.01
"""Largest damage below which a set-up has no period."""

DATA: dict[str, dict[str, Any]] = {
    "sample": {"name": "sample", "train": 2000, "test": 1000},
    "cifar10": {"name": "cifar10", "train": 2000, "test": 1000},
    "templates": {"name": "watch:templates"},
}
MODELS: dict[str, dict[str, Any]] = {
    "mlp narrow": {"name": "mlp", "hidden": [32]},
    "mlp wide": {"name": "mlp", "hidden": [128, 64]},
    "cnn narrow": {"name": "all_cnn", "width": 4},
    "cnn wide": {"name": "all_cnn", "width": 8},
}
PAIRS = [
    ("sample", "mlp wide"),
    ("templates", "mlp narrow"),
    ("sample", "cnn narrow"),
    ("cifar10", "cnn wide"),
    ("templates", "cnn narrow"),
    ("cifar10", "mlp wide"),
]
RATES = [(0.1, 0.75), (0.03, 0.85)]
DEFICITS: list[dict[str, Any]] = [{"name": "blur", "factor": 7}, {"name": "noise"}, {"name": "random_labels"}]


def templates() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Ten classes of 14 x 14 images under much noise: five smooth pictures, and two fine patterns that halve each."""
    random = np.random.default_rng(0)
    coarse = np.kron(random.random((5, 4, 4)), np.ones((4, 4)))[:, :14, :14]
    fine = random.random((2, 14, 14))

    def drawn(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        labels = np.arange(count) % 10
        images = 0.2 * coarse[labels // 2] + 0.1 * fine[labels % 2] + 0.7 * random.random((count, 14, 14))
        return images[:, None].astype(np.float32), labels.astype(np.int64)

    return drawn(2000), drawn(1000)


def setups() -> list[dict[str, Any]]:
    """Every set-up; those that share a clean training follow each other."""
    return [
        {"data": data, "model": model, "lr": lr, "lr_decay": decay, "deficit": deficit}
        for lr, decay in RATES
        for data, model in PAIRS
        for deficit in DEFICITS
    ]


def label(setup: Mapping[str, Any]) -> str:
    return " ".join(str(setup[part]) for part in ("data", "model", "lr", "lr_decay")) + f" {setup['deficit']['name']}"


def study_of(setup: Mapping[str, Any], seeds: int) -> Study:
    optimizer = {"name": "sgd", "lr": setup["lr"], "lr_decay": setup["lr_decay"], "weight_decay": 0.0005, "batch": 64}
    base = Setup.read(
        {
            "data": DATA[setup["data"]],
            "model": MODELS[setup["model"]],
            "optimizer": {**optimizer, "momentum": 0.9},
            "precision": "float32",
        },
        "set-up",
    )
    return critlab.windows(
        read_deficit(setup["deficit"]),
        onsets=ONSETS,
        length=LENGTH,
        total=TOTAL,
        seeds=seeds,
        base=base,
        name=label(setup),
    )


def watched(study: Study) -> dict[str, Any]:
    """One clean training of the set-up, epoch by epoch, with the watch on."""
    learner = NetworkLearner(study, load(study.data), Numerics())
    clean = max((run for run in study.runs if run.clean), key=lambda run: run.total)
    state = learner.start({"seed": study.seeds[0]})
    probe = learner.examples.normalised(to_unit_float(learner.examples.train_images[:PROBE]))
    watch = Watch(state.model, probe=probe, budget=BUDGET)
    losses, steps = [], 0
    for epoch, recipe in enumerate(recipes(clean, study)):
        seen, told = 0, 0.0
        while (learned := learner.advance(state, recipe, epoch, lambda: True)) is None:
            assert state.progress is not None, "it paused"
            watch.step(loss=(state.progress.loss - told) / (state.progress.counted - seen))
            seen, told = state.progress.counted, state.progress.loss
        losses.append(learned["train_loss"])
        steps = steps or watch.steps + 1
        watch.step(loss=(learned["train_loss"] * learner.length - told) / (learner.length - seen))
    watch.close()
    records = [
        {
            "epoch": record.step / steps,
            "trace": record.trace.value,
            "trace_stderr": record.trace.stderr,
            "loss": None if record.loss is None else record.loss.value,
            "loss_stderr": None if record.loss is None else record.loss.stderr,
            "uncertainty": record.uncertainty.value,
            "gradient_norm": record.gradient_norm,
        }
        for record in watch.history
    ]
    return {"records": records, "train_loss": losses, "overhead": watch.overhead}


def run(store: str, first: int, count: int, seeds: int) -> None:
    torch.set_num_threads(1)
    done = {line["setup"] for line in lines()}
    seen: dict[str, dict[str, Any]] = {}
    for setup in setups()[first : first + count]:
        name, training = label(setup), label({**setup, "deficit": {"name": ""}})
        if name in done:
            continue
        began = time.perf_counter()
        study = study_of(setup, seeds)
        results = critlab.run(study, store, workers=1)
        curve = results.curve()
        if training not in seen:
            seen = {training: watched(study)}
        damages = [[one.damage for one in point.seeds] for point in curve.points]
        line = {
            "setup": name,
            **setup,
            "onsets": [point.at for point in curve.points],
            "damages": damages,
            "control": curve.points[0].control.value,
            **seen[training],
            "seconds": round(time.perf_counter() - began, 1),
            "provenance": dict(provenance()),
        }
        with LINES.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(name, f"{line['seconds']} s", [round(float(np.mean(one)), 3) for one in damages], flush=True)


def rewatch(seeds: int = 3) -> None:
    torch.set_num_threads(1)
    seen: dict[str, dict[str, Any]] = {}
    found = lines()
    for line in found:
        training = label({**line, "deficit": {"name": ""}})
        if training not in seen:
            seen[training] = watched(study_of(line, seeds))
            print(training, flush=True)
        line.update(seen[training])
    LINES.write_text("".join(json.dumps(line) + "\n" for line in found))


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in LINES.read_text().splitlines()] if LINES.exists() else []


Quantity = Callable[[Mapping[str, Any], NDArray[np.float64]], NDArray[np.float64]]


def of_records(name: str) -> Quantity:
    """A quantity of the watch at given epochs, between its records on straight lines."""

    def at(line: Mapping[str, Any], epochs: NDArray[np.float64]) -> NDArray[np.float64]:
        known = [(one["epoch"], one[name]) for one in line["records"] if one[name] is not None]
        places, values = zip(*known, strict=True)
        return np.interp(epochs, places, values)

    return at


def loss(line: Mapping[str, Any], epochs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The training loss, each epoch's mean in its middle."""
    return np.interp(epochs, np.arange(TOTAL) + 0.5, line["train_loss"])


def time_left(line: Mapping[str, Any], epochs: NDArray[np.float64]) -> NDArray[np.float64]:
    return TOTAL - epochs


GRID = np.linspace(0, TOTAL, 161)
LEVELS = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9]


def falls_to(quantity: Quantity, level: float, line: Mapping[str, Any]) -> float:
    """The epoch at which a quantity comes down to a level: 0 is its least value after the peak, 1 the peak."""
    values = quantity(line, GRID)
    peak = int(values.argmax())
    least = values[peak:].min()
    below = np.flatnonzero((values[peak:] - least) <= level * (values[peak] - least) + 1e-12)
    return float(GRID[peak + below[0]]) if len(below) else float(TOTAL)


def falls_to_share(quantity: Quantity, level: float, line: Mapping[str, Any]) -> float:
    """The epoch at which a quantity falls to a share of its peak, or the end of the training."""
    values = quantity(line, GRID)
    peak = int(values.argmax())
    below = np.flatnonzero(values[peak:] <= level * values[peak])
    return float(GRID[peak + below[0]]) if len(below) else float(TOTAL)


def told(line: Mapping[str, Any], epochs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The training loss of the watch's records, smoothed."""
    return np.interp(epochs, *_told(line))


def settles(quantity: Quantity, level: float, line: Mapping[str, Any]) -> float:
    """Where the loss has come most of its way to where it comes to rest, after the training; at most its end."""
    at, losses = _told(line)
    return min(float(settling_step(at, losses[None], level)[0]), float(TOTAL))


def settles_so_far(quantity: Quantity, level: float, line: Mapping[str, Any]) -> float:
    """When that is first so while the training runs."""
    at, losses = _told(line)
    for known in range(FEWEST, len(at) + 1):
        if settling_step(at[:known], losses[None, :known], level)[0] <= at[known - 1]:
            return float(at[known - 1])
    return float(TOTAL)


def _told(line: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ends = np.array([one["epoch"] for one in line["records"]])
    return (np.concatenate([[0.0], ends[:-1]]) + ends) / 2, smoothed(np.array([one["loss"] for one in line["records"]]))


RULES: dict[str, tuple[Quantity, Callable[[Quantity, float, Mapping[str, Any]], float]]] = {
    "trace falls to a share of its peak": (of_records("trace"), falls_to_share),
    "trace falls most of its way": (of_records("trace"), falls_to),
    "gradient norm falls to a share of its peak": (of_records("gradient_norm"), falls_to_share),
    "training loss falls most of its way": (loss, falls_to),
    "training loss comes most of its way to where it is heading, after the training": (told, settles),
    "training loss comes most of its way to where it is heading, as the training runs": (told, settles_so_far),
    "uncertainty falls most of its way": (of_records("uncertainty"), falls_to),
    "fixed share of the training": (time_left, falls_to_share),
}


def measured_closing(line: Mapping[str, Any]) -> float:
    """Where damage falls to half of its largest; NaN without a damage to speak of, infinite where it does not fall."""
    means = np.array([np.mean(one) for one in line["damages"]])
    if means.max() < SMALLEST:
        return float("nan")
    return float(crossing(np.array(line["onsets"], dtype=float), means, "down_after_peak"))


def correlation(quantity: Quantity, line: Mapping[str, Any]) -> float:
    onsets = np.array(line["onsets"], dtype=float)
    return rank_correlation([float(np.mean(one)) for one in line["damages"]], quantity(line, onsets))


def judge() -> list[dict[str, Any]]:
    """One row a rule: its parameter, chosen on every other set-up, and how it does on the rest."""
    everything = lines()
    closings = {line["setup"]: measured_closing(line) for line in everything}
    with_period = [line for line in everything if not np.isnan(closings[line["setup"]])]
    closing = [line for line in with_period if np.isfinite(closings[line["setup"]])]
    half, rest = closing[::2], closing[1::2]
    rows = []
    for name, (quantity, rule) in RULES.items():

        def error(level: float, line: Mapping[str, Any], rule: Any = rule, quantity: Quantity = quantity) -> float:
            return abs(rule(quantity, level, line) - closings[line["setup"]])

        level = min(LEVELS, key=lambda one: float(np.mean([error(one, line) for line in half])) if half else 0.0)
        errors = [error(level, line) for line in rest]
        spread = float(np.std(errors, ddof=1) / len(errors) ** 0.5) if len(errors) > 1 else None
        correlations = [correlation(quantity, line) for line in rest]
        rows.append(
            {
                "rule": name,
                "level": level,
                "setups": len(everything),
                "with_a_period": len(with_period),
                "that_closes": len(closing),
                "reported_on": len(rest),
                "mean_error_epochs": float(np.mean(errors)) if errors else None,
                "error_stderr": spread,
                "median_rank_correlation": float(np.median(correlations)) if correlations else None,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("store")
    runs.add_argument("--first", type=int, default=0, help="so that two processes can share the set-ups")
    runs.add_argument("--setups", type=int, default=len(setups()))
    runs.add_argument("--seeds", type=int, default=3)
    commands.add_parser("watch")
    commands.add_parser("judge")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.store, arguments.first, arguments.setups, arguments.seeds)
        return
    if arguments.command == "watch":
        rewatch()
        return
    rows = judge()
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
