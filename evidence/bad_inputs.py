"""Five thousand bad inputs: is each refused with one message that names its place, and nothing left behind?

    python evidence/bad_inputs.py [--count 5000]

The inputs come from ``tests/support/broken.py``. Each is put in its own folder, and the command reads it in this
process. One row per kind of input goes to ``results/evidence/bad_inputs.csv``. Inputs that were not refused as they
should be are printed.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from broken import bad_input, emptied, files_in
from critlab import cli

OUT = Path(__file__).parent.parent / "results" / "evidence" / "bad_inputs.csv"
COLUMNS = ("inputs", "refused", "not_refused", "tracebacks", "files_created", "place_not_named")


def answered(arguments: tuple[str, ...]) -> tuple[int, str]:
    """Exit status and messages of the command; a traceback is what would reach the terminal."""
    told = io.StringIO()
    sys.argv = ["critlab", *arguments]
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0), told.getvalue()
        except BaseException as error:
            return 1, f"Traceback: {error!r}"
    return 0, told.getvalue()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=5000)
    found: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as root:
        os.environ["XDG_CACHE_HOME"] = str(Path(root, "cache"))
        os.environ["CRITLAB_OFFLINE"] = "1"
        for number in range(options.parse_args().count):
            folder = emptied(Path(root, "here"))
            os.chdir(folder)
            bad = bad_input(number, folder)
            before = files_in(folder)
            status, told = answered(bad.arguments)
            faults = {
                "not_refused": status != 2,
                "tracebacks": "Traceback" in told,
                "files_created": files_in(folder) != before,
                "place_not_named": not any(name in told for name in bad.names),
            }
            counts = found.setdefault(bad.kind, Counter())
            counts["inputs"] += 1
            counts.update(fault for fault, there in faults.items() if there)
            counts["refused"] += not any(faults.values())
            if any(faults.values()):
                print(number, bad, status, told[:500])
        os.chdir(Path(__file__).parent)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with OUT.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["kind", *COLUMNS])
        for kind, counts in found.items():
            rows.writerow([kind, *(counts[column] for column in COLUMNS)])


if __name__ == "__main__":
    main()
