"""``critlab.probe`` on one core and on several: the time of both in one run, and whether their tables are the same.

    python benchmarks/probe_cores.py [--workers 2] [--seeds 4] [--scale 4] [--repeats 3] [--out results/benchmarks]

The loop is ``sample_loop:SampleLoop``, a small convolutional network on one thread. Each repeat makes two new stores:
with one worker, in the calling process, and with several worker processes, whose start, with the import of torch and
the reading of the data, counts. ``ratio`` is the time with several through the time with one; the repeats take turns
in which comes first. A busy machine cannot show the ratio: ``load`` says how busy it was.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import described

import critlab
from critlab.deficits import Blur
from critlab.hooks.own_loop.probe import probe


def asked(seeds: int, scale: int) -> dict[str, Any]:
    """A removal sweep with its controls; ``scale`` multiplies its epochs."""
    return {
        "deficit": Blur(factor=4),
        "at": [0, scale, 2 * scale, 3 * scale],
        "recovery": 2 * scale,
        "seeds": seeds,
    }


def timed(folder: Path, workers: int, question: dict[str, Any]) -> tuple[float, critlab.Results]:
    """Seconds of the whole call in a new store, and its results."""
    shutil.rmtree(folder, ignore_errors=True)
    began = time.perf_counter()
    results = probe("sample_loop:SampleLoop", store=folder, workers=workers, **question)
    return time.perf_counter() - began, results


def main() -> None:
    """Measures, prints one JSON document, and writes it to ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--scale", type=int, default=4, help="of the epochs: a seed trains about 30 times as many")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None, help="folder for probe_cores.json")
    chosen = parser.parse_args()
    question, rows = asked(chosen.seeds, chosen.scale), []
    before = described()
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(chosen.repeats):
            counts = [1, chosen.workers] if repeat % 2 == 0 else [chosen.workers, 1]
            found = {count: timed(Path(folder, f"{count}"), count, question) for count in counts}
            (one, alone), (several, together) = found[1], found[chosen.workers]
            same = alone.to_csv() == together.to_csv()
            epochs = len({path.name for path in Path(folder, "1", "epochs").rglob("*.json")})
            rows.append({"one": one, "several": several, "ratio": several / one, "same_table": same, "epochs": epochs})
    document = {
        "workers": chosen.workers,
        "seeds": chosen.seeds,
        "scale": chosen.scale,
        "median_ratio": statistics.median(row["ratio"] for row in rows),
        "repeats": rows,
        "machine": before,
        "load_after": described()["load"],
    }
    text = json.dumps(document, indent=1)
    print(text)
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "probe_cores.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
