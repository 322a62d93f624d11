"""A hundred SIGKILLs at random moments of a three-epoch study: does each end with the table of an undisturbed run?

    python evidence/kills.py [--kills 100] [--seed 0]

Every row is one fresh store: the command is started, its whole process group is killed, and the same command is run to
its end. Every second kill waits for a file that is just being written. Rows go to ``results/evidence/kills.csv``; what
is there already is not done again.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from critlab.analysis.tables.reading import read_results
from critlab.engine.maintenance.verify import verify
from critlab.store import Store
from critlab.store.disk.atomic import TEMPORARY
from critlab.study import read_study

OUT = Path(__file__).parent.parent / "results" / "evidence" / "kills.csv"
STUDY = """
name = "three epochs"
seeds = 2
precision = "float32"
data = { name = "sample", train = 1000, test = 200 }
model = { name = "mlp", hidden = [64] }
optimizer = { name = "sgd", lr = 0.05, momentum = 0.9, batch = 50 }
deficit = { name = "blur", factor = 7 }
sweep = { kind = "removal", at = [0, 1, 2], total = 3 }
measures = { fisher_trace = { every = 1, images = 100 } }
"""


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it.

    ``moment`` is in seconds after the start; ``records`` and ``unfinished`` are the files in the store when the command
    was killed; ``unfinished_after`` and ``wrong_after`` are those at the end, half-written or failing a check.
    """

    kill: int
    aimed: str
    moment: float
    records: int
    unfinished: int
    status: int
    same_table: bool
    unfinished_after: int
    wrong_after: int


def start(study: Path, store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "critlab.cli", "run", str(study), "--store", str(store), "--workers", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def count(store: Path, pattern: str) -> int:
    return sum(1 for _ in store.rglob(pattern))


def killed(study: Path, store: Path, saving: bool, moment: float) -> tuple[float, int, int]:
    """Starts the command and kills it; says when, and how many records and unfinished files there were.

    A command that came to its end first was not killed: it is started anew, to be killed earlier.
    """
    began, process = time.monotonic(), start(study, store)
    while process.poll() is None and not due(store, saving, time.monotonic() - began, moment):
        time.sleep(0.0005)
    if process.returncode is not None:
        shutil.rmtree(store)
        return killed(study, store, saving, 0.8 * moment)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return time.monotonic() - began, count(store, "*.json"), count(store, f"{TEMPORARY}*")


def due(store: Path, saving: bool, passed: float, moment: float) -> bool:
    """Whether to kill now: after the moment, or, where it should hit a save, at the first file being written then."""
    if not saving or passed < moment / 2:
        return passed >= moment
    return any(store.rglob(f"{TEMPORARY}*"))


def table(study: Path, store: Path) -> str:
    return read_results(read_study(study), Store(store)).to_csv()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    done = len(OUT.read_text().splitlines()) - 1 if OUT.exists() else 0
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, OUT.open("a", newline="") as file:
        rows = csv.DictWriter(file, [field.name for field in fields(Kill)], lineterminator="\n")
        if not done:
            rows.writeheader()
        study = Path(folder, "study.toml")
        study.write_text(STUDY)
        began, process = time.monotonic(), start(study, Path(folder, "undisturbed"))
        process.wait()
        undisturbed, expected = time.monotonic() - began, table(study, Path(folder, "undisturbed"))
        for number in range(done, asked.kills):
            dice = random.Random(asked.seed * 1000 + number)
            store, saving = Path(folder, f"{number}"), number % 2 == 1
            moment, records, unfinished = killed(study, store, saving, dice.uniform(0, undisturbed))
            again = start(study, store)
            again.wait()
            result = Kill(
                number,
                "a save" if saving else "any moment",
                round(moment, 3),
                records,
                unfinished,
                again.returncode,
                table(study, store) == expected,
                count(store, f"{TEMPORARY}*"),
                len(verify(Store(store)).wrong),
            )
            rows.writerow(asdict(result))
            file.flush()
            print(result, file=sys.stderr)


if __name__ == "__main__":
    main()
