"""All commands at work in one store at once, some of them killed: nothing is lost, and nothing is wrong."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

import critlab
from paths import EVIDENCE

SCRIPT = EVIDENCE / "store_races.py"


@pytest.mark.slow
def test_two_rounds(tmp_path: Path) -> None:
    out = tmp_path / "races.csv"
    environment = {**os.environ, "PYTHONPATH": str(Path(critlab.__file__).parents[1]), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, str(SCRIPT), "--rounds", "2", "--inline", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = list(csv.DictReader(out.open()))
    assert [row["same_tables"] for row in rows] == ["True", "True"]
    assert {row[bad] for row in rows for bad in ("lost", "tracebacks", "wrong", "wrong_rows")} == {"0"}
