"""Freeing files and naming studies: nothing goes that a study may need, and no record takes another's place."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import Command
from critlab._core.errors import StoreError, StudyError
from critlab.engine.maintenance.gc import collect, empty_trash
from critlab.engine.maintenance.verify import verify
from critlab.engine.records.standing import all_records, enter, read_record, standing
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store, record
from critlab.store.disk.locks import writing
from critlab.store.marker import MARKER
from critlab.study.runs.origin import Numerics
from inline import Inline, table
from studies import small, written
from trained import TrainedStores

SMALL: dict[str, Any] = {"seeds": 1, "measures": {}}
RUN = ("seeds = 2", "seeds = 1"), ("fisher_trace = { every = 2, images = 40 }", "")

FASTER = {"name": "sgd", "lr": 0.06, "lr_decay": 0.9, "momentum": 0.9, "weight_decay": 0.001, "batch": 40}


@pytest.fixture(scope="session")
def finished(trained: TrainedStores) -> Path:
    return trained(small(**SMALL))


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(finished, tmp_path / "s"))


def contents(store: Store) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and path.stat().st_size}


def the_record(store: Store) -> Path:
    (path,) = (store.root / "studies").iterdir()
    return path


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


class TestRecord:
    def test_it_is_named_by_name_and_content(self, store: Store) -> None:
        path = the_record(store)
        known = read_record(store, small(**SMALL))
        assert known is not None
        assert path.stem == known.key
        assert path.stem.startswith("small-")

    def test_the_order_of_keys_and_the_way_of_writing_seeds_are_no_content(self, store: Store) -> None:
        fields = small(**SMALL).model_dump(mode="json")
        turned = type(small()).read({key: fields[key] for key in reversed(fields)}, "turned")
        assert standing(store, turned).same
        assert standing(store, small(**{**SMALL, "seeds": [0]})).same

    def test_what_an_earlier_critlab_did_not_know_is_no_difference(self, store: Store) -> None:
        path = the_record(store)
        body = json.loads(path.read_text())["body"]
        del body["study"]["evaluation"], body["study"]["objective"], body["turn"], body["replaced"], body["complete"]
        path.unlink()
        (store.root / "studies" / "small.json").write_bytes(record.encode("studies", "small", body))
        assert standing(store, small(**SMALL)).same

    def test_one_of_an_earlier_critlab_is_found_and_taken_over(self, store: Store) -> None:
        sound, path = table(small(**SMALL), store), the_record(store)
        body = json.loads(path.read_text())["body"]
        older = {key: body[key] for key in ("study", "fingerprint", "numerics", "provenance", "decision")}
        path.unlink()
        (store.root / "studies" / "small.json").write_bytes(record.encode("studies", "small", older))
        assert table(small(**SMALL), store) == sound
        assert not verify(store).wrong
        assert not Inline(small(**SMALL), store).survey().tasks
        assert the_record(store) == path
        assert not collect(store).places

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "change",
        [
            {"seeds": 2},
            {"seeds": [7]},
            {"sweep": {"kind": "removal", "at": [0, 2, 3], "recovery": 2}},
            {"measures": {"fisher_trace": {"every": 2, "images": 20}}},
            {"controls": {"equal_total": True}},
            {"statistics": {"final_epochs": 2}},
        ],
        ids=str,
    )
    def test_a_study_grows_without_a_question_and_keeps_the_record_of_what_it_was(
        self, store: Store, change: dict[str, Any]
    ) -> None:
        sound, other = table(small(**SMALL), store), small(**{**SMALL, **change})
        assert read_record(store, other) is not None
        Inline(other, store)
        assert len(list(all_records(store))) == 2
        assert not collect(store).places
        assert table(small(**SMALL), store) == sound

    @pytest.mark.parametrize(
        ("change", "key"),
        [
            ({"optimizer": FASTER}, "optimizer.lr (was 0.05, now 0.06)"),
            ({"sweep": {"kind": "removal", "at": [0, 1, 3], "recovery": 3}}, "sweep.recovery (was 2, now 3)"),
            ({"deficit": {"name": "vertical_flip"}}, "deficit.name (was 'blur', now 'vertical_flip')"),
            ({"augment": None}, "augment (was {"),
        ],
        ids=str,
    )
    def test_another_content_under_the_same_name_is_a_question(
        self, store: Store, change: dict[str, Any], key: str
    ) -> None:
        sound, before, other = table(small(**SMALL), store), contents(store), small(**{**SMALL, **change})
        for ask in (lambda: read_record(store, other), lambda: Inline(other, store), lambda: verify(store, other)):
            with pytest.raises(StudyError) as refused:
                ask()
            assert key in f"{refused.value}"
            assert "rename this study, or replace the other one" in f"{refused.value}"
        assert contents(store) == before
        assert table(small(**SMALL), store) == sound

    @pytest.mark.slow
    def test_the_command_asks_and_replaces(self, critlab: Command, finished: Path, tmp_path: Path) -> None:
        shutil.copytree(finished, tmp_path / "s")
        before = table(small(**SMALL), Store(tmp_path / "s"))
        study = str(written(tmp_path, *RUN, ("lr = 0.05", "lr = 0.06"), ("at = [0, 1, 3]", "at = [0]")))
        for command in (["run"], ["status"], ["export"], ["report"], ["verify"]):
            answer = critlab(*command, study, "--store", "s")
            assert (answer.status, answer.out) == (2, "")
            assert "optimizer.lr (was 0.05, now 0.06)" in answer.err
        assert critlab("run", study, "--store", "s", "--replace", "--engine", "inline").status == 0
        assert critlab("run", study, "--store", "s").status == 0, "the name is its own now"
        assert table(small(**SMALL), Store(tmp_path / "s")) == before, "nothing is lost before gc"
        older = str(written(tmp_path, *RUN))
        assert critlab("run", older, "--store", "s").status == 2, "and no longer the other's"
        short = small(**SMALL, optimizer=FASTER, sweep={"kind": "removal", "at": [0], "recovery": 2})
        new = table(short, Store(tmp_path / "s"))
        answer = critlab("gc", "--store", "s", "--apply")
        assert (answer.status, answer.err) == (0, "")
        assert "can be freed" not in answer.out
        study = str(written(tmp_path, *RUN, ("lr = 0.05", "lr = 0.06"), ("at = [0, 1, 3]", "at = [0]")))
        assert critlab("verify", study, "--store", "s").status == 0
        assert new == table(short, Store(tmp_path / "s"))

    def test_other_images_keep_a_record_of_their_own(self, store: Store) -> None:
        from dataclasses import replace

        from critlab.engine.records.standing import enter

        known = read_record(store, small(**SMALL))
        assert known is not None
        enter(store, small(**SMALL), replace(known, fingerprint="other images"))
        assert len(list(all_records(store))) == 2
        assert not collect(store).places
        latest = read_record(store, small(**SMALL))
        assert latest is not None
        assert latest.fingerprint == "other images"

    def test_one_copied_to_another_studys_name_is_damaged_and_takes_no_place(self, store: Store) -> None:
        path = the_record(store)
        shutil.copy(path, path.with_name("other-0123456789ab.json"))
        assert {one.file for one in verify(store).wrong} == {"studies/other-0123456789ab.json"}
        assert read_record(store, small(**SMALL)) is not None
        assert read_record(store, small(**SMALL, name="other2")) is None

    def test_a_name_that_no_file_system_takes(self, tmp_path: Path) -> None:
        study = small(**SMALL, name="a" + " " * 90)
        engine = Inline(study, Store(tmp_path / "s"))
        assert read_record(engine.store, study) is not None
        assert len(the_record(engine.store).name.encode()) < 100


class TestDamagedRecord:
    def test_a_run_of_its_study_puts_it_aside_and_gc_clears_it_away(self, store: Store) -> None:
        """Also that of what the study once was, which nothing can write again."""
        more = small(**{**SMALL, "seeds": 2})
        Inline(more, store).run()
        before = {path.name: path for path in (store.root / "studies").iterdir()}
        for path in before.values():
            flip(path)
        sound = contents(store)
        Inline(more, store).run()
        assert not verify(store).wrong
        assert len(verify(store).set_aside) == 1, "the other one was written again in its place"
        done = collect(store, apply=True)
        assert {place.kind for place in done.places} == {"quarantine"}
        assert not verify(store).set_aside
        assert {path for path in contents(store) if "epochs" in path.parts} == {
            path for path in sound if "epochs" in path.parts
        }


class TestNothingIsFreed:
    def refused(self, store: Store, *words: str) -> None:
        before = contents(store)
        for apply in (False, True):
            with pytest.raises(StoreError) as refused:
                collect(store, apply=apply)
            for word in words:
                assert word in f"{refused.value}"
        assert contents(store) == before

    def test_where_the_record_is_damaged(self, store: Store) -> None:
        path = the_record(store)
        flip(path)
        self.refused(store, f"studies/{path.name}", "--orphans", "in epochs")
        assert path.exists()

    def test_where_status_was_used_before(self, critlab: Command, finished: Path, tmp_path: Path) -> None:
        store = Store(shutil.copytree(finished, tmp_path / "s"))
        study, path = str(written(tmp_path, *RUN)), the_record(store)
        flip(path)
        for command in ("status", "export", "report"):
            answer = critlab(command, study, "--store", "s")
            assert (answer.status, answer.out) == (2, "")
            assert path.name in answer.err
        assert path.exists()
        answer = critlab("gc", "--store", "s", "--apply")
        assert answer.status == 2
        assert path.name in answer.err
        assert critlab("run", study, "--store", "s").status == 0
        assert critlab("gc", "--store", "s", "--apply").status == 0
        assert not verify(store).wrong

    def test_where_the_record_lies_in_quarantine(self, store: Store) -> None:
        path = the_record(store)
        (store.root / "quarantine").mkdir()
        path.rename(store.root / "quarantine" / "small.json.2")
        self.refused(store, "in epochs", "in quarantine")

    def test_where_studies_were_not_copied(self, store: Store) -> None:
        shutil.rmtree(store.root / "studies")
        self.refused(store, "their study has no record", "--orphans")

    def test_where_readings_were_repeated(self, store: Store) -> None:
        name = next(store.names("readings"))
        body = store.read("readings", name)
        assert body is not None
        store.write("readings", "0" * 64, body)
        self.refused(store, "--remeasure was used", "--orphans")
        assert len(collect(store, apply=True, orphans=True).places) == 1

    def test_where_own_code_may_have_been_edited(self, store: Store) -> None:
        own = small(**SMALL, name="own", model={"name": "stateful_nets:build", "kind": "Tied"})
        the_record(store).unlink()
        enter(store, own, StudyRecord(own.model_dump(mode="json"), "f", Numerics(), {}))
        with pytest.raises(StoreError, match="if stateful_nets:build was edited") as refused:
            collect(store, [own], apply=True)
        assert "--orphans" in f"{refused.value}"

    def test_where_another_study_is_named(self, store: Store) -> None:
        Inline(small(**SMALL, name="other", deficit={"name": "vertical_flip"}), store).run()
        for path in (store.root / "studies").glob("other-*"):
            flip(path)
        before = contents(store)
        with pytest.raises(StoreError, match="studies/other-"):
            collect(store, [small(**SMALL)], apply=True)
        assert contents(store) == before

    def test_without_the_marker_of_a_store(self, store: Store, tmp_path: Path) -> None:
        home = tmp_path / "home"
        (home / "quarantine").mkdir(parents=True)
        (home / "quarantine" / "precious.txt").write_text("mine")
        shutil.copytree(store.root / "epochs", home / "epochs")
        before = contents(Store(home))
        ways: list[dict[str, Any]] = [{}, {"apply": True}, {"apply": True, "orphans": True}]
        for options in ways:
            with pytest.raises(StoreError, match="frees nothing without this marker"):
                collect(Store(home), **options)
        with pytest.raises(StoreError, match="frees nothing without this marker"):
            empty_trash(Store(home))
        assert contents(Store(home)) == before

    def test_that_is_not_critlabs(self, store: Store) -> None:
        theirs = ["quarantine/precious.txt", "epochs/ab/abc.json", "checkpoints/notes.txt", "trash/old.txt", "x.json"]
        for name in theirs:
            path = store.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("mine")
        collect(store, apply=True, orphans=True)
        empty_trash(store)
        assert all((store.root / name).read_text() == "mine" for name in theirs)

    def test_with_a_damaged_marker_until_the_next_run(self, store: Store) -> None:
        flip(store.root / MARKER)
        with pytest.raises(StoreError, match=MARKER):
            collect(store, apply=True)
        assert {one.file for one in verify(store).wrong} == {MARKER}
        Inline(small(**SMALL), store)
        assert not collect(store, apply=True).places
        assert not verify(store).wrong

    def test_that_another_study_goes_on_from(self, tmp_path: Path) -> None:
        """A state that only served one study to go on from may serve another one that is not yet done."""
        store = Store(tmp_path / "s")
        engine = Inline(small(**SMALL), store, size=10**12)
        engine.run()
        longest = max(engine.tree.nodes.values(), key=lambda node: node.epoch).path
        state = next(path for path in engine.tree.upwards(longest) if path and path not in engine.work.retained)
        name = engine.names.state(0, state)
        body, arrays = store.read("epochs", name), store.load_state(engine.names.state(0, longest))
        assert body is not None
        assert arrays is not None
        store.write("epochs", name, {**body, "kept": False})
        store.save_state(name, arrays)
        longer = {"kind": "removal", "at": [0, engine.tree.nodes[state].epoch], "recovery": 9}
        Inline(small(**SMALL, name="other", sweep=longer), store)
        assert not {place.name for place in collect(store).places if place.kind == "checkpoints"}


class TestTrash:
    def test_files_go_there_first_and_come_back_by_hand(self, store: Store) -> None:
        sound, before = table(small(**SMALL), store), contents(store)
        other = small(**SMALL, name="other", deficit={"name": "vertical_flip"})
        Inline(other, store).run()
        theirs = table(other, store)
        done = collect(store, [small(**SMALL)], apply=True)
        assert done.trash[0] >= len(done.places)
        assert contents(store).items() >= before.items()
        assert not collect(store).places
        assert not verify(store).wrong
        assert verify(store).files == len(before)
        (batch,) = (store.root / "trash").iterdir()
        shutil.copytree(batch, store.root, dirs_exist_ok=True)
        assert table(other, store) == theirs
        assert empty_trash(store)[0] == done.trash[0]
        assert not (store.root / "trash").exists()
        assert table(small(**SMALL), store) == sound

    def test_the_commands(self, critlab: Command, finished: Path, tmp_path: Path) -> None:
        store = Store(shutil.copytree(finished, tmp_path / "s"))
        shutil.rmtree(store.root / "studies")
        answer = critlab("gc", "--store", "s", "--apply")
        assert (answer.status, answer.out) == (2, "")
        listed = json.loads(critlab("gc", "--store", "s", "--orphans", "--json").out)
        assert (listed["schema_version"], listed["applied"]) == (2, False)
        assert len(listed["orphans"]) == listed["files"] > 0
        answer = critlab("gc", "--store", "s", "--orphans", "--apply")
        assert (answer.status, answer.err) == (0, "")
        assert "to the trash" in answer.out
        assert not (store.root / "epochs").is_dir() or not [*(store.root / "epochs").rglob("*.json")]
        assert "critlab gc --empty-trash" in critlab("gc", "--store", "s").out
        assert "deleted" in critlab("gc", "--store", "s", "--empty-trash").out
        assert critlab("gc", "--store", "s", "--empty-trash", "--apply").status == 2

    def test_a_gc_that_is_killed_leaves_a_sound_store(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        import os

        Inline(small(**SMALL, name="other", deficit={"name": "vertical_flip"}), store).run()
        real = os.replace
        for after in range(1, 30, 4):
            left = iter(range(after))

            def killed(source: Any, target: Any, left: Iterator[int] = left) -> None:
                if "trash" in str(target) and next(left, None) is None:
                    raise KeyboardInterrupt
                real(source, target)

            with monkeypatch.context() as patched:
                patched.setattr(os, "replace", killed)
                try:
                    collect(store, [small(**SMALL)], apply=True)
                except KeyboardInterrupt:
                    assert not verify(store).wrong
                    continue
            break
        assert not collect(store, apply=True).orphans
        assert not collect(store).places
        assert not verify(store).wrong


WORKS = """
import sys
from collections.abc import Iterator
from pathlib import Path
from critlab.store.disk.locks import writing
with writing(Path(sys.argv[1]), print):
    print("in", flush=True)
    sys.stdin.read()
"""


class TestLock:
    @pytest.mark.slow
    def test_gc_frees_nothing_while_anybody_works(self, store: Store) -> None:
        other = subprocess.Popen(
            [sys.executable, "-c", WORKS, str(store.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreError, match="another process is using this store"):
            collect(store, apply=True)
        collect(store)
        other.kill()
        other.communicate()
        collect(store, apply=True)

    def test_nor_while_this_process_does(self, store: Store) -> None:
        with writing(store.root, print), pytest.raises(StoreError, match="is using this store"):
            collect(store, apply=True)

    @pytest.mark.slow
    def test_who_begins_meanwhile_waits(self, store: Store) -> None:
        from critlab.store.disk.locks import freeing

        with freeing(store.root):
            other = subprocess.Popen(
                [sys.executable, "-c", WORKS, str(store.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert other.stdout is not None
            assert "waiting for critlab gc" in other.stdout.readline()
        assert other.stdout.readline() == "in\n"
        other.communicate()

    def test_without_locks_one_at_a_time(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        import errno
        import fcntl
        import os

        def none(*arguments: Any) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(fcntl, "lockf", none)
        monkeypatch.setattr(fcntl, "flock", none)
        with writing(store.root, lambda text: None), pytest.raises(StoreError, match="is using this store"):
            collect(store, apply=True)
        collect(store, apply=True)


def test_unknown_fields_of_a_record_stay(store: Store) -> None:
    path = the_record(store)
    body = json.loads(path.read_text())["body"]
    path.write_bytes(record.encode("studies", path.stem, {**body, "later": {"x": 1}}))
    Inline(small(**SMALL), store)
    known = read_record(store, small(**SMALL))
    assert isinstance(known, StudyRecord)
    assert known.others == {"later": {"x": 1}}
