"""critlab against a plain PyTorch loop on the same study, on the machine at hand.

    python benchmarks/training.py [--parts study epoch workers planner store fisher tests] [--out results/benchmarks]

The study is a removal sweep of blur on CIFAR-10. Both sides are started as commands and timed from their start to their
end; both train the same network on the same images with the same batch and schedule, and test after every epoch. The
plain loop (``benchmarks/plain_loop.py``) trains every run from scratch with two threads and the faster of no and two
loader workers; critlab runs with one worker a core, in the precision that it chooses itself, and reads no Fisher
information. ``--plain-epochs N`` times N epochs of the plain loop and counts the others with them: quick, but without
accuracies to compare. Ratios mean something on a machine that does nothing else: the load is written beside them.

``--train 1000 --test 500 --removals 0 1 --recovery 2`` shows in minutes how it works.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from commands import timed
from machine import described, matmul_peak, training_flops
from scipy import stats

from critlab._core.threads import one_thread
from critlab.analysis.tables.reading import read_results
from critlab.data import load
from critlab.data.checks import Split
from critlab.data.image_set import ImageSet
from critlab.deficits import Blur
from critlab.engine.planning.numerics import decide
from critlab.engine.records.standing import read_record
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.tasks.events import Read, StateReached, Trained
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.writer import Writer
from critlab.measures import FisherTrace
from critlab.measures.reading import Reading
from critlab.papers import all_cnn_cifar10
from critlab.report.documents.study_text import study_text
from critlab.store import Store
from critlab.study.constructors import removal
from critlab.study.ingredients.measurement import TEST, Measurement, scheduled_measures
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipes
from critlab.study.runs.tree import build
from critlab.study.study import Study
from critlab.training.learner import NetworkLearner
from critlab.training.precision import step_seconds

PARTS = ("study", "epoch", "workers", "planner", "store", "fisher", "tests")
FINAL_EPOCHS = 3
ALONE = {"delay": False, "clocks": ()}
"""No default controls: the plain loop trains the runs of the sweep alone."""
TESTED = ((2_000, 1), (10_000, 1), (10_000, 5), (10_000, 10))
"""How many images a test has, and how many epochs lie between two tests before the final ones."""


@dataclass(frozen=True)
class Line:
    """One number: of which part, what it is, its unit, and what is asked of it where something is."""

    part: str
    what: str
    value: float
    unit: str
    asked: str = ""


@dataclass(frozen=True)
class Setting:
    """What is run."""

    width: int
    train: int
    test: int
    removals: tuple[int, ...]
    recovery: int
    seeds: int
    data: str
    folder: Path | None
    plain_epochs: int | None
    workers: int

    def study(self, width: int | None = None, **changes: Any) -> Study:
        base = all_cnn_cifar10(width=width or self.width, train=self.train, test=self.test, lr_decay=0.85)
        data = base.data.model_copy(update={"name": self.data})
        evaluation = base.evaluation.model_copy(update={"every": 1})
        bare = base.model_copy(update={"measures": {}, "data": data, "evaluation": evaluation})
        sweep = {"at": self.removals, "recovery": self.recovery, "seeds": self.seeds}
        parts: dict[str, Any] = {**sweep, "controls": ALONE, **changes}
        return removal(Blur(factor=4), base=bare, name="benchmark", **parts)


def whole_study(setting: Setting, folder: Path) -> Iterable[Line]:
    """Both sides on the whole study."""
    study = setting.study()
    yield from _both(study, setting, folder, "study", "5 with AMX, 2.1 with AVX2")


def wide_epoch(setting: Setting, folder: Path) -> Iterable[Line]:
    """One epoch at the paper's width: two seeds beside each other here, one after the other in the plain loop."""
    study = setting.study(width=96, at=[0], recovery=1, seeds=2)
    yield from _both(study, setting, folder, "epoch, width 96", "4 with AMX")


def _both(study: Study, setting: Setting, folder: Path, part: str, asked: str) -> Iterable[Line]:
    path = folder / "study.toml"
    path.write_text(study_text(study))
    plain = _plain(study, path, setting)
    ours = _critlab(study, path, folder / "store", setting, setting.workers)
    shown = study.epochs() * (study.data.epoch or setting.train)
    yield Line(part, "plain loop", plain["seconds"], "s")
    yield Line(part, "critlab", ours["seconds"], "s")
    yield Line(part, "ratio", plain["seconds"] / ours["seconds"], "times", asked)
    yield Line(part, "plain loop, images shown", shown / plain["seconds"], "images/s")
    yield Line(part, "critlab, images trained", ours["images"] / ours["seconds"], "images/s")
    yield Line(part, "epochs from scratch over epochs trained", study.epochs() / ours["epochs"], "times")
    yield Line(part, "plain loop, peak memory of its first process", plain["peak_mb"], "MB")
    yield Line(part, "critlab, peak memory of one worker", ours["peak_mb"], "MB", "600 above the data")
    shape = study.data.shape() or (3, 32, 32)
    flops = training_flops(study.model.build(shape, 10), shape)
    rate = flops * ours["images"] / ours["seconds"] / setting.workers
    peak = matmul_peak(ours["precision"])
    yield Line(part, f"matrix product, one thread, {ours['precision']}", peak / 1e9, "GFLOP/s")
    share = "58 %" if part != "study" else ""
    yield Line(part, "critlab, one worker, tests included", 100 * rate / peak, "% of that", share)
    if plain["runs"] and study.epochs() > len(study.seeds):
        yield from _accuracies(study, plain["runs"], ours["runs"], part)


def _plain(study: Study, path: Path, setting: Setting) -> dict[str, Any]:
    """The plain loop's answer, with the faster number of loader workers."""

    def told(*more: str) -> dict[str, Any]:
        command = [sys.executable, str(Path(__file__).with_name("plain_loop.py")), str(path), *more]
        folder = ["--data", str(setting.folder)] if setting.folder else []
        done = timed([*command, *folder])
        return {**json.loads(done.out), "seconds": done.seconds}

    def one(count: int) -> float:
        """Seconds of an epoch, the start left out where there is more than one."""
        few, more = (told("--epochs", str(n), "--loader-workers", str(count)) for n in (1, 1 + (most or 1)))
        return float(more["seconds"] - few["seconds"]) / (most or 1)

    # an epoch without the start shows only where there is a second one
    longest = study.runs[-1].total
    most = min(setting.plain_epochs or 1, longest - 1)
    epoch = {count: one(count) for count in (0, 2)} if longest > 1 else {0: 1.0}
    best = min(epoch, key=lambda count: epoch[count])
    if setting.plain_epochs is None or longest == 1:
        return told("--loader-workers", str(best))
    start = told("--epochs", "1", "--loader-workers", str(best))
    return {**start, "runs": [], "seconds": start["seconds"] + epoch[best] * (study.epochs() - 1)}


def _critlab(study: Study, path: Path, store: Path, setting: Setting, workers: int) -> dict[str, Any]:
    """What ``critlab run`` takes in a new store, and what came of it."""
    command = [sys.executable, "-m", "critlab.cli", "run", str(path), "--store", str(store), "--device", "cpu"]
    folder = ["--data", str(setting.folder)] if setting.folder else []
    done = timed([*command, *folder, "--workers", str(workers)])
    record = read_record(Store(store), study)
    assert record is not None, "a study that was run has a record"
    epochs = build(study).epochs * len(study.seeds)
    runs: dict[tuple[Any, int], list[float]] = defaultdict(list)
    results = read_results(study, Store(store))
    spent = results.provenance["seconds of training"] + results.provenance["seconds of measuring"]
    at = {outcome.name: (outcome.run.at, outcome.seed) for outcome in results.outcomes}
    for row in results.rows:
        if row.quantity == "test_accuracy":
            runs[at[row.run]].append(row.value)
    return {
        "seconds": done.seconds,
        "epochs": epochs,
        "each": spent / epochs,
        "images": epochs * (study.data.epoch or setting.train),
        "precision": record.numerics.precision,
        "peak_mb": done.peak_mb,
        "runs": [{"at": place, "seed": seed, "accuracy": found} for (place, seed), found in runs.items()],
    }


def _accuracies(study: Study, plain: list[Any], ours: list[Any], part: str) -> Iterable[Line]:
    """Final test accuracies of both, by removal epoch, with 95 % t intervals over seeds where there are several."""
    for run in study.runs:
        both = []
        for name, runs in (("plain loop", plain), ("critlab", ours)):
            last = [one["accuracy"][-FINAL_EPOCHS:] for one in runs if one["at"] == run.at]
            both.append([sum(accuracies) / len(accuracies) for accuracies in last])
            yield Line(part, f"accuracy, removal at {run.at}, {name}", 100 * sum(both[-1]) / len(last), "%")
        if min(map(len, both)) > 1:
            gap = stats.ttest_ind(both[1], both[0], equal_var=False).confidence_interval()
            what = f"critlab minus plain, removal at {run.at}"
            yield Line(part, f"{what}, lower end", 100 * gap.low, "points", "at most 0")
            yield Line(part, f"{what}, upper end", 100 * gap.high, "points", "at least 0")


def scaling(setting: Setting, folder: Path) -> Iterable[Line]:
    """Throughput of several workers over that of one, and whether the planner foresaw the time."""
    study = setting.study(at=[0], recovery=2, seeds=2 * setting.workers)
    path = folder / "study.toml"
    path.write_text(study_text(study))
    rates, at_work = {}, {}
    foreseen = _planned(path, folder / "none", setting, "--measure", "--workers", str(setting.workers))
    for workers in (1, setting.workers):
        done = _critlab(study, path, folder / f"store-{workers}", setting, workers)
        rates[workers] = done["images"] / done["seconds"]
        yield Line("workers", f"{workers} workers, from start to end", rates[workers], "images/s")
        yield Line("workers", f"{workers} workers, an epoch and its test in one of them", done["each"], "s")
        at_work[workers] = workers / done["each"]
    for what, found in (("from start to end", rates), ("while at work", at_work)):
        gain = found[setting.workers] / found[1]
        yield Line("workers", f"{setting.workers} workers over 1, {what}", gain, "times", "1.9 of 2")
    ratio = foreseen["seconds"] / done["seconds"]
    yield Line("workers", "time that plan --measure foresaw over the time taken", ratio, "times", "0.8 to 1.2")


def _plan_command(path: Path, store: Path) -> list[str]:
    return [sys.executable, "-m", "critlab.cli", "plan", str(path), "--store", str(store), "--json"]


def _planned(path: Path, store: Path, setting: Setting, *more: str) -> dict[str, Any]:
    """What ``critlab plan`` says."""
    folder = ["--data", str(setting.folder)] if setting.folder else []
    told: dict[str, Any] = json.loads(timed([*_plan_command(path, store), *folder, *more]).out)
    return told


def planner(setting: Setting, folder: Path) -> Iterable[Line]:
    """``critlab plan`` of 10,000 runs."""
    study = setting.study(at=list(range(0, 100, 10)), recovery=100, seeds=1000)
    path = folder / "many.toml"
    path.write_text(study_text(study))
    done = timed(_plan_command(path, folder / "none"))
    yield Line("planner", f"plan of {json.loads(done.out)['runs']:,} runs", done.seconds, "s", "3")
    yield Line("planner", "of that, processor time", done.processor_seconds, "s")


def store_overhead(setting: Setting, folder: Path) -> Iterable[Line]:
    """What writing an epoch down takes: its state, its test reading, its record."""
    study = setting.study(seeds=1)
    tree, names = build(study), StudyIds(study, "fingerprint", Numerics())
    learner = NetworkLearner(study, load(study.data, setting.folder), Numerics())
    arrays = learner.pack(learner.start({"seed": 0}))
    writer = Writer(Store(folder / "written"), names, Task(0, "", (), (), True, 0))
    paths = [path for path in tree.nodes if path][:20]
    readings = (Reading("test_accuracy", "", 0.5, 0.0), Reading("test_loss", "", 1.0, 0.0))
    began = time.perf_counter()
    for path in paths:
        writer.write(StateReached(path, arrays, True))
        writer.write(Read(path, "test", readings, 0.1))
        writer.write(Trained(path, {"status": "done", "origin": names.origin(0), "path": path, "seconds": 1.0}))
    each = (time.perf_counter() - began) / len(paths)
    yield Line("store", "an epoch's state, reading and record", 1e3 * each, "ms", "20 at epochs of a second")


def fisher(setting: Setting, folder: Path) -> Iterable[Line]:
    """The Fisher trace of 1,024 images, in epochs, by processor time of one thread."""
    study, options = setting.study(), FisherTrace(images=min(1024, setting.train))
    images = load(study.data, setting.folder)
    numerics = decide(study, images, None).numerics
    step = step_seconds(study, images, recipes(study.runs[-1], study)[0])[numerics.precision]
    learner = NetworkLearner(study, images, numerics)
    state = learner.start({"seed": 0})
    with one_thread():
        for _ in range(2):  # the first one also pays for what is set up once
            began = time.process_time()
            learner.measure(state, Measurement("fisher_trace", options, None))
            seconds = time.process_time() - began
    yield Line("fisher", "an image, in training steps of an image", seconds / options.images / step, "steps", "1")
    yield Line("fisher", "of an epoch of 10,000 images", 100 * seconds / step / 10_000, "%", "10")
    yield Line("fisher", "of an epoch of 50,000 images", 100 * seconds / step / 50_000, "%", "2.5")


def tests(setting: Setting, folder: Path) -> Iterable[Line]:
    """The tests of a removal sweep for one seed, by processor time of one thread, on images that are noise."""
    dice = np.random.default_rng(0)

    def noise(count: int) -> Split:
        images = dice.integers(256, size=(count, 3, 32, 32)).astype(np.uint8)
        return Split(images, (np.arange(count) % 10).astype(np.int64))

    study = setting.study(at=[0, 4, 8, 16, 24], recovery=24, seeds=1)
    recipe = recipes(study.runs[-1], study)[0]
    test = Measurement(TEST, None, recipe, by_image=True)
    seconds: dict[int, float] = {}
    with one_thread():
        for count in sorted({count for count, _ in TESTED}):
            learner = NetworkLearner(study, ImageSet.of(noise(2_000), noise(count), 10), Numerics())
            state = learner.start({"seed": 0})
            learner.advance(state, recipe, 0)  # also what is set up once
            rounds = [_processor_seconds(partial(learner.measure, state, test)) for _ in range(3)]
            seconds[count] = min(rounds)
        step = min(_processor_seconds(partial(learner.advance, state, recipe, 1)) for _ in range(2)) / 2_000
    trained = build(study).epochs * setting.train * step
    for count, every in TESTED:
        sparse = study.model_copy(update={"evaluation": study.evaluation.model_copy(update={"every": every})})
        due = sum(TEST in scheduled_measures(sparse, node) for node in build(sparse).nodes.values())
        what = f"{count:,} images every {every} epochs" if every > 1 else f"{count:,} images after every epoch"
        yield Line("tests", what, due * seconds[count], "s")
        yield Line("tests", f"{what}, of the time of training", 100 * due * seconds[count] / trained, "%")


def _processor_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


JOBS: dict[str, Callable[[Setting, Path], Iterable[Line]]] = {
    "study": whole_study,
    "epoch": wide_epoch,
    "workers": scaling,
    "planner": planner,
    "store": store_overhead,
    "fisher": fisher,
    "tests": tests,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--train", type=int, default=10_000)
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--removals", type=int, nargs="+", default=[0, 2, 4, 6, 8, 10])
    parser.add_argument("--recovery", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--data-set", default="cifar10", choices=["cifar10", "sample"])
    parser.add_argument("--data", type=Path, help="the folder of the data")
    parser.add_argument("--plain-epochs", type=int, help="time so many epochs of the plain loop, not all")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    given = parser.parse_args()
    setting = Setting(
        given.width,
        given.train,
        given.test,
        tuple(given.removals),
        given.recovery,
        given.seeds,
        given.data_set,
        given.data,
        given.plain_epochs,
        given.workers,
    )
    for part in given.parts:
        about, lines = described(), []
        print("\n".join(f"{key}: {value}" for key, value in about.items()), "\n")
        with tempfile.TemporaryDirectory() as folder:
            for line in JOBS[part](setting, Path(folder)):
                lines.append(line)
                print(f"{line.part:<16} {line.what:<58} {line.value:>12,.2f} {line.unit:<10} {line.asked}", flush=True)
        written(given.out, part, about, setting, lines)


def written(folder: Path, part: str, about: dict[str, object], setting: Setting, lines: list[Line]) -> None:
    """A part's machine, setting and numbers as JSON, and the numbers as CSV; other parts' files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = {key: value for key, value in asdict(setting).items() if key != "folder"}
    whole = {"machine": about, "setting": asked, "lines": [asdict(line) for line in lines]}
    (folder / f"training_{part}.json").write_text(json.dumps(whole, indent=1) + "\n")
    with (folder / f"training_{part}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["part", "what", "value", "unit", "asked"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(line) for line in lines)
    print(f"\n{folder / f'training_{part}.json'}\n{folder / f'training_{part}.csv'}\n")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
