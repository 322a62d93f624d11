"""Several processes, one study, one store: every state is made once, and whoever dies is replaced at once."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from critlab._core.digest import digest
from critlab._core.errors import StoreError
from critlab.analysis.tables.reading import read_results
from critlab.data import load
from critlab.engine.context import RunOptions
from critlab.engine.progress import Display
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.run import run_study
from critlab.engine.tasks.claims import Claim
from critlab.engine.tasks.events import StateReached, Trained
from critlab.engine.tasks.missing_work import EpochTask, Task
from critlab.engine.tasks.task_queue import SHARED
from critlab.store import Store
from critlab.store.disk.locks import LOCKS, WRITER, Locks, writing
from critlab.study.runs.origin import Numerics
from critlab.study.runs.tree import ROOT, build
from critlab.study.study import Study
from holding import HOLD
from inline import Inline, table
from studies import small

RUN = """
import json, sys
from pathlib import Path
from critlab.engine.context import RunOptions
from critlab.engine.run import run_study
from critlab.store import Store
from critlab.study.study import Study
study = Study.read(json.loads(sys.argv[1]), "study")
report = run_study(study, Store(Path(sys.argv[2])), RunOptions(workers=1))
print(json.dumps([report.trained, report.replayed, report.status]))
"""
WAITING = """
import os, time
from critlab.deficits.images.blur import Blur
class Waiting(Blur):
    name = "waiting"
    def apply(self, images, labels, draws):
        while "CRITLAB_WORKER" in os.environ and not os.path.exists(os.environ["GO"]):
            time.sleep(0.02)
        return super().apply(images, labels, draws)
"""


def started(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study whose deficit waits, in workers, for the file ``go``, so that a process can be caught at work."""
    (tmp_path / "waiting.py").write_text(WAITING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, [tmp_path, *filter(None, sys.path)])))
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    return small(seeds=1, deficit={"name": "waiting:Waiting", "factor": 7}, measures={"weights": {"every": 2}})


@contextmanager
def at_work(study: Study, store: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs ``study`` and waits for ``go`` with a task in hand."""
    process = started(RUN, json.dumps(study.model_dump(mode="json")), str(store))
    names = StudyIds(study, load(study.data).fingerprint, Numerics())
    states = [names.state(0, path) for path in build(study).nodes]
    while not Locks(store).held(states):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    yield process
    process.kill()
    process.communicate()


def when_shared(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Calls ``then`` once this process says that another one is at work."""

    def remark(display: Display, text: str) -> None:
        if text == SHARED:
            then()

    monkeypatch.setattr(Display, "remark", remark)


def test_a_claim_is_had_by_one_process_and_ends_with_it(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    assert locks.held(["a", "b"]) == set()
    assert not list(tmp_path.iterdir()), "looking must create nothing"
    other = started(HOLD, str(tmp_path), "a", "b")
    assert other.stdout is not None
    assert other.stdout.readline() == "True\n"
    assert locks.held(["a", "b", "c"]) == {"a", "b"}
    assert not locks.claim(["c", "b"]), "all or none"
    assert locks.held(["c"]) == set()
    assert locks.claim(["c"]), "what was claimed in vain was given back"
    other.kill()
    other.communicate()
    assert locks.held(["a", "b"]) == set()
    assert locks.claim(["a", "b"])
    locks.release(["a", "b", "c"])
    assert [path.name for path in tmp_path.iterdir()] == [LOCKS]
    assert (tmp_path / LOCKS).stat().st_size == 0


def test_a_claim_also_keeps_out_its_own_process(tmp_path: Path) -> None:
    assert Locks(tmp_path).claim(["a"])
    assert not Locks(tmp_path).claim(["a"])
    assert Locks(tmp_path).claim(["b"])
    Locks(tmp_path).release(["a"])
    assert Locks(tmp_path).claim(["a"])
    Locks(tmp_path).release(["a", "b"])


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    locks = Locks(tmp_path)
    assert locks.claim([f"{number}" for number in range(2000)]), "any number through one descriptor"
    assert len(os.listdir("/dev/fd")) == before + 1
    locks.release([f"{number}" for number in range(2000)])
    locks.held(["a"])
    assert len(os.listdir("/dev/fd")) == before


def test_a_claim_costs_the_same_however_many_epochs_a_task_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel walks through every lock of a file for each new one, so what is held at a time decides."""
    steps = tuple(EpochTask(f"{number}", (), keep=number % 7 == 0) for number in range(2000))
    names: Any = SimpleNamespace(state=lambda seed, path: digest(path))
    locks, calls = Locks(tmp_path), Counter[int]()
    lockf = fcntl.lockf

    def counted(descriptor: int, command: int, *where: int) -> None:
        calls[command] += 1
        lockf(descriptor, command, *where)

    monkeypatch.setattr(fcntl, "lockf", counted)
    claim = Claim(locks, names, Store(tmp_path), Task(0, ROOT, (), steps, True, 2000))
    assert claim.take()
    assert calls.total() <= 5
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        if step.keep:
            claim.follow(StateReached(step.path, {}, True))
        assert following is None or digest(following.path) in claim.held.values(), "before this one's record is there"
        claim.follow(Trained(step.path, {}))
        assert len(claim.held) <= 6
    claim.release()
    assert calls.total() <= 2 * len(steps) + 5
    assert not list(locks.held([digest(step.path) for step in steps]))


def test_who_begins_where_a_task_stored_its_state_finds_it_held(tmp_path: Path) -> None:
    names: Any = SimpleNamespace(state=lambda seed, path: path)
    steps = tuple(EpochTask(f"{number}", (), keep=False) for number in range(20))
    first = Claim(Locks(tmp_path), names, Store(tmp_path), Task(0, ROOT, (), steps, True, 20))
    assert first.take()
    for step in steps[:10]:
        if step.path == "4":
            first.follow(StateReached(step.path, {}, False))
        first.follow(Trained(step.path, {}))
    for start in (5, 10):
        other = Claim(Locks(tmp_path), names, Store(tmp_path), Task(0, f"{start - 1}", (), steps[start:], True, 20))
        assert not other.take(), "5 follows the stored state, 10 is at work"
    first.release()
    assert other.take()
    other.release()


@pytest.mark.slow
def test_two_processes_at_once_train_every_epoch_once(
    waiting: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "s")
    when_shared(monkeypatch, (tmp_path / "go").touch)
    with at_work(waiting, store.root) as other:
        mine = run_study(waiting, store, RunOptions(executor="inline"))
        out, err = other.communicate()
    assert (other.returncode, mine.status) == (0, 0), err
    trained, replayed, status = json.loads(out)
    assert (trained + mine.trained, replayed + mine.replayed, status) == (build(waiting).epochs, 0, 0)
    assert trained
    assert mine.trained
    alone = Inline(waiting, Store(tmp_path / "alone"))
    assert not alone.run().failures
    assert table(waiting, store) == table(waiting, alone.store)


@pytest.mark.slow
def test_one_of_two_processes_killed_the_other_finishes(
    waiting: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "s")
    with at_work(waiting, store.root) as other:

        def kill() -> None:
            os.killpg(other.pid, signal.SIGKILL)
            other.communicate()
            (tmp_path / "go").touch()

        when_shared(monkeypatch, kill)
        mine = run_study(waiting, store, RunOptions(executor="inline"))
        assert other.returncode == -signal.SIGKILL
    assert (mine.status, mine.replayed) == (0, 0)
    assert {outcome.status for outcome in read_results(waiting, store).outcomes} == {"done"}
    assert not list(store.root.rglob(".writing-*"))


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that answers as a network file system without a lock service does."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", refuse)


@pytest.mark.slow
@pytest.mark.usefixtures("no_locks")
def test_without_locks_one_process_works(tmp_path: Path) -> None:
    told: list[str] = []
    with writing(tmp_path, told.append) as locks:
        engine = Inline(small(seeds=1, measures={}), Store(tmp_path), locks=locks)
        assert engine.run().trained == engine.tree.epochs
    assert told == [f"{tmp_path}: this file system has no locks: only one process at a time can use this store"]
    assert not (tmp_path / WRITER).exists()


@pytest.mark.usefixtures("no_locks")
def test_without_locks_nothing_is_known_to_be_held(tmp_path: Path) -> None:
    (tmp_path / LOCKS).touch()
    assert Locks(tmp_path).held(["a"]) == set()


@pytest.mark.slow
@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_second_process_is_refused_and_a_dead_one_replaced(tmp_path: Path) -> None:
    told: list[str] = []
    with writing(tmp_path, told.append) as locks:
        assert locks is None
        with (
            pytest.raises(StoreError, match=f"process {os.getpid()} on .* is using this store"),
            writing(tmp_path, told.append),
        ):
            pass
        mark = json.loads((tmp_path / WRITER).read_text())
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / WRITER).write_text(json.dumps({**mark, "process": gone.pid}))
    with writing(tmp_path, told.append):
        assert json.loads((tmp_path / WRITER).read_text()) == mark
    (tmp_path / WRITER).write_text(json.dumps({**mark, "host": "elsewhere", "process": gone.pid}))
    with pytest.raises(StoreError, match=f"delete {tmp_path / WRITER}"), writing(tmp_path, told.append):
        pass
    assert all("no locks" in text for text in told)
