"""How the commands grow with the size of a study: time and memory over stores that nothing had to be trained for.

    python benchmarks/growth.py [--shapes seeds arms points] [--folder DIR] [--out results/benchmarks]

The engine's own writer writes each store: sealed records of epochs, test readings and Fisher traces with made-up
numbers, under the names that a run would give them. Then each command is started as a user starts it, and timed.
A study grows in one of three directions: ``seeds`` (five runs a seed), ``arms`` (negative controls, three points and
two seeds each) or ``points`` (removal epochs, two seeds each). The work of most commands is the records. ``export``
and ``report`` also list every epoch of every run: their work is the rows of the table, which grow with the square of
the points, since later removals make longer runs. ``exponent`` is the slope of log(processor seconds) over log(work)
from the next smaller study; 1 is linear. ``--folder`` on a memory disk leaves out what flushing costs.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from pathlib import Path

from commands import timed

from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import enter
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.tasks.events import Read, Trained
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.writer import Writer
from critlab.measures.reading import Reading
from critlab.report.documents.study_text import study_text
from critlab.store import Store
from critlab.study.ingredients.measurement import scheduled_measures
from critlab.study.runs.origin import Numerics
from critlab.study.runs.tree import ROOT, Node, Tree, build
from critlab.study.study import Study

SIZES = {"seeds": (200, 1000, 4000), "arms": (50, 100, 500), "points": (25, 50, 100)}
"""How many seeds, negative controls or removal epochs; 4,000 seeds are 20,000 runs and 200,000 records."""

COMMANDS = ("plan", "status", "export", "report", "verify", "gc")
LAYERS = ("conv1", "conv2", "head")


@dataclass(frozen=True)
class Line:
    """One measurement.

    Args:
        shape: the direction in which the study grows.
        size: how many seeds, arms or points.
        runs: networks, all seeds counted.
        records: files in the store.
        rows: rows of the tidy table.
        command: what was timed.
        seconds: from start to end.
        processor_seconds: what it took of the processor, beyond a command that has nothing to do.
        peak_mb: of the largest process.
        out_mb: the file that it wrote.
        exponent: of the growth since the next smaller study; None for the smallest.
    """

    shape: str
    size: int
    runs: int
    records: int
    rows: int
    command: str
    seconds: float
    processor_seconds: float
    peak_mb: float
    out_mb: float
    exponent: float | None = None


def study_of(shape: str, size: int) -> Study:
    """The study of that shape."""
    at = {"seeds": [0, 1, 2, 3, 4], "arms": [0, 5, 10, 20], "points": list(range(size))}[shape]
    controls = [{"name": "data_subset", "count": 2 + i} for i in range(size)] if shape == "arms" else []
    return Study.read(
        {
            "name": f"growth-{shape}-{size}",
            "seeds": size if shape == "seeds" else 2,
            "precision": "float32",
            "data": {"name": "sample", "train": 1000, "test": 1000},
            "model": {"name": "all_cnn", "width": 8},
            "optimizer": {"name": "sgd", "lr": 0.05, "lr_decay": 0.97, "momentum": 0.9, "batch": 50},
            "deficit": {"name": "blur", "factor": 7},
            "sweep": {"kind": "removal", "at": at, "recovery": 4},
            "controls": {"deficits": controls},
            "measures": {"fisher_trace": {"every": 4}},
        },
        shape,
    )


def fill(study: Study, store: Store) -> int:
    """Writes everything that a finished ``study`` has but its checkpoints, with made-up numbers.

    Returns:
        The number of records.
    """
    numerics, tree = Numerics(precision="float32"), build(study)
    names = StudyIds(study, "0" * 64, numerics)
    made_by = {**provenance(), "device": "cpu"}
    enter(store, study, StudyRecord(study.model_dump(mode="json"), "0" * 64, numerics, made_by))
    written = 1
    for seed in study.seeds:
        writer = Writer(store, names, Task(seed, ROOT, (), (), True, 0))
        for event in _events(study, tree, names, seed):
            writer.write(event)
            written += 1
    return written


def _events(study: Study, tree: Tree, names: StudyIds, seed: int) -> Iterator[Read | Trained]:
    for path, node in tree.nodes.items():
        for measure in scheduled_measures(study, node):
            yield Read(path, measure, _readings(measure, node, seed), 0.1)
        if node.recipe is not None:
            origin, recipe = names.origin(seed), node.recipe.identity()
            place = {"origin": origin, "path": path, "parent": node.parent, "epoch": node.epoch, "recipe": recipe}
            learned = {"train_loss": 2.3 - 0.01 * node.epoch, "train_accuracy": _accuracy(node, seed) + 0.05}
            yield Trained(path, {"status": "done", **place, "seconds": 1.0, "kept": False, **learned})


def _accuracy(node: Node, seed: int) -> float:
    """Higher with each epoch, lower under a deficit, different for each seed."""
    cost = 0.1 if node.recipe is not None and node.recipe.deficit is not None else 0.0
    return 0.8 - 0.5 * math.exp(-node.epoch / 4) - cost + 0.002 * math.sin(seed + 0.7 * node.epoch)


def _readings(measure: str, node: Node, seed: int) -> tuple[Reading, ...]:
    if measure == "test":
        accuracy = _accuracy(node, seed)
        return Reading("test_accuracy", "", accuracy, 0.0), Reading("test_loss", "", 3 * (1 - accuracy), 0.0)
    return tuple(Reading(measure, layer, 10.0 + node.epoch, 0.5) for layer in ("", *LAYERS))


def measured(shape: str, size: int, folder: Path, least: float) -> Iterator[Line]:
    """Every command over one new store.

    Args:
        shape: see :data:`SIZES`.
        size: see there.
        folder: an empty one.
        least: processor seconds of a command that has nothing to do.
    """
    study, store, path = study_of(shape, size), Store(folder / "store"), folder / "study.toml"
    path.write_text(study_text(study))
    began = time.perf_counter()
    # apart, so that this process stays small: a command's peak memory counts that of the process that starts it
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        records = apart.submit(fill, study, store).result()
    print(f"{study.name}: {records:,} records in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    runs = len(study.runs) * len(study.seeds)
    rows = 0
    for name in ("export", *(name for name in COMMANDS if name != "export")):
        out = folder / ("page.html" if name == "report" else f"{name}.out")
        arguments = [sys.executable, "-m", "critlab.cli", name, *([] if name in ("verify", "gc") else [str(path)])]
        arguments += [
            "--store",
            str(store.root),
            *(["--out", str(out)] if name in ("export", "report") else ["--json"]),
        ]
        # checkpoints were not written, which verify may hold against the store
        done = timed(arguments, (0, 1) if name == "verify" else (0,))
        if name == "export":
            with out.open() as lines:
                rows = sum(1 for _ in lines) - 1
        written = out.stat().st_size if out.exists() else len(done.out)
        spent = (done.seconds, max(done.processor_seconds - least, 0.01), done.peak_mb, written / 1e6)
        line = Line(shape, size, runs, records, rows, name, *spent)
        print(f"  {name}: {line.seconds:.2f} s, {line.peak_mb:.0f} MB", file=sys.stderr, flush=True)
        yield line


def with_exponents(lines: list[Line]) -> Iterator[Line]:
    """Each line with the exponent of its growth since the next smaller study of its shape."""
    for line in lines:
        same = (one for one in lines if (one.shape, one.command) == (line.shape, line.command))
        smaller = [one for one in same if one.size < line.size]
        exponent = None
        if smaller:
            before = max(smaller, key=lambda one: one.size)
            work = [one.rows if line.command in ("export", "report") else one.records for one in (before, line)]
            exponent = round(
                math.log(line.processor_seconds / before.processor_seconds) / math.log(work[1] / work[0]), 2
            )
        yield Line(**{**asdict(line), "exponent": exponent})


def main() -> None:
    """Measures, and writes for each shape a CSV, and the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=sorted(SIZES), default=sorted(SIZES))
    parser.add_argument("--sizes", nargs="+", type=int, help="in place of the usual ones")
    parser.add_argument("--folder", type=Path, help="where the stores lie while they are measured")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    asked = parser.parse_args()
    least = timed([sys.executable, "-m", "critlab.cli", "list", "measures", "--json"]).processor_seconds
    asked.out.mkdir(parents=True, exist_ok=True)
    for shape in asked.shapes:
        lines: list[Line] = []
        for size in asked.sizes or SIZES[shape]:
            with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
                lines += measured(shape, size, Path(folder), least)
        with (asked.out / f"growth_{shape}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Line)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(line) for line in with_exponents(lines))
    from machine import described  # brings torch in, whose memory would count as that of each command

    for shape in asked.shapes:
        about = {**described(), "least_processor_seconds": least}
        (asked.out / f"growth_{shape}.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
