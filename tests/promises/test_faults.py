"""Every fault that a long sweep meets, made to happen for real: nothing is lost, and a person is told."""

from __future__ import annotations

import errno
import json
import os
import pickle
import random
import resource
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from command import Command
from critlab._core.errors import StoreError
from critlab.analysis.tables.progress import progress
from critlab.analysis.tables.reading import read_results
from critlab.engine.context import RunOptions
from critlab.engine.interruption import Interruption
from critlab.engine.planning.plan import plan
from critlab.engine.progress import Display
from critlab.engine.records.standing import write_record
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.run import run_study
from critlab.engine.tasks.events import TaskEnded
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.task_queue import ATTEMPTS, TaskQueue
from critlab.store import Store, record
from critlab.store.store import slug
from critlab.study.runs.origin import Numerics
from critlab.study.runs.tree import build
from critlab.study.study import Study
from inline import Inline, Told, flipped, table
from studies import small, written
from trained import TrainedStores

ONE_SEED: dict[str, Any] = {"seeds": 1, "measures": {}}


@pytest.fixture(scope="session")
def finished(trained: TrainedStores) -> Path:
    """A store in which the small study was run undisturbed."""
    return trained(small(**ONE_SEED))


@pytest.fixture(scope="module")
def expected(finished: Path) -> str:
    return table(small(**ONE_SEED), Store(finished))


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(finished, tmp_path / "s"))


@contextmanager
def limited(what: int, value: int) -> Iterator[None]:
    """The kernel's limit on this process, as ``ulimit`` sets it."""
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (value, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


def whole_and_right(engine: Inline, expected: str) -> None:
    """The study ends with the table of an undisturbed run, and nothing half-written stays."""
    ending = engine.run()
    assert (ending.failures, ending.stopped) == ([], False)
    assert table(engine.study, engine.store) == expected
    assert not list(engine.store.root.rglob(".writing-*"))


class TestDisk:
    def test_a_file_size_limit(self, tmp_path: Path, expected: str) -> None:
        engine = Inline(small(**ONE_SEED), Store(tmp_path / "s"))
        with limited(resource.RLIMIT_FSIZE, 20_000):
            ending = engine.run()
        assert ending.stopped
        assert not ending.failures, "no run has failed because the disk was full"
        assert "cannot be written: File too large; the file takes " in ending.unwritable
        assert " bytes, " in ending.unwritable
        whole_and_right(engine, expected)

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
    def test_it_fills_up_or_goes_in_the_middle(
        self, tmp_path: Path, expected: str, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        engine = Inline(small(**ONE_SEED), Store(tmp_path / "s"))
        flush, left = os.fsync, iter(range(18))

        def full(descriptor: int) -> None:
            if next(left, None) is None:
                raise OSError(number, os.strerror(number))
            flush(descriptor)

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            ending = engine.run()
        assert ending.stopped
        assert os.strerror(number) in ending.unwritable
        assert engine.survey().trained < engine.tree.epochs, "what is done is kept"
        whole_and_right(engine, expected)

    @pytest.mark.slow
    def test_the_command_says_what_is_needed_and_goes_on(self, critlab: Command, tmp_path: Path) -> None:
        written(tmp_path, ("seeds = 2", "seeds = 1"), ("at = [0, 1, 3]", "at = [0]"))
        with limited(resource.RLIMIT_FSIZE, 20_000):
            answer = critlab("run", "study.toml", "--store", "store", "--engine", "inline")
        assert answer.status == 1
        assert "the remaining work needs about" in answer.err
        assert "repeat the same command to continue" in answer.err
        assert "Traceback" not in answer.err
        engine = Inline(small(seeds=1, sweep={"kind": "removal", "at": [0], "recovery": 2}), Store(tmp_path / "store"))
        assert not engine.run().failures
        assert json.loads(critlab("status", "study.toml", "--store", "store", "--json").out)["counts"] == {"done": 1}

    def test_plan_and_run_warn_beforehand(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from critlab.report.text.terminal import plan_text

        assert "warning" not in plan_text(plan(small(), Store(tmp_path), workers=1))
        monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6 - 5000, 5000))
        made = plan(small(), Store(tmp_path), workers=1)
        assert made.bytes_free == 5000
        assert "warning: the disk of" in plan_text(made)
        assert "has 0.0 MB free" in plan_text(made)


class TestFolder:
    @pytest.mark.parametrize("place", ["/proc/critlab-store", "/sys/critlab-store"])
    def test_it_cannot_be_made(self, critlab: Command, tmp_path: Path, place: str) -> None:
        written(tmp_path)
        answer = critlab("run", "study.toml", "--store", place)
        assert (answer.status, answer.out) == (2, "")
        assert answer.problem.startswith(f"critlab: {place}")
        assert answer.problem.count("\n") == 1

    def test_it_may_only_be_read(self, critlab: Command, store: Store, tmp_path: Path) -> None:
        written(tmp_path, ("seeds = 2", "seeds = 1"), ("fisher_trace = { every = 2, images = 40 }", ""))
        for folder in [store.root, *store.root.rglob("*/")]:
            folder.chmod(0o555)
        for command in (["status"], ["verify"], ["export"], ["gc"]):
            assert critlab(*command, "study.toml", "--store", "s").status == 0
        for folder in [store.root, *store.root.rglob("*/")]:
            folder.chmod(0o755)

    def test_spaces_and_letters_of_any_script(self, tmp_path: Path, expected: str) -> None:
        whole_and_right(Inline(small(**ONE_SEED), Store(tmp_path / "a b" / "Größe 実験 'x'")), expected)

    def test_it_is_gone(self, store: Store, expected: str) -> None:
        shutil.rmtree(store.root)
        whole_and_right(Inline(small(**ONE_SEED), store), expected)


class Boom:
    """Unpickling it would leave a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return os.mkdir, (str(self.mark),)


CHECKPOINTS: dict[str, Callable[[bytes, bytes, Path], bytes]] = {
    "truncated": lambda content, other, mark: content[: len(content) // 2],
    "empty": lambda content, other, mark: b"",
    "bit-flipped": lambda content, other, mark: flipped(content, random.Random(1)),
    "foreign": lambda content, other, mark: b"PK\x03\x04" + content,
    "another state's": lambda content, other, mark: other,
    "a malicious pickle": lambda content, other, mark: pickle.dumps(Boom(mark)),
}


class TestCheckpoint:
    @pytest.mark.slow
    @pytest.mark.parametrize("fault", CHECKPOINTS)
    def test_it_is_put_aside_and_its_stage_is_done_again(
        self, store: Store, expected: str, tmp_path: Path, fault: str
    ) -> None:
        engine = Inline(small(**ONE_SEED), store)
        end = engine.tree.ends["blur-0-3-of-5"]
        above, before = engine.tree.nodes[end].parent, engine.tree.paths("blur-0-3-of-5")[2]
        state = store.path("checkpoints", engine.names.state(0, str(above)), ".safetensors")
        other = store.path("checkpoints", engine.names.state(0, before), ".safetensors")
        state.write_bytes(CHECKPOINTS[fault](state.read_bytes(), other.read_bytes(), tmp_path / "mark"))
        store.remove("epochs", engine.names.state(0, end))
        whole_and_right(engine, expected)
        assert store.quarantined() == [state.name]
        assert not (tmp_path / "mark").exists()

    def test_it_goes_while_the_study_runs(self, store: Store, expected: str) -> None:
        engine = Inline(small(**ONE_SEED), store)
        store.remove("epochs", engine.names.state(0, engine.tree.ends["blur-0-3-of-5"]))
        tries: list[str] = []

        def lose(task: Task) -> None:
            if not tries:
                store.drop_state(engine.names.state(0, task.start))
            tries.append(task.start)

        ending = engine.run(before=lose)
        assert (ending.failures, ending.trained, ending.replayed) == ([], 1, 1)
        assert len(set(tries)) == len(tries) == 2, "the second time from a state further up"
        assert table(engine.study, store) == expected

    def test_a_place_inside_an_epoch_is_damaged(self, store: Store, expected: str) -> None:
        engine = Inline(small(**ONE_SEED), store)
        state = engine.names.state(0, engine.tree.ends["blur-0-3-of-5"])
        store.remove("epochs", state)
        arrays = store.load_state(state)
        assert arrays is not None
        store.save_state(state, arrays, "inside")
        path = store.path("inside", state, ".safetensors")
        path.write_bytes(store.path("checkpoints", state, ".safetensors").read_bytes())
        whole_and_right(engine, expected)
        assert store.quarantined() == [path.name]


class TestRecord:
    def test_edited_by_hand(self, store: Store, expected: str) -> None:
        path = sorted((store.root / "epochs").rglob("*.json"))[0]
        accuracy = json.loads(path.read_text())["body"]["train_accuracy"]
        path.write_text(path.read_text().replace(f'"train_accuracy": {accuracy}', '"train_accuracy": 1.0'))
        whole_and_right(Inline(small(**ONE_SEED), store), expected)
        assert store.quarantined() == [path.name]

    def test_a_malicious_pickle_in_place_of_every_file(self, store: Store, expected: str, tmp_path: Path) -> None:
        files = [path for path in store.root.rglob("*") if path.is_file() and path.stat().st_size]
        for path in files:
            path.write_bytes(pickle.dumps(Boom(tmp_path / "mark")))
        whole_and_right(Inline(small(**ONE_SEED), store), expected)
        assert not (tmp_path / "mark").exists()

    @pytest.mark.parametrize("kind", ["epochs", "readings", "studies"])
    def test_newer_than_this_critlab(self, critlab: Command, store: Store, tmp_path: Path, kind: str) -> None:
        written(tmp_path, ("seeds = 2", "seeds = 1"), ("fisher_trace = { every = 2, images = 40 }", ""))
        for path in (store.root / kind).rglob("*.json"):
            path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99'))
        for command in (["run"], ["status"], ["export"]):
            answer = critlab(*command, "study.toml", "--store", "s")
            assert (answer.status, answer.out) == (2, "")
            assert "has schema version 99, this critlab reads up to 1; install a newer critlab" in answer.err
        assert critlab("verify", "--store", "s").status == 1
        assert not store.quarantined(), "what a newer critlab wrote is not put aside"


class TestInterruption:
    def test_a_place_inside_the_epoch_is_stored_after_a_minute_of_work(
        self, tmp_path: Path, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every step here, as if each took a minute; the epoch ends as one that never paused."""
        saved = Counter[str]()
        save = Store.save_state

        def counted(store: Store, name: str, arrays: Any, kind: Any = "checkpoints") -> None:
            saved[kind] += 1
            save(store, name, arrays, kind)

        monkeypatch.setattr("critlab.engine.tasks.execute.INSIDE_SECONDS", -1.0)
        monkeypatch.setattr(Store, "save_state", counted)
        engine = Inline(small(**ONE_SEED), Store(tmp_path / "s"))
        whole_and_right(engine, expected)
        steps = 120 // 40
        assert saved == {"checkpoints": engine.tree.epochs, "inside": engine.tree.epochs * (steps - 1)}
        assert not list((engine.store.root / "inside").rglob("*.safetensors")), "they go when the epoch is over"

    def test_it_goes_on_inside_the_epoch(self, tmp_path: Path, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Broken off right after a place inside an epoch was stored; the next command begins there."""
        from critlab.training.learner import NetworkLearner

        engine = Inline(small(**ONE_SEED), Store(tmp_path / "s"))
        save, left = Store.save_state, iter(range(5))

        def broken(store: Store, name: str, arrays: Any, kind: Any = "checkpoints") -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            save(store, name, arrays, kind)

        with monkeypatch.context() as patched:
            patched.setattr("critlab.engine.tasks.execute.INSIDE_SECONDS", -1.0)
            patched.setattr(Store, "save_state", broken)
            with pytest.raises(KeyboardInterrupt):
                engine.run()
        (inside,) = (engine.store.root / "inside").rglob("*.safetensors")
        begun: list[bool] = []
        unpack = NetworkLearner.unpack

        def noted(learner: NetworkLearner, tensors: Any) -> Any:
            begun.append("progress" in tensors)
            return unpack(learner, tensors)

        monkeypatch.setattr(NetworkLearner, "unpack", noted)
        whole_and_right(engine, expected)
        assert begun.count(True) == 1
        assert not inside.exists()


class TestRun:
    def test_a_loss_that_is_not_a_number(self, tmp_path: Path) -> None:
        wild = {"name": "sgd", "lr": 1e30, "batch": 40}
        study = small(**ONE_SEED, optimizer=wild, model={"name": "mlp", "hidden": [4], "batch_norm": False})
        engine = Inline(study, Store(tmp_path / "s"))
        assert not engine.run().failures
        assert len(engine.told.notes) == 2, "the control's trunk and the deficit's"
        assert progress(study, engine.store).counts == {"diverged": 3}
        assert not engine.survey().tasks, "a diverged run is a result and is not tried again"

    def test_out_of_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "hungry.py").write_text(
            "import torch\n"
            "from critlab.deficits.images.blur import Blur\n"
            "class Hungry(Blur):\n"
            "    name = 'hungry'\n"
            "    def apply(self, images, labels, draws):\n"
            "        if draws.epoch == 1:\n"
            "            torch.ones(2**32)\n"
            "        return super().apply(images, labels, draws)\n"
        )
        study = small(**ONE_SEED, deficit={"name": "hungry:Hungry", "factor": 7})
        engine = Inline(study, Store(tmp_path / "s"))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        with limited(resource.RLIMIT_AS, used + 2**31):
            ending = engine.run()
        assert [failure.reason[:15] for failure in ending.failures] == ["out of memory: "]
        counts = progress(study, engine.store).counts
        assert counts == {"done": 2, "failed": 1}

    def test_a_clock_that_goes_backwards(self, tmp_path: Path, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = Inline(small(**ONE_SEED), Store(tmp_path / "s"))
        began, real = time.time(), time.time
        monkeypatch.setattr(time, "time", lambda: 2 * began - 10 * real())

        def late(task: Task) -> None:
            for path in engine.store.root.rglob("*"):
                os.utime(path, (began + 1e6, began + 1e6))

        ending = engine.run(before=late)
        assert not ending.failures
        whole_and_right(engine, expected)


def limit_that_leaves(descriptors: int) -> int:
    """The limit under which so many descriptors are still to be had: it bounds their numbers, which may have gaps."""
    taken = {int(name) for name in os.listdir("/dev/fd") if os.path.exists(f"/dev/fd/{name}")}
    free = (number for number in range(10_000) if number not in taken)
    return [next(free) for _ in range(descriptors)][-1] + 1


KILLED = """
import os, signal
from critlab.deficits.images.blur import Blur
class Deadly(Blur):
    name = "deadly"
    def apply(self, images, labels, draws):
        if draws.epoch == 1 and not os.path.exists(os.environ["MARK"]):
            open(os.environ["MARK"], "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().apply(images, labels, draws)
"""


class TestProcess:
    @pytest.fixture(scope="class")
    @staticmethod
    def battered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Store, list[str], int]:
        """A study run by real workers, of which one is killed, with descriptors for no more than one at a time."""
        folder = tmp_path_factory.mktemp("battered")
        (folder / "deadly.py").write_text(KILLED)
        told: list[str] = []
        with pytest.MonkeyPatch.context() as patched:
            patched.syspath_prepend(folder)
            patched.setenv("MARK", str(folder / "mark"))
            patched.setattr(Display, "remark", lambda display, text: told.append(text))
            study = small(**ONE_SEED, deficit={"name": "deadly:Deadly", "factor": 7})
            with limited(resource.RLIMIT_NOFILE, limit_that_leaves(8)):
                report = run_study(study, Store(folder / "s"), RunOptions(workers=4))
            assert (folder / "mark").exists()
            return study, Store(folder / "s"), told, report.status

    @pytest.mark.slow
    def test_a_worker_is_killed(self, battered: tuple[Study, Store, list[str], int], expected: str) -> None:
        study, store, _, status = battered
        assert status == 0
        assert progress(study, store).counts == {"done": 3}
        numbers = [row.value for row in read_results(study, store).rows if row.quantity == "test_accuracy"]
        assert len(numbers) == expected.count("test_accuracy")

    @pytest.mark.slow
    def test_descriptors_for_few_workers(self, battered: tuple[Study, Store, list[str], int]) -> None:
        assert any("worker processes: Too many open files" in text for text in battered[2])

    def test_a_worker_that_dies_again_and_again_is_taken_for_a_failure(self, tmp_path: Path) -> None:
        engine, told = Inline(small(**ONE_SEED), Store(tmp_path)), Told()
        written_down: list[Any] = []
        note = lambda *failure: written_down.append(failure[1])  # noqa: E731
        queue = TaskQueue(engine.survey(), engine.survey, told, note, Interruption())
        tries = Counter[str]()
        while (task := queue.next()) is not None:
            path = task.steps[0].path
            tries[path] += 1
            queue.take(TaskEnded(task, "died", f"its worker process died with status {-signal.SIGKILL}", path))
        assert set(tries.values()) == {ATTEMPTS}
        assert written_down == list(tries)
        assert told.failures == [f"its worker process died with status -9 ({ATTEMPTS} times)"] * len(tries)
        assert len(queue.outcome.blocked) + len(tries) == len(engine.survey().tasks)


class TestMany:
    @pytest.mark.slow
    def test_ten_thousand_runs_in_one_store(self, critlab: Command, tmp_path: Path) -> None:
        """The records of 10,000 runs, each a file; listing and status are a matter of reading them once or twice."""
        written(
            tmp_path,
            ("seeds = 2", "seeds = 10000"),
            ("at = [0, 1, 3]", "at = [0]"),
            ("recovery = 2", "recovery = 1"),
            ("fisher_trace = { every = 2, images = 40 }", ""),
        )
        study = small(seeds=10_000, measures={}, sweep={"kind": "removal", "at": [0], "recovery": 1})
        store, tree = Store(tmp_path / "store"), build(study)
        names = StudyIds(study, "fingerprint", Numerics())
        write_record(store, StudyRecord(study.model_dump(mode="json"), "fingerprint", Numerics(), {}))
        (path,) = (path for path in tree.nodes if path)
        body = {"status": "diverged", "note": "too fast", "seconds": 1.0}
        for seed in study.seeds:
            quick(store, "epochs", names.state(seed, path), body)
        found = json.loads(critlab("status", "study.toml", "--store", "store", "--json").out)
        assert (found["counts"], found["epochs_left"]) == ({"diverged": 10_000}, 0)
        assert len(list(store.names("epochs"))) == 10_000


def quick(store: Store, kind: str, name: str, body: dict[str, Any]) -> None:
    """A record without waiting for the disk, which 10,000 files would do for a minute."""
    path = store.path(kind, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(record.encode(kind, name, body))


def test_names_of_studies_stay_inside_the_store() -> None:
    assert slug("../up/x") == "..%2Fup%2Fx"
    with pytest.raises(StoreError, match="holds another record"):
        record.decode(record.encode("epochs", "a", {}), "epochs", "b")
