"""Every command knows which seeds of a sequential study are in play, and verify and gc know the record of its looks."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import critlab as library
from command import Command
from critlab.engine.records.look_record import now_in_play
from critlab.store import Store, record
from critlab.study import read_study
from studies import TOML, written

TABLE = ("seeds = 2", "seeds = { first = 3, most = 4 }")
UNDECIDED = ("[measures]\nfisher_trace = { every = 2, images = 40 }", "[statistics]\nsmallest_damage = 0.0\n")
CONTROLS = ("[controls]\ndelay = false\nclocks = []\n", "")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three or four seeds, run through Python."""
    folder = tmp_path_factory.mktemp("finished")
    written(folder, TABLE, UNDECIDED, CONTROLS)
    results = library.run(read_study(folder / "study.toml"), folder / "store", engine="inline")
    first = results.looks[0]
    assert len(results.study.seeds) == (4 if first.more_seeds and not first.decided else 3)
    return folder


@pytest.fixture
def there(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current folder."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seeds(store: Path) -> int:
    return len(now_in_play(read_study("study.toml"), Store(store)).seeds)


def test_plan_says_from_to(critlab: Command, tmp_path: Path) -> None:
    written(tmp_path, TABLE)
    plan = json.loads(critlab("plan", "study.toml", "--store", "store", "--json").out)
    assert plan["epochs_left"] * 4 == plan["at_most"]["epochs_left"] * 3
    assert "at_most" not in plan["at_most"]
    assert f"at most: {plan['at_most']['runs']} runs" in critlab("plan", "study.toml", "--store", "store").out
    assert not (tmp_path / "store").exists()


def test_plan_of_added_points(critlab: Command, tmp_path: Path) -> None:
    written(tmp_path, ("[0, 1, 3]", "{ first = [0, 3, 9], most = 5 }"))
    plan = json.loads(critlab("plan", "study.toml", "--store", "store", "--json").out)
    assert plan["at_most"]["epochs_left"] == plan["epochs_left"] + 2 * 2 * 2, "two points, two seeds, two epochs"


def test_plan_of_a_study_that_fixes_its_seeds_is_as_before(critlab: Command, tmp_path: Path) -> None:
    written(tmp_path)
    assert "at_most" not in json.loads(critlab("plan", "study.toml", "--store", "store", "--json").out)
    assert "at most" not in critlab("plan", "study.toml", "--store", "store").out


def test_what_the_commands_read(critlab: Command, there: Path) -> None:
    in_play = seeds(there / "store")
    status = json.loads(critlab("status", "study.toml", "--store", "store", "--json").out)
    assert status["growth"]["seeds"] == in_play
    assert len(status["runs"]) == len(read_study("study.toml").runs) * in_play
    assert set(status["counts"]) == {"done"}
    assert f"{in_play} of at most 4 seeds are in play" in critlab("status", "study.toml", "--store", "store").out
    table = critlab("export", "study.toml", "--store", "store", "--format", "csv").out
    assert {int(row["seed"]) for row in csv.DictReader(table.splitlines())} == set(range(in_play))
    assert critlab("report", "study.toml", "--store", "store", "--out", "page.html").status == 0
    assert critlab("verify", "study.toml", "--store", "store").status == 0
    assert critlab("verify", "--store", "store").status == 0


def test_nothing_is_left_to_do_and_nothing_to_free(critlab: Command, there: Path) -> None:
    before = {path: path.read_bytes() for path in (there / "store").rglob("*.json")}
    assert json.loads(critlab("plan", "study.toml", "--store", "store", "--json").out)["epochs_left"] == 0
    assert critlab("run", "study.toml", "--store", "store", "--engine", "inline").status == 0
    for studies in ([], ["study.toml"]):
        found = json.loads(critlab("gc", *studies, "--store", "store", "--json").out)
        assert not {"looks", "epochs", "readings"} & set(found["kinds"])
    assert {path: path.read_bytes() for path in (there / "store").rglob("*.json")} == before


def looks_file(store: Path) -> Path:
    (file,) = (store / "looks").rglob("*.json")
    return file


@pytest.mark.parametrize("change", ["edited", "renamed", "level", "cut"])
def test_a_damaged_record_of_looks_is_found_and_made_again(critlab: Command, there: Path, change: str) -> None:
    file = looks_file(there / "store")
    good, body = file.read_bytes(), json.loads(file.read_bytes())["body"]
    if change == "edited":
        file.write_bytes(good.replace(b'"planned": true', b'"planned": false', 1))
    elif change == "cut":
        file.write_bytes(good[:50])
    elif change == "level":
        body["looks"][0]["level"] = 0.5
        file.write_bytes(record.encode("looks", file.stem, body))
    else:
        body["question"]["origin"] = "0" * 64
        file.write_bytes(record.encode("looks", file.stem, body))
    answer = critlab("verify", "--store", "store")
    assert answer.status == 1
    assert "looks/" in answer.out
    if change != "renamed":
        assert critlab("run", "study.toml", "--store", "store", "--engine", "inline").status == 0
        assert looks_file(there / "store").read_bytes() == good
        assert critlab("verify", "--store", "store").status == 0


def test_looks_without_their_study_are_orphans(critlab: Command, there: Path) -> None:
    shutil.rmtree(there / "store" / "studies")
    written(there, ('name = "small"', 'name = "other"'), ("[0, 1, 3]", "[0, 1]"))
    assert critlab("run", "study.toml", "--store", "store", "--engine", "inline").status in (0, 1)
    found = json.loads(critlab("verify", "--store", "store", "--json").out)
    assert any(one["file"].startswith("looks/") for one in found["orphans"])
    freed = json.loads(critlab("gc", "--store", "store", "--orphans", "--apply", "--json").out)
    assert freed["kinds"]["looks"]["files"] == 1
    assert len([*(there / "store" / "looks").rglob("*.json")]) == 1


def test_the_table_is_part_of_the_documented_file(tmp_path: Path) -> None:
    assert TABLE[0] in TOML
    assert UNDECIDED[0] in TOML
