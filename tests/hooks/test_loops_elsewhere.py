"""A user's loop as a class: the same results on several processes, in parts, and in several calls at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import critlab
import own_loops
from critlab._core.errors import StudyError
from critlab.deficits import FeatureDropout
from critlab.engine.context import RunContext
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.executors.worker import setup_message
from critlab.engine.maintenance.verify import verify
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.missing_work import MissingWork
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop import means
from critlab.hooks.own_loop.given import GivenLoop, given_loop
from critlab.hooks.own_loop.probe import probe
from critlab.hooks.own_loop.processes.probe_work import PROBE_FUNCTIONS, decoded, encoded
from critlab.hooks.own_loop.processes.work import train_missing
from critlab.hooks.when.elsewhere import when_work
from critlab.hooks.when.when import when
from critlab.store import Store

SMALL = "own_loops:SmallLoop"
QUESTION: dict[str, Any] = {
    "deficit": FeatureDropout(share=0.5),
    "at": [0, 1, 2],
    "recovery": 1,
    "seeds": 2,
    "examples": 40,
    "check": False,
}


@pytest.fixture(autouse=True)
def note_again() -> None:
    """The note that a loop runs in one process is said once in a process."""
    means.say_once.cache_clear()


def records(root: Path) -> dict[str, bytes]:
    kinds = ("epochs", "readings")
    return {f"{path.relative_to(root)}": path.read_bytes() for kind in kinds for path in (root / kind).rglob("*.json")}


def test_a_class_by_path_and_as_it_is_and_its_functions_give_the_same_numbers(tmp_path: Path) -> None:
    by_path = probe(SMALL, store=tmp_path / "path", workers=1, **QUESTION)
    by_class = probe(loop=own_loops.SmallLoop, store=tmp_path / "class", workers=1, **QUESTION)
    assert by_path.to_csv() == by_class.to_csv()
    assert records(tmp_path / "path").keys() == records(tmp_path / "class").keys(), "one name, however it is given"
    loop = own_loops.SmallLoop()
    functions: Any = [getattr(loop, name) for name in ("make", "advance", "evaluate")]
    as_functions = probe(*functions, save=loop.save, load=loop.load, store=tmp_path / "functions", **QUESTION)
    assert as_functions.to_csv() == by_path.to_csv()


@pytest.mark.slow
def test_two_processes_give_the_table_of_one(tmp_path: Path) -> None:
    one = probe(SMALL, store=tmp_path / "one", workers=1, **QUESTION)
    two = probe(SMALL, store=tmp_path / "two", workers=2, **QUESTION)
    assert two.to_csv() == one.to_csv()
    assert records(tmp_path / "two").keys() == records(tmp_path / "one").keys()
    assert not verify(Store(tmp_path / "two")).wrong


def test_parts_with_stores_of_their_own_merge_to_the_whole_byte_for_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = probe(SMALL, store=tmp_path / "whole", workers=1, **QUESTION)
    for number in (1, 2):
        found = probe(SMALL, store=tmp_path / f"{number}", workers=1, part=f"{number}/2", **QUESTION)
        assert found.verdict().answer == "running"
        assert f"part {number}/2: seed {number - 1} (" in capsys.readouterr().err
    made = critlab.merge_stores([tmp_path / "1", tmp_path / "2"], into=tmp_path / "merged")
    assert made.lacking == ()
    before = records(tmp_path / "merged")
    again = probe(SMALL, store=tmp_path / "merged", workers=1, **QUESTION)
    assert again.to_csv() == whole.to_csv()
    assert records(tmp_path / "merged") == before, "nothing was left to train"
    assert before.keys() == records(tmp_path / "whole").keys()
    for text in ("5/4", "0/2"):
        with pytest.raises(StudyError, match=f"^probe: part: received '{text}'; must be K/N"):
            probe(SMALL, store=tmp_path / "none", part=text, **QUESTION)


def test_another_process_makes_the_same_names_of_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message to a worker is read in this process, where a test sees what comes of it."""
    made: list[tuple[StudyRun, StudyRun]] = []

    def train(work: MissingWork, context: RunContext, executor: type[TaskExecutor], of: str) -> bool:
        setup = json.loads(json.dumps(setup_message(context)))
        run, learner = when_work(setup, None)
        made.append((context.run, run))
        there = replace(context, make_learner=lambda: learner)
        return train_missing(work, there, InlineExecutor, of)

    monkeypatch.setattr("critlab.hooks.when.cells.train_missing", train)
    asked: dict[str, Any] = {"total": 4, "seeds": 3, "tolerance": 0.05, "times": [0, 2], "check": False}
    answer = when(own_loops.SwitchedLoop, store=tmp_path / "s", **asked)
    assert {time for time, _ in answer.cells} == {0, 2, 4}
    assert made
    for here, there in made:
        assert list(here.tree.nodes) == list(there.tree.nodes)
        assert here.ids.state(1, here.tree.ends["flipped-at-2"]) == there.ids.state(1, there.tree.ends["flipped-at-2"])
    monkeypatch.undo()
    assert when(own_loops.SwitchedLoop, store=tmp_path / "here", workers=1, **asked).document() == answer.document()


LOOP = """
import glob, os, time
from own_loops import SmallLoop
class Waiting(SmallLoop):
    "Goes on once two processes are at work."
    def advance(self, state, epoch, deprive):
        open(f"at-{os.getpid()}", "w").close()
        end = time.monotonic() + 60
        while len(glob.glob("at-*")) < 2:
            assert time.monotonic() < end, "the other process waits for this one"
            time.sleep(0.02)
        with open("trained", "a") as file:
            file.write("an epoch\\n")
        return super().advance(state, epoch, deprive)
"""
CALL = """
import critlab
from critlab.deficits import FeatureDropout
results = critlab.probe("waiting:Waiting", deficit=FeatureDropout(share=0.5), at=[0, 1], recovery=1, seeds=2,
    examples=40, check=False, workers=1, store="store")
print(results.to_csv())
"""


@pytest.mark.slow
def test_two_calls_in_one_store_work_at_once_and_train_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(LOOP)
    path = os.pathsep.join([str(tmp_path), str(Path(own_loops.__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CALL], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    ends = [one.communicate(timeout=120) for one in started]
    assert [one.returncode for one in started] == [0, 0], ends
    assert ends[0][0] == ends[1][0]
    assert len((tmp_path / "trained").read_text().splitlines()) == len(
        [*(tmp_path / "store" / "epochs").rglob("*.json")]
    )


def test_what_fails_elsewhere_is_one_line_and_the_rest_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An executor of a user's own takes the way of those that have other processes."""
    asked = {**QUESTION, "executor": "own_executors:Elsewhere"}
    with pytest.raises(StudyError, match=r"^probe: seed 1: ValueError: the second epoch of seed 1") as error:
        probe("own_loops:BrokenLoop", store=tmp_path / "s", **asked)
    assert "\n" not in str(error.value)
    assert "in advance" in capsys.readouterr().err, "the trace is shown where it happens"
    found = [body["origin"]["seed"] for body in map(_body, (tmp_path / "s" / "epochs").rglob("*.json"))]
    assert found.count(0) > 3


def _body(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["body"]
    return found


def test_a_loop_that_no_other_process_finds_runs_here_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Local(own_loops.SmallLoop):
        pass

    for name in ("first", "second"):
        found = probe(Local, store=tmp_path / "s", workers=2, name=name, version="1", **QUESTION)
        assert {outcome.status for outcome in found.outcomes} == {"done"}
    said = capsys.readouterr().err
    assert said.count('give probe("my_module:MyLoop", ...)') == 1
    assert "inside a function" in said


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ("own_loops:NoLoop", {}, "has no 'NoLoop'"),
        ("no_such_module:Loop", {}, "cannot be imported"),
        ("own_loops:LENGTH", {}, "must be a class"),
        ("own_loops:PartialLoop", {}, "PartialLoop has no save; must have make, advance, evaluate, save and load"),
        ("own_loops:UnmadeLoop", {}, "missing a required argument: 'folder'; it must be made without arguments"),
        (SMALL, {"advance": print}, "advance: received in addition to a loop class"),
        (SMALL, {"loop": own_loops.SmallLoop}, "loop: received in addition to functions or another class"),
        (SMALL, {"workers": 0}, "workers: received 0; must be at least 1"),
        (SMALL, {"device": "tpu"}, "device: received 'tpu'; must be auto, cpu, cuda"),
        (SMALL, {"device": "cuda"}, "takes no device"),
        (SMALL, {"executor": "proceses"}, "executor: received 'proceses'; did you mean 'processes'"),
        (None, {}, "make: received nothing; must be a function, or give the loop as one class"),
    ],
)
def test_what_is_no_loop_is_refused_in_one_line(given: Any, options: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        probe(given, store=tmp_path / "s", **{**QUESTION, **options})
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "s").exists()


def test_a_loop_is_told_its_device(tmp_path: Path) -> None:
    results = probe("own_loops:DeviceLoop", store=tmp_path / "s", device="cpu", workers=1, **QUESTION)
    assert results.provenance["device"] == "cpu"


def test_what_deficits_know_travels_as_it_is() -> None:
    known = DataInfo(9, 3, (0.5, torch.tensor([0.1, 0.2])), torch.arange(9))
    found = decoded(encoded(known))
    assert found.normalised is not None
    assert known.normalised is not None
    assert (found.examples, found.classes, found.normalised[0]) == (9, 3, 0.5)
    assert torch.equal(found.normalised[1], known.normalised[1])
    assert torch.equal(found.labels, known.labels)
    assert decoded(encoded(DataInfo())) == DataInfo()


def test_a_class_next_to_functions_is_the_function_that_makes_a_training() -> None:
    named = dict.fromkeys(PROBE_FUNCTIONS[1:], print)
    assert given_loop(dict, named, named=PROBE_FUNCTIONS, of="probe") == GivenLoop({"make": dict, **named})
    with pytest.raises(StudyError, match="advance: received in addition to a loop class"):
        given_loop(own_loops.SmallLoop, {**named}, named=PROBE_FUNCTIONS, of="probe")
