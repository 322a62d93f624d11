"""Questions that other processes answer, in any order: work that is part of no study and writes no store.

What answers is named by path and made once in each process. Questions, answers and what it is made from are pickled:
they come from this program and its own children alone.
"""

from __future__ import annotations

import os
import pickle
import secrets
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, Any, cast

from critlab._core import errors
from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, one_line
from critlab.engine.executors.child_process import be_a_child, end_child, start_child
from critlab.engine.tasks.task_queue import ATTEMPTS

Ask = Callable[[Sequence[Any]], Iterator[tuple[int, Any]]]
"""Gives each answer with the place of its question, as soon as it is there."""


@dataclass(frozen=True)
class Answerer:
    """What answers questions.

    Args:
        path: ``"package.module:function"``, called with ``values``; it gives a function from a question to its answer.
        values: what can be pickled.
    """

    path: str
    values: Mapping[str, Any]

    def made(self) -> Callable[[Any], Any]:
        """The function that answers."""
        function: Callable[[Any], Any] = imported(self.path)(self.values)
        return function


def can_travel(values: Any) -> str:
    """Why ``values`` cannot be sent to another process, in one line; empty where they can."""
    try:
        pickle.loads(pickle.dumps(values))
    except Exception as error:
        return one_line(error).partition(" (")[0]
    return ""


@contextmanager
def in_processes(answerer: Answerer, workers: int) -> Iterator[Ask]:
    """Processes of this machine, each with one thread, as long as it is open; started as they are needed."""
    pool = _Pool(answerer, workers)
    with ThreadPoolExecutor(workers) as threads:

        def ask(questions: Sequence[Any]) -> Iterator[tuple[int, Any]]:
            left = {threads.submit(pool.answer, one): place for place, one in enumerate(questions)}
            try:
                while left:
                    for done in wait(left, return_when=FIRST_COMPLETED).done:
                        yield left.pop(done), done.result()
            finally:
                for future in left:
                    future.cancel()

        try:
            yield ask
        finally:
            pool.close()


@contextmanager
def on_ray(answerer: Answerer, workers: int | None, gpu: bool) -> Iterator[Ask]:
    """The Ray cluster at ``RAY_ADDRESS``, or else one of this machine alone, as long as it is open."""
    from critlab.engine.executors.ray_cluster import joined_ray

    with joined_ray(workers) as ray:
        values, mark = ray.put((answerer.path, answerer.values)), secrets.token_hex(8)
        # a worker that dies is replaced once, as in processes of this machine
        needs = {"num_cpus": 1, "max_retries": ATTEMPTS - 1, **({"num_gpus": 1} if gpu else {})}
        remote = ray.remote(**needs)(_answer_on_a_node)

        def ask(questions: Sequence[Any]) -> Iterator[tuple[int, Any]]:
            search_path = [os.path.abspath(entry) for entry in sys.path]
            left = {remote.remote(values, mark, one, search_path): place for place, one in enumerate(questions)}
            try:
                while left:
                    (done, *_), _ = ray.wait(list(left), num_returns=1)
                    try:
                        reply = ray.get(done)
                    except ray.exceptions.RayError as error:
                        raise CritlabError(f"a task on Ray failed: {one_line(error)}") from None
                    yield left.pop(done), _result(reply)
            finally:
                for reference in left:
                    ray.cancel(reference)

        yield ask


class _Pool:
    """Processes that answer; one that dies is replaced, and its question asked once more."""

    def __init__(self, answerer: Answerer, workers: int) -> None:
        self.answerer, self.started, self.closed = answerer, list[_AnswerProcess](), False
        self.idle = SimpleQueue[_AnswerProcess | None]()
        for _ in range(workers):
            self.idle.put(None)

    def answer(self, question: Any) -> Any:
        """The answer; called from several threads.

        Raises:
            CritlabError: what answers failed, or its process died twice.
        """
        status = 0
        for _ in range(ATTEMPTS):
            process = self.idle.get()
            try:
                if self.closed:
                    break
                process = process or self._start()
                return process.answer(question)
            except EOFError:
                status, process = process.status() if process else 0, None
            finally:
                self.idle.put(process)
        raise CritlabError(f"a worker process died with status {status} ({ATTEMPTS} times)")

    def _start(self) -> _AnswerProcess:
        process = _AnswerProcess(self.answerer)
        self.started.append(process)
        return process

    def close(self) -> None:
        """End all processes, also in the middle of their work."""
        self.closed = True
        for process in self.started:
            process.close()


class _AnswerProcess:
    """A child process that answers one question after the other."""

    def __init__(self, answerer: Answerer) -> None:
        from critlab.engine.executors.processes import ENVIRONMENT

        self._process = start_child(
            "critlab.engine.executors.questions",
            environment=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._asked = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._send((answerer.path, answerer.values))

    def answer(self, question: Any) -> Any:
        """The answer.

        Raises:
            EOFError: the process has ended.
            CritlabError: what answers failed.
        """
        self._send(question)
        try:
            return _result(pickle.load(self._answers))
        except (OSError, pickle.UnpicklingError):
            raise EOFError from None

    def status(self) -> int:
        """With which status the process ended."""
        return self._process.wait()

    def close(self) -> None:
        """Ends the process, also in the middle of its work."""
        self._process.kill()
        end_child(self._process)
        for pipe in (self._asked, self._answers):
            with suppress(OSError):
                pipe.close()

    def _send(self, message: Any) -> None:
        try:
            pickle.dump(message, self._asked, protocol=5)
            self._asked.flush()
        except OSError:
            raise EOFError from None


def _result(reply: tuple[str, Any]) -> Any:
    kind, content = reply
    if kind == "answer":
        return content
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, CritlabError):
        raise found(content)
    raise StudyError(content)


def _reply(answer: Callable[[Any], Any], question: Any) -> tuple[str, Any]:
    try:
        return "answer", answer(question)
    except CritlabError as error:
        return type(error).__name__, f"{error}"
    except Exception as error:
        traceback.print_exc()
        return "failed", one_line(error)


_at_hand: dict[str, Callable[[Any], Any]] = {}
"""What this process of a Ray cluster answered with last, by the mark of who asked."""


def _answer_on_a_node(values: tuple[str, Any], mark: str, question: Any, search_path: list[str]) -> tuple[str, Any]:
    """Answers one question on a node of a Ray cluster."""
    from critlab.engine.executors.worker import IN_WORKER

    os.environ[IN_WORKER] = "1"
    theirs = [entry for entry in search_path if os.path.isdir(entry)]
    sys.path[:] = [*theirs, *(entry for entry in sys.path if entry not in theirs)]
    if mark not in _at_hand:
        _at_hand.clear()
        try:
            _at_hand[mark] = Answerer(*values).made()
        except CritlabError as error:
            return type(error).__name__, f"{error}"
    return _reply(_at_hand[mark], question)


def main(parent: int = 0) -> None:
    """Answers on standard output what standard input asks, until it ends, or its parent does."""
    be_a_child(parent)
    # what a user's function prints must not mix with the answers
    answers, questions = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)
    with suppress(EOFError, BrokenPipeError):
        try:
            answer = Answerer(*pickle.load(questions)).made()
        except (CritlabError, OSError, ImportError, AttributeError) as error:
            reply = type(error).__name__, f"{error}"
            answer = None
        while True:
            question = pickle.load(questions)
            pickle.dump(reply if answer is None else _reply(answer, question), answers, protocol=5)
            answers.flush()
