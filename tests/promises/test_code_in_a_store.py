"""Edited code in a store: new names, the old ones for what was made before code was tracked, and no mixture of both."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import critlab
from command import Command
from critlab._core.errors import CritlabError, StudyError
from critlab._core.user_code import modules as own_modules
from critlab.data.user import called
from critlab.engine.records.adoption import settle
from critlab.engine.records.own_code import code_files, own_codes, refuse_edited
from critlab.engine.records.standing import enter, read_record
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.tasks.missing_work import find_missing_work
from critlab.models.spec import ModelSpec
from critlab.store import Store
from critlab.study.runs.origin import Numerics
from critlab.study.runs.tree import build
from critlab.study.study import Study, read_study
from paths import GOLDEN

NET = """
from torch import nn
WIDTH = 4
def build(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, WIDTH), nn.Linear(WIDTH, classes))
"""
TOML = """
name = "edited"
seeds = 1
precision = "float32"
data = { name = "sample", train = 100, test = 50 }
model = { name = "edited_net:build" }
optimizer = { name = "sgd", lr = 0.05, batch = 50 }
deficit = { name = "blur", factor = 7 }
sweep = { kind = "removal", at = [0, 1], recovery = 1 }
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes modules into the working folder, and forgets them as a new process would."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(own_modules, "_READ", {})
    monkeypatch.chdir(tmp_path)

    def write(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
            monkeypatch.delitem(sys.modules, name, raising=False)
        own_modules._READ.clear()

    return write


def golden(folder: Path) -> tuple[Store, Study]:
    """The finished study with own code of the store that version 0.1.0 made."""
    with tarfile.open(GOLDEN / "store.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    (folder / "own.toml").write_bytes((GOLDEN / "own.toml").read_bytes())
    return Store(folder / "store"), read_study(folder / "own.toml")


def left(study: Study, store: Store, record: StudyRecord) -> int:
    names = record.ids(study)
    return find_missing_work(build(study, names.adopted), study.seeds, names, store, frozenset()).trained


def settled(study: Study, store: Store, record: StudyRecord) -> tuple[StudyRecord, list[str]]:
    found = settle(study, store, record, record.fingerprint, record.numerics)
    body: dict[str, Any] = {**record.__dict__, "code": found.recorded}
    return StudyRecord(**body), found.remarks


def test_results_of_before_stay_until_the_code_is_edited(tmp_path: Path, place: Callable[..., None]) -> None:
    text = (GOLDEN / "own_golden.py").read_text()
    place(own_golden=text)
    store, study = golden(tmp_path)
    before = read_record(store, study)
    assert before is not None
    assert before.code is None
    assert left(study, store, before) == 0
    adopted, remarks = settled(study, store, before)
    assert "named them by the text of own_golden:build" in remarks[0]
    assert left(study, store, adopted) == 0
    enter(store, study, adopted, False)
    again, remarks = settled(study, store, adopted)
    assert (again.code, remarks) == (adopted.code, [])

    place(own_golden=text.replace("WIDTH = 3", "WIDTH = 5"))
    edited, remarks = settled(study, store, adopted)
    assert "own_golden.py was edited" in remarks[0]
    assert left(study, store, edited) == sum(1 for _ in build(study).nodes) * 2 - 2
    # nor does another study of the same code take the old results for those of the edited code
    other = Study.read({**study.model_dump(mode="json"), "name": "other"}, "other")
    assert not (settle(other, store, None, before.fingerprint, before.numerics).recorded or {})["adopted"]

    place(own_golden=f"# as it was\n{text}")
    back, _ = settled(study, store, edited)
    assert left(study, store, back) == 0


def test_an_edited_function_of_before_is_said(tmp_path: Path, place: Callable[..., None]) -> None:
    place(own_golden=(GOLDEN / "own_golden.py").read_text().replace("return Net(", "return  Net("))
    store, study = golden(tmp_path)
    before = read_record(store, study)
    assert before is not None
    edited, remarks = settled(study, store, before)
    assert "own_golden:build was edited" in remarks[0]
    assert left(study, store, edited) > 0


@pytest.mark.slow
def test_commands_that_only_read_say_that_the_code_was_edited(
    critlab: Command, tmp_path: Path, place: Callable[..., None]
) -> None:
    place(edited_net=NET)
    (tmp_path / "study.toml").write_text(TOML)
    study, store = read_study(tmp_path / "study.toml"), Store(tmp_path / "s")
    store.root.mkdir()
    recorded = settle(study, store, None, "f", Numerics()).recorded
    enter(store, study, StudyRecord(study.model_dump(mode="json"), "f", Numerics(), {}, code=recorded))
    commands = (("status",), ("export",), ("report", "--out", "page.html"))
    for command, *options in commands:
        assert critlab(command, "study.toml", "--store", "s", *options).err == ""
    place(edited_net=NET.replace("WIDTH = 4", "WIDTH = 5"))
    for command, *options in commands:
        assert critlab(command, "study.toml", "--store", "s", *options).err == (
            "critlab: edited_net.py was edited since 'edited' was last run in this store: results that it can change "
            "are not shown; use critlab run to train with the present code\n"
        )
    golden(tmp_path)
    place(own_golden=(GOLDEN / "own_golden.py").read_text())
    assert "are named by the text of own_golden:build alone" in critlab("status", "own.toml", "--store", "store").err


def test_a_process_with_other_code_refuses_by_the_name_of_the_file(tmp_path: Path, place: Callable[..., None]) -> None:
    place(edited_net=NET)
    (tmp_path / "study.toml").write_text(TOML)
    study = read_study(tmp_path / "study.toml")
    files = code_files(study)
    refuse_edited(study, files)
    place(edited_net=f"{NET}\n# nothing that counts\n")
    refuse_edited(study, files)
    place(edited_net=NET.replace("WIDTH = 4", "WIDTH = 5"))
    with pytest.raises(CritlabError, match=r"edited_net\.py was edited while the study was running"):
        refuse_edited(study, files)


def test_a_version_names_the_code_in_place_of_its_source(place: Callable[..., None]) -> None:
    def named(**options: Any) -> dict[str, Any]:
        spec = ModelSpec(name="edited_net:build", **options)
        assert [code.path for code in spec.codes()] == ([] if "version" in spec.identity() else [spec.name])
        return spec.identity()

    place(edited_net=NET)
    assert named(version="2") == {"name": "edited_net:build", "version": "2"}
    model = ModelSpec(name="edited_net:build", version="2").build((1, 28, 28), 3)
    assert model.get_submodule("1").out_features == 4
    place(edited_net=f"{NET}\nbuild.version = 3\n")
    assert named() == {"name": "edited_net:build", "version": "3"}
    place(edited_net=NET.replace("classes)", "classes, version=1)", 1))
    taken = ModelSpec(name="edited_net:build", version=1)
    assert taken.identity() == {"name": taken.name, "version": 1, "source": taken.codes()[0].digest}


def test_a_class_that_no_other_process_finds_needs_a_version() -> None:
    from critlab.deficits import Deficit, describe

    class Haze(Deficit):
        name = "haze"

    with pytest.raises(StudyError, match='version = "1"'):
        describe(Haze())
    Haze.version = "1"
    assert describe(Haze()) == {"name": "defined-here:Haze", "version": "1", "when": "after_augment"}


def test_data_that_are_drawn_are_the_same_in_every_process(place: Callable[..., None]) -> None:
    drawn = "numpy.random.random(), random.random(), torch.rand(2)"
    place(drawn=f"import numpy, random, torch\ndef data():\n    return {drawn}\n")
    before = random.getstate(), str(np.random.get_state())
    first, second = called("drawn:data", Path()), called("drawn:data", Path())
    assert str(first) == str(second)
    assert (random.getstate(), str(np.random.get_state())) == before


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(critlab.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"}
    call = [sys.executable, "-m", "critlab.cli", *arguments, "study.toml", "--store", "store"]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, env=environment, timeout=300, check=False)


EDITS_ITSELF = """
import os, pathlib
if os.environ.get("CRITLAB_WORKER"):
    file = pathlib.Path(__file__)
    mark = "WIDTH = " + str(4)
    file.write_text(file.read_text().replace(mark, {new}))
"""


@pytest.mark.slow
def test_a_comment_while_the_study_runs_changes_nothing(
    critlab: Command, tmp_path: Path, place: Callable[..., None]
) -> None:
    (tmp_path / "study.toml").write_text(TOML)
    place(edited_net=NET + EDITS_ITSELF.format(new="mark + '  # four'"))
    done = command(tmp_path, "run", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "WIDTH = 4  # four" in (tmp_path / "edited_net.py").read_text()
    assert "no pair of run and control" not in done.stdout
    in_the_store = ("study.toml", "--store", "store")
    rows = list(csv.DictReader(critlab("export", *in_the_store).out.splitlines()))
    assert {row["epoch"] for row in rows if row["quantity"] == "test_loss"} == {"1", "2"}

    place(edited_net=NET.replace("WIDTH = 4", "WIDTH = 9"))
    (tmp_path / "study.toml").write_text(TOML.replace("[0, 1]", "[0, 1, 2]"))
    again = critlab("run", *in_the_store, "--engine", "inline")
    assert again.status == 0, again.err
    assert "edited_net.py was edited" in again.err
    assert "compute different numbers" not in again.err


@pytest.mark.slow
def test_an_edit_while_the_study_runs_is_refused_by_workers_that_start_later(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(TOML)
    (tmp_path / "edited_net.py").write_text(NET + EDITS_ITSELF.format(new="mark[:-1] + str(5)"))
    done = command(tmp_path, "run", "--workers", "1")
    assert done.returncode == 2
    assert "edited_net.py was edited while the study was running" in done.stderr
    assert "Traceback" not in done.stderr


def test_codes_of_a_study_of_built_in_parts() -> None:
    from studies import small

    assert own_codes(small()) == []
    assert settle(small(), Store("nowhere"), None, "x", Numerics()) == (None, [])
