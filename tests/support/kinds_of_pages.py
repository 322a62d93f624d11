"""One page of each kind from made-up data; only the page of a probe is of a training, which takes moments."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import critlab
from critlab._core.estimate import Estimate
from critlab.analysis.sources.prime_window import PrimeWindow
from critlab.analysis.timing import TimingTable, judge_timing
from critlab.deficits import FeatureDropout
from critlab.hooks.sensitivity.answer import DeficitSensitivity, Sensitivity
from critlab.hooks.sensitivity.course import Course
from critlab.hooks.watch.page.page import findings as watched
from critlab.hooks.watch.records.record import Record
from critlab.papers.registry import FIGURES
from critlab.report import report
from critlab.report.findings import Findings
from critlab.report.index import IndexRow, index_page
from critlab.report.page import Shown
from critlab.report.text.timing.timing import TimingWords
from critlab.report.timing import timing_findings
from critlab.theory.linear.playing import playing_page
from made_up import answer, tables
from own_loops import SmallLoop
from synthetic import synthetic_results, with_whole_trace


def removal_and_window() -> list[Shown]:
    """Two studies with controls; five seeds, and three."""
    removal = with_whole_trace(synthetic_results(at=(0, 5, 10, 20, "never")))
    return [removal, with_whole_trace(synthetic_results(kind="window", at=(0, 4, 8), recovery=12))]


def two_sources() -> list[Shown]:
    """A figure of two sources: units, filters, sources, and a comparison with published numbers."""
    found: Any = answer("rsv", FIGURES["rsv"], 1)
    return [figure("rsv"), *found.values()]


def figure(name: str) -> Findings:
    """A figure of a theory, or the whole of a figure that is trained."""
    one = FIGURES[name]
    found: Any = tables(name, 1) if one.studies is None else answer(name, one, 1)
    command = f"critlab reproduce {name} --scale small"
    return Findings(name, one.question, one.source, one.charts(found), one.comparisons(found), {"cores": 2}, command)


def switch_times() -> list[Shown]:
    """When to switch."""
    noise = np.random.default_rng(0).normal(0, 0.003, (5, 5))
    table = TimingTable((0, 5, 10, 15, 20), tuple(range(5)), np.array([0.5, 0.7, 0.7, 0.6, 0.5])[:, None] + noise, 20)
    timing = judge_timing(table, tolerance=0.01, present=15)
    words = TimingWords("mixup", "accuracy", fraction=True, direction="off")
    return [
        timing_findings(
            "mixup", {"accuracy": timing}, {"accuracy": words}, ["Turn mixup off at epoch 5."], {"spent": "400"}
        )
    ]


def record(step: int, groups: bool = False) -> Record:
    """A record of a watch, every number a function of ``step``."""
    trace = 40 * math.exp(-step / 400) + 5
    shares = {"conv1": 0.5 - step / 5000, "conv2": 0.3, "head": 0.2 + step / 5000}
    layers = {name: Estimate(trace * share, 0.05 * trace) for name, share in shares.items()}
    windows = {"left": PrimeWindow(step < 300, 0.0), "right": PrimeWindow(step < 600 if step else None, 0.0)}
    return Record(
        groups={"left": Estimate(trace / 3, 0.1), "right": Estimate(trace / 2, 0.1)} if groups else {},
        windows=windows if groups else {},
        step=step,
        looks=8,
        examples=32,
        trace=Estimate(trace, 0.04 * trace),
        uncertainty=Estimate(2 / (1 + step / 100), 0.05),
        loss=Estimate(trace / 20, 0.02),
        layers=layers,
        shares=shares,
        movement=0.02,
        movement_by_chance=0.01,
        gradient_norm=trace / 10,
        gradient_signal_to_noise=0.2 + step / 3000,
        gradient_clipped=False,
        path=0.01 * step,
        lr=0.1,
        seconds=float(step),
        overhead=0.01,
    )


def course() -> Course:
    """Forks of two deficits: a period that closes, and one that stays open."""
    random = np.random.default_rng(1)
    looks = []
    for epoch in (0, 2, 4, 8, 16):
        look = {}
        for name, truth in (("blur", 0.08 * math.exp(-epoch / 3)), ("label noise", 0.05)):
            repeats = tuple((float(value),) for value in random.normal(truth, 0.004, 6))
            look[name] = DeficitSensitivity(name, epoch, 40, 1, repeats, 0.01, None, 0)
        looks.append(Sensitivity(look, epoch, 6))
    return Course(tuple(looks))


def probe() -> list[Shown]:
    """A probe of a user's own loop: data, model and learning rate that critlab does not know."""
    with tempfile.TemporaryDirectory() as store:
        asked: Any = {"at": [0, 2], "recovery": 2, "seeds": 3, "name": "my-loop"}
        return [critlab.probe(SmallLoop, deficit=FeatureDropout(share=0.5), store=store, **asked)]


KINDS: dict[str, Callable[[], list[Shown]]] = {
    "study": removal_and_window,
    "two sources": two_sources,
    "theory": lambda: [figure("phase")],
    "kernels": lambda: [figure("kernels")],
    "probe": probe,
    "when": switch_times,
    "watch": lambda: [watched([record(step, True) for step in range(0, 1000, 50)], "ResNet")],
    "forks": lambda: [watched([record(step) for step in range(0, 1000, 50)], "ResNet", course=course())],
}


def index() -> str:
    """An index of three studies: one done, one running, one whose code is not here."""
    question = "Does blur (factor 4), present from the start and then removed, leave lasting damage?"
    blur, noise = "Blur in mlp on sample", "Noise in mlp on sample"
    rows = (
        IndexRow("first", blur, question, "done", "present", "present", "Harm of 3.4 points.", "a.html"),
        IndexRow("second", noise, question, "running", "running", "running", "25 of 252 epochs.", "b.html"),
        IndexRow("third", "third", "", "", "undecided", "not read", "It uses my.module:net, your own code."),
    )
    return index_page(rows, "critlab-store")


WHOLE: dict[str, Callable[[], str]] = {
    "index": index,
    "phase to play with": lambda: playing_page("phase"),
    "pathways to play with": lambda: playing_page("pathways"),
}
"""Pages without the frame of the others."""


def written(kind: str, folder: Path) -> Path:
    """The page of that kind in ``folder``."""
    path = folder / f"{kind.replace(' ', '-')}.html"
    if kind in WHOLE:
        folder.mkdir(exist_ok=True)
        path.write_text(WHOLE[kind](), encoding="utf-8")
        return path
    return report(KINDS[kind](), path)
