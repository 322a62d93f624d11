"""What a store has lost: verify knows it, beside a process at work too, and the next run makes it again."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import Command
from critlab.engine.maintenance.gc import collect
from critlab.engine.maintenance.repair import set_aside_damaged
from critlab.engine.maintenance.verify import verify
from critlab.store import Store
from critlab.store.inspection import Place, places
from inline import Inline, flipped, table
from store_files import incomplete, some
from studies import small, written
from trained import TrainedStores

SMALL: dict[str, Any] = {"seeds": 1, "measures": {"fisher_trace": {"every": 2, "images": 20}}}
RUN = ("seeds = 2", "seeds = 1"), ("every = 2, images = 40", "every = 2, images = 20")


@pytest.fixture(scope="session")
def finished(trained: TrainedStores) -> Path:
    return trained(small(**SMALL))


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(finished, tmp_path / "s"))


def repaired(store: Store) -> None:
    """What ``critlab run`` does, without its processes."""
    engine = Inline(small(**SMALL), store)
    set_aside_damaged(engine.work)
    assert not engine.run().failures


class TestCheckpoint:
    @pytest.mark.slow
    @pytest.mark.parametrize("damage", ["flipped", "cut", "swapped", "gone", "all gone"])
    def test_it_is_made_again_bit_for_bit(self, store: Store, damage: str) -> None:
        sound = {path: path.read_bytes() for path in some(store, "checkpoints")}
        one, other = random.Random(3).sample(sorted(sound), 2)
        if damage == "flipped":
            one.write_bytes(flipped(sound[one], random.Random(5)))
        elif damage == "cut":
            one.write_bytes(sound[one][:-7])
        elif damage == "swapped":
            one.write_bytes(sound[other])
        else:
            for path in [one] if damage == "gone" else sound:
                path.unlink()
        assert verify(store).wrong
        repaired(store)
        assert {path: path.read_bytes() for path in some(store, "checkpoints")} == sound
        assert not verify(store).wrong

    @pytest.mark.slow
    def test_the_command_makes_it_again(self, critlab: Command, finished: Path, tmp_path: Path) -> None:
        store, study = Store(shutil.copytree(finished, tmp_path / "s")), str(written(tmp_path, *RUN))
        path = some(store, "checkpoints")[3]
        sound = path.read_bytes()
        path.write_bytes(flipped(sound, random.Random(5)))
        assert critlab("verify", "--store", "s").status == 1
        answer = critlab("run", study, "--store", "s", "--engine", "inline")
        assert answer.status == 0
        assert f"checkpoint {path.stem} is damaged and was moved to quarantine" in answer.err
        assert path.read_bytes() == sound
        assert critlab("verify", "--store", "s").status == 0

    def test_what_comes_out_otherwise_is_a_failure_that_says_so(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from critlab.training.learner import NetworkLearner

        advance = NetworkLearner.advance

        def other(learner: NetworkLearner, *arguments: Any) -> Any:
            learned = advance(learner, *arguments)
            return learned and {**learned, "train_loss": learned["train_loss"] * 1.001}

        some(store, "checkpoints")[0].unlink()
        monkeypatch.setattr(NetworkLearner, "advance", other)
        (failure,) = Inline(small(**SMALL), store).run().failures
        assert "was trained again and gave a training loss of" in failure.reason
        assert table(small(**SMALL), store)

    def test_one_that_an_earlier_run_kept_is_not_dropped_by_a_later_one(self, store: Store) -> None:
        """A study that has grown keeps fewer states; those whose records promise that they stay, do."""
        longer = small(**{**SMALL, "sweep": {"kind": "removal", "at": [0, 1, 3, 4], "recovery": 2}})
        Inline(longer, store, size=10**12).run()
        assert not verify(store).wrong


class TestReadings:
    @pytest.mark.slow
    @pytest.mark.parametrize("complete", [True, False])
    def test_all_of_them_gone(self, store: Store, complete: bool) -> None:
        sound = table(small(**SMALL), store)
        if not complete:
            incomplete(store)
        shutil.rmtree(store.root / "readings")
        for study in (None, small(**SMALL)):
            found = verify(store, study)
            assert found.wrong
            assert found.missing_readings > 6
        repaired(store)
        assert not verify(store).wrong
        assert table(small(**SMALL), store) == sound

    def test_one_of_them_gone(self, store: Store) -> None:
        path = some(store, "readings")[4]
        path.unlink()
        for study in (None, small(**SMALL)):
            assert [one.file for one in verify(store, study).wrong] == [str(path.relative_to(store.root))]

    def test_those_of_a_new_measure_are_still_to_be_taken_and_not_wrong(self, store: Store) -> None:
        more = small(**{**SMALL, "measures": {"fisher_trace": {"every": 1, "images": 20}}})
        Inline(more, store)
        found = verify(store, more)
        assert (found.wrong, found.missing) == ([], 0)
        assert found.missing_readings > 0
        assert not verify(store).wrong

    def test_the_command(self, critlab: Command, finished: Path, tmp_path: Path) -> None:
        store, study = Store(shutil.copytree(finished, tmp_path / "s")), str(written(tmp_path, *RUN))
        shutil.rmtree(store.root / "readings")
        for arguments in ([], [study]):
            answer = critlab("verify", *arguments, "--store", "s")
            assert answer.status == 1
            assert "small: " in answer.out
            assert "lacks " in answer.out


class TestRecords:
    def test_all_epochs_gone(self, store: Store) -> None:
        shutil.rmtree(store.root / "epochs")
        assert len(verify(store).wrong) == len(verify(store, small(**SMALL)).wrong) == verify(store).missing > 0

    def test_all_studies_gone(self, store: Store) -> None:
        shutil.rmtree(store.root / "studies")
        (wrong,) = verify(store).wrong
        assert "belong to no recorded study" in wrong.what
        repaired(store)
        assert not verify(store).wrong

    def test_a_damaged_record_of_the_study(self, critlab: Command, finished: Path, tmp_path: Path) -> None:
        store, study = Store(shutil.copytree(finished, tmp_path / "s")), str(written(tmp_path, *RUN))
        (path,) = (store.root / "studies").iterdir()
        path.write_bytes(flipped(path.read_bytes(), random.Random(1)))
        answer = critlab("verify", study, "--store", "s")
        assert answer.status == 1
        assert path.name in answer.out

    def test_a_study_that_is_not_done_is_not_wrong(self, tmp_path: Path) -> None:
        engine, left = Inline(small(**SMALL), Store(tmp_path / "s")), iter(range(1))

        def stop(task: Any) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            engine.run(stop)
        found = verify(engine.store)
        assert (found.wrong, found.orphans) == ([], [])
        assert found.missing > 0

    def test_what_diverged_is_not_missing(self, tmp_path: Path) -> None:
        wild = {"name": "sgd", "lr": 1e30, "batch": 40}
        study = small(seeds=1, measures={}, optimizer=wild, model={"name": "mlp", "hidden": [4], "batch_norm": False})
        engine = Inline(study, Store(tmp_path / "s"))
        engine.run()
        for found in (verify(engine.store), verify(engine.store, study)):
            assert (found.wrong, found.missing, found.missing_readings) == ([], 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("when", range(0, 24, 2))
def test_verify_calls_no_sound_store_wrong_while_a_run_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    """The run does a task while verify is between two files, at each of many places."""
    engine = Inline(small(**SMALL), Store(tmp_path / "s"))
    tasks = 0

    def stop(task: Any) -> None:
        nonlocal tasks
        tasks += 1
        if tasks == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run(stop)
    before = list(places(engine.store))

    def late(store: Store) -> Iterator[Place]:
        for number, place in enumerate(places(store)):
            if number == when * len(before) // 24:
                engine.run()
            yield place

    monkeypatch.setattr("critlab.engine.maintenance.verify.places", late)
    assert not verify(engine.store).wrong
    assert not verify(engine.store, engine.study).wrong


def test_verify_calls_no_sound_store_wrong_while_gc_works(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    Inline(small(**SMALL, name="other", deficit={"name": "vertical_flip"}), store).run()
    count = len(list(places(store)))

    def late(store: Store) -> Iterator[Place]:
        for number, place in enumerate(places(store)):
            if number == count // 3:
                collect(store, [small(**SMALL)], apply=True)
            yield place

    monkeypatch.setattr("critlab.engine.maintenance.verify.places", late)
    assert not verify(store).wrong
