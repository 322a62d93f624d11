"""Looking a store over, freeing what no study needs, and saying how far a study is."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from command import Command
from critlab._core.digest import digest
from critlab._core.errors import StoreError, StudyError
from critlab.analysis.tables.progress import progress
from critlab.engine.maintenance.gc import collect
from critlab.engine.maintenance.verify import verify
from critlab.engine.records.standing import all_records, write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store, record
from critlab.store.disk.locks import Locks
from inline import Inline, flipped, table
from store_files import incomplete, some
from studies import small, written
from trained import TrainedStores

SMALL: dict[str, Any] = {"seeds": 2, "measures": {"fisher_trace": {"every": 2, "images": 20}}}


@pytest.fixture(scope="session")
def finished(trained: TrainedStores) -> Path:
    return trained(small(**SMALL))


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(finished, tmp_path / "s"))


def epochs_with_children(store: Store) -> list[Path]:
    bodies = {path: json.loads(path.read_text())["body"] for path in some(store, "epochs")}
    parents = {(body["origin"]["seed"], body["parent"]) for body in bodies.values()}
    return [path for path, body in bodies.items() if (body["origin"]["seed"], body["path"]) in parents]


@pytest.mark.slow
def test_a_sound_store_has_nothing_wrong(store: Store) -> None:
    found = verify(store)
    assert (found.wrong, found.orphans, found.set_aside) == ([], [], [])
    assert found.files == sum(1 for path in store.root.rglob("*") if path.is_file())
    part = verify(store, small(**SMALL))
    assert (part.wrong, part.orphans, part.missing) == ([], [], 0)
    assert part.files == found.files


@pytest.mark.slow
def test_one_flipped_bit_in_any_file_is_found(store: Store) -> None:
    dice = random.Random(3)
    for kind in ("checkpoints", "epochs", "readings", "studies"):
        for path in dice.sample(some(store, kind), min(6, len(some(store, kind)))):
            content = path.read_bytes()
            path.write_bytes(flipped(content, dice))
            assert {one.file for one in verify(store).wrong} >= {str(path.relative_to(store.root))}, path
            path.write_bytes(content)
    assert not verify(store).wrong


def test_one_changed_digit_in_a_record_is_found(store: Store) -> None:
    path = some(store, "epochs")[2]
    loss = json.loads(path.read_text())["body"]["train_loss"]
    changed = f"{loss}"[:-1] + str((int(f"{loss}"[-1]) + 1) % 10)
    path.write_text(path.read_text().replace(f"{loss}", changed))
    told = [one.what for one in verify(store).wrong if one.file == str(path.relative_to(store.root))]
    assert any("does not match its digest" in what for what in told)


@pytest.mark.parametrize(
    "change", [{"recipe": {"lr": 1.0}}, {"origin": {"seed": 9}}, {"parent": "0" * 64}, {"epoch": 7}], ids=str
)
def test_a_record_edited_and_sealed_again_is_found(store: Store, change: dict[str, Any]) -> None:
    path = some(store, "epochs")[0]
    body = json.loads(path.read_text())["body"]
    for key, value in change.items():
        body[key] = {**body[key], **value} if isinstance(value, dict) else value
    path.write_bytes(record.encode("epochs", path.stem, body))
    assert str(path.relative_to(store.root)) in {one.file for one in verify(store).wrong}


def test_a_reading_that_is_another_measures_is_found(store: Store) -> None:
    path = some(store, "readings")[0]
    body = json.loads(path.read_text())["body"]
    path.write_bytes(record.encode("readings", path.stem, {**body, "spec": {**body["spec"], "version": 99}}))
    assert [one.file for one in verify(store).wrong] == [str(path.relative_to(store.root))]


@pytest.mark.parametrize("kind", ["epochs", "readings", "checkpoints"])
def test_a_renamed_file_is_found(store: Store, kind: str) -> None:
    path = some(store, kind)[0]
    other = digest("another")
    target = store.path(kind, other, path.suffix)
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    told = {one.file: one.what for one in verify(store).wrong}
    assert "another" in told[str(target.relative_to(store.root))]
    target.rename(path.with_suffix(".old"))
    assert (
        "renamed"
        in {one.file: one.what for one in verify(store).wrong}[str(path.with_suffix(".old").relative_to(store.root))]
    )


def test_a_missing_parent_is_found(store: Store) -> None:
    path = epochs_with_children(store)[0]
    path.unlink()
    wrong = verify(store).wrong
    assert all(path.stem in f"{one}" and "missing" in one.what for one in wrong)
    assert {one.file.partition("/")[0] for one in wrong} == {"epochs"}
    part = verify(store, small(**SMALL))
    assert part.missing == 1
    assert part.wrong == wrong


def test_a_missing_checkpoint_is_found(store: Store) -> None:
    path = some(store, "checkpoints")[0]
    path.unlink()
    assert [
        path.stem in one.file and "should have a checkpoint, which is missing" in one.what
        for one in verify(store).wrong
    ] == [True]


def test_orphans_are_listed_and_are_not_wrong(store: Store) -> None:
    ends = set(some(store, "epochs")) - set(epochs_with_children(store))
    lost = min(ends)
    lost.unlink()
    incomplete(store)
    (store.root / "notes.txt").write_text("mine")
    (store.root / "epochs" / "ab").mkdir(exist_ok=True)
    (store.root / "epochs" / "ab" / ".writing-elsewhere-1-x").write_text("half")
    found = verify(store)
    assert not found.wrong
    told = {one.file.partition("/")[0] for one in found.orphans}
    assert told == {"checkpoints", "readings", "epochs", "notes.txt"}


def test_a_store_of_before_is_sound(store: Store) -> None:
    """Records of an earlier critlab say less: neither what was kept nor what a reading was read with."""
    for kind in ("epochs", "readings"):
        for path in some(store, kind):
            body = json.loads(path.read_text())["body"]
            older = {key: value for key, value in body.items() if key not in ("kept", "spec", "probe")}
            path.write_bytes(record.encode(kind, path.stem, older))
    assert not verify(store).wrong
    assert progress(small(**SMALL), store).counts == {"done": 6}


def test_the_commands(critlab: Command, tmp_path: Path, finished: Path) -> None:
    shutil.copytree(finished, tmp_path / "store ü")
    study = written(tmp_path, ("every = 2, images = 40", "every = 2, images = 20"))
    options = ["--store", "store ü"]
    answer = critlab("verify", *options)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.endswith("every file agrees with its digest and with what it rests on\n")
    document = json.loads(critlab("verify", str(study), *options, "--json").out)
    assert (document["schema_version"], document["wrong"], document["missing"]) == (2, [], 0)
    answer = critlab("gc", *options)
    assert (answer.status, answer.err) == (0, "")
    assert "nothing to free" in answer.out
    some(Store(tmp_path / "store ü"), "checkpoints")[0].write_bytes(b"\x80\x04N.")
    answer = critlab("verify", *options)
    assert answer.status == 1
    assert "is not a critlab checkpoint" in answer.out
    assert critlab("verify", str(study), *options, "--json").status == 1
    for command in ("verify", "gc"):
        answer = critlab(command, "--store", "nowhere")
        assert (answer.status, answer.out) == (2, "")
        assert answer.err == "critlab: --store: received nowhere, which is not a store\n"
    assert not (tmp_path / "nowhere").exists()


def test_gc_frees_what_no_study_needs(store: Store) -> None:
    sound = table(small(**SMALL), store)
    other = small(name="other", seeds=[7], measures={})
    Inline(other, store).run()
    (store.root / "notes.txt").write_text("mine")
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    assert not collect(store).places, "every study in the store is kept where none is named"
    dry = collect(store, [small(**SMALL)])
    assert (dry.applied, dry.studies) == (False, ("small",))
    assert {place.kind for place in dry.places} == {"studies", "epochs", "readings", "checkpoints"}
    assert dry.bytes == sum(len(before[place.path]) for place in dry.places)
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before
    done = collect(store, [small(**SMALL)], apply=True)
    assert done.bytes == dry.bytes
    left = [path for path in store.root.rglob("*") if path.is_file() and "trash" not in path.parts]
    assert dry.kept == sum(path.stat().st_size for path in left)
    assert table(small(**SMALL), store) == sound
    assert not verify(store).orphans[1:], "but for what is not critlab's"
    assert (store.root / "notes.txt").exists()
    assert not Inline(small(**SMALL), store).survey().tasks


def test_gc_keeps_what_a_study_needs_to_go_on_and_no_more(tmp_path: Path) -> None:
    study, store = small(seeds=1, measures={}), Store(tmp_path)
    engine = Inline(study, store, size=10**12)
    longest = max(engine.tree.nodes.values(), key=lambda node: node.epoch).path
    passing = [path for path in engine.tree.upwards(longest) if path and path not in engine.work.retained]
    engine.run()
    state = engine.names.state(0, passing[0])
    arrays = store.load_state(engine.names.state(0, longest))
    assert arrays is not None
    body = store.read("epochs", state)
    assert body is not None
    store.save_state(state, arrays)
    store.save_state(state, arrays, "inside")
    store.write("epochs", state, {**body, "kept": False})
    child = engine.names.state(0, engine.tree.nodes[passing[0]].children[0])
    assert {place.kind for place in collect(store, [study]).places} >= {"inside"}
    store.remove("epochs", child)
    assert not {place.name for place in collect(store, [study]).places if place.kind == "checkpoints"} & {state}


@pytest.mark.slow
def test_gc_leaves_what_a_process_works_on(store: Store) -> None:
    import subprocess
    import sys

    from holding import HOLD

    Inline(small(name="other", seeds=[7], measures={}), store).run()
    name = next(place.name for place in collect(store, [small(**SMALL)]).places if place.kind == "epochs")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.root), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(StoreError, match="another process is using"):
        collect(store, [small(**SMALL)], apply=True)
    other.communicate()


def test_gc_runs_no_code_on_a_stores_word(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "planted.py").write_text("raise SystemExit('ran')")
    (known,) = (one for _, one in all_records(store) if isinstance(one, StudyRecord))
    write_record(store, replace(known, study={**known.study, "deficit": {"name": "planted:Deficit"}}))
    with pytest.raises(
        StudyError, match="uses planted:Deficit, your own code, and gc does not run code that only a store names"
    ):
        collect(store)
    assert not verify(store).wrong


@pytest.mark.slow
def test_status_says_what_became_of_every_run(tmp_path: Path) -> None:
    import subprocess
    import sys

    from holding import HOLD

    study, store = small(seeds=1, measures={}), Store(tmp_path / "s")
    engine = Inline(study, store)
    assert progress(study, store).counts == {"waiting": 3}
    engine.run()
    assert progress(study, store).counts == {"done": 3}
    runs = {run.name: run for run in study.runs}
    first_shared = engine.names.state(0, engine.tree.paths("blur-0-3-of-5")[1])
    for kind in ("epochs", "readings"):
        for path in some(store, kind):
            body = json.loads(path.read_text())["body"]
            if "blur" in json.dumps(body.get("recipe", {})) or not body.get("recipe"):
                path.unlink()
    assert set(runs) == {"control-of-2", "blur-0-1-of-3", "blur-0-3-of-5"}
    store.write("failures", first_shared, {"seed": 0, "reason": "Traceback\nValueError: the lamp fell over"})
    found = {run.name: run for run in progress(study, store).runs}
    assert found["blur-0-1-of-3-seed0"].state == "failed"
    assert found["blur-0-3-of-5-seed0"].state == "blocked"
    assert "epoch 1 is shared with blur-0-1-of-3-seed0" in found["blur-0-3-of-5-seed0"].note
    store.remove("failures", first_shared)
    store.save_state(first_shared, {}, "inside")
    assert {run.state for run in progress(study, store).runs if "blur" in run.name} == {"interrupted"}
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.root), first_shared], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    assert {run.state for run in progress(study, store).runs if "blur" in run.name} == {"running"}
    assert not Locks(store.root).held(["another"])
    other.communicate()
