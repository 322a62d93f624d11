"""A store and its tables, made by version 0.1.0 before the faults were repaired, go on working.

``tests/golden/store.tar.xz`` holds three finished studies: a removal sweep with controls and measures, a window sweep
with a switch, and one with a model and data of the user's own. The CSV files are what ``critlab export`` printed then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import critlab
from command import Command
from paths import GOLDEN

STUDIES = ("removal", "window", "own")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(GOLDEN / "store.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    for file in (*GOLDEN.glob("*.toml"), GOLDEN / "own_golden.py"):
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def command(critlab: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """``critlab ... --store store`` in that folder; what is trained is trained in this process."""
    monkeypatch.chdir(folder)
    return lambda *arguments: critlab(*arguments, "--store", "store")


INLINE = ("--engine", "inline")


def told(folder: Path, study: str) -> str:
    """A file of the study as the record has it: no delay control, no other clock than it names, a test each epoch."""
    text = (folder / f"{study}.toml").read_text()
    given = "delay = false\n" if "clocks =" in text else "delay = false\nclocks = []\n"
    before, _, after = text.partition("[controls]\n")
    (folder / f"told-{study}.toml").write_text(f"{before}\n[controls]\n{given}{after}\n[evaluation]\nevery = 1\n")
    return f"told-{study}.toml"


def stamped(folder: Path) -> dict[Path, int]:
    """The records of epochs, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "store" / "epochs").rglob("*.json")}


def as_then(table: bytes) -> list[bytes]:
    """The lines of an exported table that a study has with and without its new controls, in order.

    Version 0.1.0 had neither delay nor newborn controls. With them, Fisher traces are measured in the present version,
    because a table holds one version of a measure, and the checkpoints are there.
    """
    lines = [line for line in table.splitlines() if line.split(b",")[1] not in (b"delay", b"control newborn")]
    return [line for line in lines if line.split(b",")[8] != b"fisher_trace"]


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_a_finished_study_is_exported_as_it_was_then(command: Command, study: str) -> None:
    done = command("export", f"{study}.toml")
    assert done.status == 0, done.err
    assert done.out.encode() == (GOLDEN / f"{study}.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_run_of_the_same_question_trains_nothing_and_changes_no_number(
    command: Command, folder: Path, study: str
) -> None:
    file = told(folder, study)
    before = stamped(folder)
    done = command("run", file, *INLINE)
    assert done.status == 0, done.err
    assert "epochs in" not in done.err
    assert stamped(folder) == before
    assert command("export", file).out.encode() == (GOLDEN / f"{study}.csv").read_bytes()


MISSING = {"removal": "delay-0-2-of-4", "window": "", "own": ""}
"""What a study of before the default controls lacks: at a constant learning rate nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_run_trains_the_missing_controls_alone_and_names_them(command: Command, folder: Path, study: str) -> None:
    before = stamped(folder)
    done = command("run", f"{study}.toml", *INLINE)
    assert done.status == 0, done.err
    assert ("training only the missing controls: " in done.err) == bool(MISSING[study])
    assert MISSING[study] in done.err
    after = stamped(folder)
    assert before.items() <= after.items(), "no record was written again"
    assert len(after) - len(before) == (2 * 2 if MISSING[study] else 0), "two epochs of recovery for each seed"
    exported = command("export", f"{study}.toml").out.encode()
    assert as_then(exported) == as_then((GOLDEN / f"{study}.csv").read_bytes())


@pytest.mark.slow
def test_verify_and_gc_find_nothing_wrong_and_nothing_to_free(command: Command, folder: Path) -> None:
    # gc needs the marker of a store, which the first run after version 0.1.0 makes
    assert command("run", told(folder, STUDIES[0]), *INLINE).status == 0
    for study in STUDIES:
        done = command("verify", f"{study}.toml")
        assert done.status == 0, done.out + done.err
    before = {path: path.read_bytes() for path in (folder / "store" / "readings").rglob("*.json")}
    files = [file for study in STUDIES for file in (f"{study}.toml", told(folder, study))]
    done = command("gc", *files, "--apply")
    assert done.status == 0, done.err
    assert {path: path.read_bytes() for path in (folder / "store" / "readings").rglob("*.json")} == before
    for study in STUDIES:
        assert command("export", told(folder, study)).out.encode() == (GOLDEN / f"{study}.csv").read_bytes()


@pytest.mark.slow
def test_the_installed_command_names_results_as_the_module_does(folder: Path) -> None:
    """The script that an installation makes is called ``critlab``, as the package: neither is a user's own code."""
    script = folder / "bin" / "critlab"
    script.parent.mkdir()
    script.write_text("from critlab.cli import main\nmain()\n")
    source = str(Path(critlab.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    for study in STUDIES:
        call = [sys.executable, str(script), "export", told(folder, study), "--store", "store"]
        done = subprocess.run(call, cwd=folder, capture_output=True, env=environment, timeout=300, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == (GOLDEN / f"{study}.csv").read_bytes()
