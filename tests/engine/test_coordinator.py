"""The one loop: order, capacity, stops and errors, with an executor and a queue of toys."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import critlab
from critlab.engine.coordinator import coordinate
from critlab.engine.executor import Executor
from critlab.engine.tasks.ready_tasks import ReadyTasks


@dataclass(frozen=True)
class Job:
    gives: str
    needs: str | None = None
    priority: float = 1.0


@dataclass
class Jobs:
    """A queue of jobs; ``stop_after`` so many of them, it stops."""

    ready: ReadyTasks[Job]
    stop_after: int = 100
    doing: list[Job] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    ticks: int = 0
    patience: float = 7.0

    @property
    def pending(self) -> bool:
        return len(self.ready) > 0

    @property
    def stopped(self) -> bool:
        return len(self.ended) >= self.stop_after

    def next(self) -> Job | None:
        job = self.ready.next()
        if job is not None:
            self.doing.append(job)
        return job

    def take(self, event: Job) -> None:
        self.doing.remove(event)
        self.ended.append(event.gives)
        self.ready.done(event)

    def tick(self) -> None:
        self.ticks += 1


class Toy(Executor[Job, Job]):
    """Ends the jobs that it holds, the oldest one first; breaks at the job called ``broken``."""

    def __init__(self, most: int = 2) -> None:
        self.most, self.held, self.calls, self.widest = most, list[Job](), list[str](), 0

    @property
    def capacity(self) -> int:
        return self.most - len(self.held)

    def submit(self, task: Job) -> None:
        assert self.capacity > 0
        self.held.append(task)
        self.widest = max(self.widest, len(self.held))

    def events(self, seconds: float) -> Iterator[Job]:
        if self.held[0].gives == "broken":
            raise RuntimeError("it broke")
        yield self.held.pop(0)

    def stop(self, seconds: float) -> None:
        self.calls.append(f"stop within {seconds:.0f} s")

    def close(self) -> None:
        self.calls.append("close")


TREE = [Job("a", priority=3), Job("b", priority=9), Job("c", "b", 8), Job("d", "c"), Job("e", "b", 2)]


def test_every_job_is_done_the_longest_path_first_and_none_before_what_it_needs() -> None:
    queue, executor = Jobs(ReadyTasks(TREE)), Toy()
    told = [event.gives for event in coordinate(queue, executor)]
    assert told == queue.ended == ["b", "a", "c", "e", "d"]
    assert (executor.widest, executor.calls) == (2, ["close"])
    assert queue.ticks


def test_one_at_a_time() -> None:
    queue, executor = Jobs(ReadyTasks(TREE)), Toy(most=1)
    assert [event.gives for event in coordinate(queue, executor)] == ["b", "c", "a", "e", "d"]
    assert executor.widest == 1


def test_a_stop_waits_for_what_is_being_done_and_starts_nothing_else() -> None:
    queue, executor = Jobs(ReadyTasks(TREE), stop_after=1), Toy()
    assert [event.gives for event in coordinate(queue, executor)] == ["b", "a"]
    assert executor.calls == ["stop within 7 s", "close"]


def test_an_error_of_the_executor_passes_through_and_it_is_closed() -> None:
    executor = Toy()
    with pytest.raises(RuntimeError, match="it broke"):
        list(coordinate(Jobs(ReadyTasks([Job("broken")])), executor))
    assert executor.calls == ["close"]


def test_whoever_stops_listening_closes_the_executor() -> None:
    executor = Toy()
    events = coordinate(Jobs(ReadyTasks(TREE)), executor)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert executor.calls == ["close"]


@pytest.mark.slow
def test_it_is_the_only_loop_that_gives_tasks_to_executors() -> None:
    drivers = []
    for path in sorted(Path(critlab.__file__).parent.rglob("*.py")):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        called = {call.attr for call in calls if isinstance(call, ast.Attribute)}
        if {"submit", "events"} <= called:
            drivers.append(path.name)
    assert drivers == ["coordinator.py"]
