"""Hundreds of damaged stores: does every command end well, and does `run` give the table of an undisturbed store?

    python evidence/store_damage.py [--first 0] [--faults 200] [--hostile 200] [--installed 10]

A finished small study is copied and damaged by number: ``faults`` are single flipped bits, truncations, swaps and
deletions over every kind of file; ``hostile`` are pipes, sparse files of 100 GB, links, folders, sealed records with
absurd content and schema versions that no critlab wrote. On each copy `status`, `verify`, `export`, `report`, `gc` and
`gc --apply` are called in random order, then `run` and `export`, in this process (``tests/support/damage.py``). The
first of both kinds are met by the installed command too. One row per damaged store goes to the file ``--out``.
``--first`` leaves out the faults and hostile stores with smaller numbers.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from damage import FAULTS, HOSTILE, Answer, Outcome, called, made, outcome

OUT = Path(__file__).parent.parent / "results" / "evidence" / "store_damage.csv"
COLUMNS = ("called", "good", *(field.name for field in fields(Outcome) if field.name != "detail"))
TIMEOUT = 300


def installed(*arguments: str) -> Answer:
    """The command in a process of its own, with real workers."""
    command = [sys.executable, "-m", "critlab.cli", *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return Answer(1, "", "", f"it did not end within {TIMEOUT} s")
    return Answer(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--faults", type=int, default=200)
    options.add_argument("--hostile", type=int, default=200)
    options.add_argument("--installed", type=int, default=10)
    options.add_argument("--out", type=Path, default=OUT)
    asked = options.parse_args()
    work = [("faults", FAULTS, number, called) for number in range(asked.first, asked.faults)]
    work += [("hostile", HOSTILE, number, called) for number in range(asked.first, asked.hostile)]
    work += [("faults", FAULTS, number, installed) for number in range(asked.installed)]
    work += [("hostile", HOSTILE, number, installed) for number in range(asked.installed)]
    counts = Counter[str]()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, asked.out.open("w", newline="") as file:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        os.environ.pop("CRITLAB_STORE", None)
        sound = made(Path(folder))
        rows = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        rows.writeheader()
        for kind, harms, number, call in work:
            found = outcome(number, sound, harms, call)
            rows.writerow({"called": call.__name__, "good": found.good, **asdict(found)})
            file.flush()
            counts[f"{kind}, {call.__name__}: {'good' if found.good else 'bad'}"] += 1
            if not found.good:
                print(found)
    for what, count in sorted(counts.items()):
        print(f"{what}: {count}")


if __name__ == "__main__":
    main()
