"""Stores that become one: two halves are the whole, contradictions are named, a kill loses nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import critlab
from command import Command
from critlab._core.errors import CritlabError
from critlab.engine.context import RunOptions
from critlab.engine.maintenance.merge import merge
from critlab.engine.maintenance.verify import verify
from critlab.engine.records.standing import all_records, write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.run import run_study
from critlab.store import Store, record
from critlab.study.runs.parts import Part
from halves import SMALL, files, in_halves
from inline import table
from store_files import some
from studies import small, written
from trained import TrainedStores


@pytest.fixture(scope="session")
def whole(trained: TrainedStores) -> Path:
    return trained(small(**SMALL))


@pytest.fixture
def halves(whole: Path, tmp_path: Path) -> list[Store]:
    return in_halves(whole, tmp_path)


def reseal(path: Path, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """Changes a record and seals it again, as a program would that means it."""
    document = json.loads(path.read_text())
    body = document["body"] | change(document["body"])
    path.write_bytes(record.encode(document["kind"], document["name"], body))


@pytest.mark.slow
def test_two_halves_are_the_whole_byte_for_byte(whole: Path, halves: list[Store], tmp_path: Path) -> None:
    assert all(set(files(half.root)) < set(files(whole)) for half in halves)
    made = critlab.merge_stores([half.root for half in halves], into=tmp_path / "merged")
    assert files(tmp_path / "merged") == files(whole)
    assert (made.complete, made.lacking, made.left_out) == (("small",), (), ())
    found = verify(Store(tmp_path / "merged"))
    assert (found.wrong, found.orphans) == ([], [])
    again = merge(halves, Store(tmp_path / "merged"))
    assert (again.files, again.bytes) == (0, 0)
    merge(halves)
    assert files(halves[0].root) == files(whole), "the first store takes the others where no folder is given"


@pytest.mark.slow
def test_parts_that_were_trained_apart_give_the_whole_table(whole: Path, tmp_path: Path) -> None:
    study = small(**SMALL)
    for number in (1, 2):
        report = run_study(study, Store(tmp_path / f"{number}"), RunOptions(executor="inline", part=Part(number, 2)))
        assert report.status == 0
        found = critlab.load_results(study, tmp_path / f"{number}")
        assert found.verdict().answer == "running"
        assert {outcome.seed for outcome in found.outcomes if outcome.status == "done"} == {number - 1}
    made = critlab.merge_stores([tmp_path / "1", tmp_path / "2"])
    assert made.complete == ("small",)
    assert table(study, Store(tmp_path / "1")) == table(study, Store(whole))
    assert [path for path in files(tmp_path / "1") if path not in files(whole)] == []


def test_a_contradiction_is_named_and_nothing_is_written(whole: Path, halves: list[Store], tmp_path: Path) -> None:
    other = Store(shutil.copytree(whole, tmp_path / "other"))
    path = some(other, "epochs")[0]
    reseal(path, lambda body: {"train_loss": body["train_loss"] + 1})
    before = files(whole)
    copy = Store(shutil.copytree(whole, tmp_path / "copy"))
    with pytest.raises(CritlabError, match=rf"merged nothing: .*{path.name} and .*{path.name} differ in train_loss"):
        merge([copy, other])
    with pytest.raises(CritlabError, match="merged nothing"):
        merge([copy, other], Store(tmp_path / "new"))
    assert files(copy.root) == before
    assert not (tmp_path / "new").exists()


def test_what_two_trainings_may_differ_in_is_no_contradiction(whole: Path, tmp_path: Path) -> None:
    copy, other = (Store(shutil.copytree(whole, tmp_path / name)) for name in ("copy", "other"))
    for path in some(other, "epochs"):
        reseal(path, lambda body: {"seconds": body["seconds"] + 9, "provenance": {"processor": "another"}})
    poorer = some(copy, "epochs")[0]
    reseal(poorer, lambda body: {"kept": False})
    assert merge([copy, other]).files == 1, "the record that promises the checkpoint"
    assert json.loads(poorer.read_text())["body"]["kept"] is True
    assert not verify(copy).wrong


def test_a_damaged_file_is_left_out_and_a_sound_one_takes_its_place(whole: Path, tmp_path: Path) -> None:
    copy, other = (Store(shutil.copytree(whole, tmp_path / name)) for name in ("copy", "other"))
    mine, theirs = some(copy, "epochs")[0], some(other, "readings")[0]
    mine.write_bytes(b"{}")
    theirs.write_bytes(theirs.read_bytes()[:-9])
    made = merge([copy, other])
    assert [Path(one.file).name for one in made.left_out] == [theirs.name]
    assert files(copy.root) == files(whole)


@pytest.mark.slow
def test_a_merge_that_was_killed_is_completed_by_the_next(
    whole: Path, halves: list[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, count = Store.put_file, len(files(whole))
    for most in (1, count // 3, count - 3):
        left = [most]

        def limited(self: Store, path: Path, content: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            write(self, path, content)

        target = Store(tmp_path / f"merged{most}")
        with monkeypatch.context() as patch:
            patch.setattr(Store, "put_file", limited)
            with pytest.raises(KeyboardInterrupt):
                merge(halves, target)
        assert not verify(target).wrong, "what is there can be relied on"
        merge(halves, target)
        assert files(target.root) == files(whole)


def test_looks_of_both_stores_stay(whole: Path, tmp_path: Path) -> None:
    copy, other = (Store(shutil.copytree(whole, tmp_path / name)) for name in ("copy", "other"))
    look = {"seeds": [0], "points": [1], "level": 0.02, "planned": True, "answer": "undecided"}
    first, second = ({"judged": digit * 64, **look} for digit in "ab")
    body = {"question": {"study": {}}, "looks": [first]}
    name = "c" * 64
    copy.write("looks", name, body)
    other.write("looks", name, {**body, "looks": [second, {**first, "level": 0.01}]})
    merge([copy, other])
    found = copy.read("looks", name)
    assert found is not None
    assert [(one["judged"][0], one["level"]) for one in found["looks"]] == [("a", 0.01), ("b", 0.02)]


def test_stores_that_are_none_or_of_other_studies_are_refused_in_one_line(
    critlab: Command, whole: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(whole, tmp_path / "other")
    ((place, known),) = all_records(Store(other))
    assert isinstance(known, StudyRecord)
    write_record(Store(other), replace(known, study={**known.study, "deficit": {"name": "blur", "factor": 4}}))
    place.path.unlink()
    empty = tmp_path / "empty"
    empty.mkdir()
    newer = shutil.copytree(whole, tmp_path / "newer")
    marker = newer / "critlab-store.json"
    marker.write_text(marker.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    later = shutil.copytree(whole, tmp_path / "later")
    path = some(Store(later), "epochs")[0]
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    for arguments, words in {
        (whole, whole): "twice; give each store once",
        (whole,): "give at least two, or one with --into",
        (whole, empty): "which is not a store",
        (whole, tmp_path / "nowhere"): "folder not found",
        (whole, other): "hold different studies 'small', which differ in deficit.factor (was 7, now 4)",
        (whole, newer): "install a newer critlab",
        (whole, later): f"{path.name}: record",
        (whole, "--into", whole / "inner"): "lies in",
    }.items():
        answer = critlab("store", "merge", *map(str, arguments))
        assert answer.status == 2
        assert words in answer.err
        assert answer.err.count("\n") == 1


@pytest.mark.slow
def test_the_command_says_what_it_did(critlab: Command, halves: list[Store], tmp_path: Path) -> None:
    roots, merged = [f"{half.root}" for half in halves], f"{tmp_path / 'merged'}"
    document = json.loads(critlab("store", "merge", *roots, "--into", merged, "--json").out)
    assert (document["complete"], document["lacking"], document["into"]) == (["small"], [], merged)
    assert "small: all is there" in critlab("store", "merge", *roots, "--into", merged).out
    alone = critlab("store", "merge", roots[0], "--into", "one").out
    assert ": lacks " in alone
    assert "; critlab run trains them" in alone


def test_plan_and_run_know_parts(critlab: Command, whole: Path, tmp_path: Path) -> None:
    study = f"{written(tmp_path, ('every = 2, images = 40', 'every = 2, images = 20'))}"
    plan = critlab("plan", study, "--store", "s", "--part", "2/2", "--json")
    assert json.loads(plan.out)["part"] == "part 2/2: seed 1 (9 of 18 epochs)"
    assert json.loads(plan.out)["epochs_left"] == 9
    copy = f"{shutil.copytree(whole, tmp_path / 'copy')}"
    done = critlab("run", study, "--store", copy, "--part", "2/2", "--engine", "inline")
    assert done.status == 0
    assert "part 2/2 is done; the store has the whole study" in done.err
    theory = critlab("reproduce", "sensors", "--store", "s", "--part", "1/2")
    assert (theory.status, "computed from a theory in one piece; leave --part out" in theory.err) == (2, True)
    for text in ("5/4", "0/2"):
        answer = critlab("run", study, "--store", "s", "--part", text)
        assert (answer.status, answer.problem.count("\n")) == (2, 1)
        assert "must be K/N" in answer.err
