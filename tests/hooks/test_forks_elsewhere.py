"""Forks of checkpoints on several processes: the answers of one, also where a process dies or nothing can travel."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

import own_loops
from critlab._core.errors import StudyError
from critlab._core.threads import one_thread
from critlab.deficits import FeatureDropout
from critlab.engine.executors.questions import Answerer, Ask, can_travel
from critlab.hooks.own_loop import means
from critlab.hooks.own_loop.lasting_damage import lasting_damage
from critlab.hooks.sensitivity.sensitivity import sensitivity
from critlab.training.seeding import seeded

FORKED = "own_loops:ForkedLoop"
RECOVERED: dict[str, Any] = {"epoch": 1, "stretch": 1, "recovery": 1, "repeats": 3, "smallest_damage": 0.05}
FORKS: dict[str, Any] = {
    "deficits": {"missing": FeatureDropout(share=0.5), "zeros": own_loops.zeros},
    "epoch": 1,
    "total": 6,
    "deprived": 1,
    "clean": 1,
    "repeats": 4,
    "forecasts": False,
}


@pytest.fixture(autouse=True)
def note_again() -> None:
    means.say_once.cache_clear()


def checkpoints(count: int) -> list[Any]:
    loop = own_loops.ForkedLoop()
    with seeded(7), one_thread():
        state = loop.make(0)
        found = []
        for epoch in range(count):
            loop.advance(state, epoch, lambda inputs, labels: (inputs, labels))  # type: ignore[arg-type]
            found.append({name: _copied(part) for name, part in loop.save(state).items()})
    return found


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


BEFORE, AFTER = checkpoints(2)


@pytest.mark.slow
def test_recoveries_on_two_processes_give_the_damages_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIED", str(tmp_path / "died"))
    remedies = {"forgotten": own_loops.forget}
    kept: dict[str, Any] = {}
    one = lasting_damage(BEFORE, AFTER, loop=FORKED, workers=1, remedies=remedies, **RECOVERED)
    two = lasting_damage(
        BEFORE, AFTER, loop="own_loops:DyingLoop", workers=2, remedies=remedies, kept=kept, **RECOVERED
    )
    assert two == one
    assert (tmp_path / "died").exists(), "a process died, and its recovery was trained again"
    assert len(kept) == 6 * 3 + 1, "six forks of three repeats, and the looks"
    again = lasting_damage(
        BEFORE, AFTER, loop="own_loops:DyingLoop", executor="inline", remedies=remedies, kept=kept, **RECOVERED
    )
    assert again == one


@contextmanager
def in_this_process(answerer: Answerer, workers: int) -> Iterator[Ask]:
    """What another process would do, with everything that travels pickled, in the opposite order."""
    answer = Answerer(answerer.path, pickle.loads(pickle.dumps(answerer.values))).made()

    def ask(questions: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        for place, question in reversed([*enumerate(questions)]):
            yield place, pickle.loads(pickle.dumps(answer(pickle.loads(pickle.dumps(question)))))

    yield ask


def test_forks_that_are_trained_elsewhere_and_ahead_give_the_answers_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("critlab.hooks.own_loop.processes.fork_work.in_processes", in_this_process)
    one, two = (sensitivity(AFTER, loop=FORKED, live=False, workers=count, **FORKS) for count in (1, 6))
    assert {name: answer.told for name, answer in one.items()} == {name: answer.told for name, answer in two.items()}
    assert one.spent == two.spent


def test_forks_of_a_class_and_of_its_functions_are_the_same() -> None:
    loop = own_loops.ForkedLoop()
    functions: Any = {name: getattr(loop, name) for name in ("advance", "evaluate", "load")}
    asked = {**FORKS, "repeats": 1}
    with one_thread():
        ours = sensitivity(AFTER, **functions, **asked)
    assert (
        sensitivity(AFTER, loop=own_loops.ForkedLoop, live=False, workers=1, **asked)["zeros"].told
        == ours["zeros"].told
    )
    state = loop.load(AFTER)
    live = sensitivity(state, loop=own_loops.ForkedLoop, workers=1, **asked)
    assert live["zeros"].told.damage == ours["zeros"].told.damage


def test_what_cannot_be_sent_runs_here_and_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    asked = {**FORKS, "deficits": {"blank": lambda inputs: inputs * 0}, "repeats": 1}
    for _ in range(2):
        found = sensitivity(AFTER, loop=FORKED, live=False, workers=2, **asked)
    assert list(found) == ["blank"]
    said = capsys.readouterr().err
    assert said.count("runs in this process alone, because something that it is given cannot be sent") == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loop": "own_loops:Nothing"}, "has no 'Nothing'"),
        ({"loop": FORKED, "evaluate": print}, "evaluate: received in addition to a loop class"),
        ({"loop": FORKED, "workers": -1}, "workers: received -1"),
        ({"loop": FORKED, "executor": "own_loops:SmallLoop"}, "must be"),
        ({}, "advance: received nothing; must be a function, or give the loop as one class with advance, evaluate"),
    ],
)
def test_what_is_no_loop_is_refused_in_one_line(changes: dict[str, Any], words: str) -> None:
    for call in (
        lambda: lasting_damage(BEFORE, AFTER, **{**RECOVERED, **changes}),
        lambda: sensitivity(AFTER, live=False, **{**FORKS, **changes}),
    ):
        with pytest.raises(StudyError) as error:
            call()
        assert words in str(error.value)
        assert "\n" not in str(error.value)


def test_what_can_travel_is_known_before() -> None:
    assert can_travel({"state": torch.ones(2), "function": own_loops.zeros}) == ""
    assert can_travel({"function": lambda: 0})
