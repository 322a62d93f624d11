"""A process that multiplies small matrices on one core.

How many threads numpy's library uses is settled when it is loaded, so a program that has loaded it cannot choose any
more, but a process that it starts can.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from critlab._core.errors import CritlabError
from critlab.engine.executors.child_process import be_a_child, start_child
from critlab.theory.linear.completion.descent import descend

if TYPE_CHECKING:
    from critlab.theory.linear.checks import Floats

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""In its environment: one thread for whichever library numpy multiplies with."""


class DescentProcess:
    """A running process; :meth:`close` ends it, and it ends by itself when its parent is gone."""

    def __init__(self) -> None:
        self._process = start_child(
            "critlab.theory.linear.completion.process",
            environment=ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def descend(self, layers: Floats, targets: Floats, weights: Floats, updates: int) -> Floats:
        """The layers after :func:`.descent.descend`; those that are given stay as they are.

        Raises:
            CritlabError: the process has ended, killed perhaps for want of memory.
        """
        asked, answers = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        try:
            _send((layers, targets, weights, updates), asked)
            return cast("Floats", pickle.load(answers))
        except (EOFError, OSError, pickle.UnpicklingError):
            status = self._process.wait()
            killed = f"a process that trained deep linear networks ended with status {status}: was it killed?"
            raise CritlabError(f"{killed} Nothing is lost but this sweep; run it again") from None

    @property
    def number(self) -> int:
        """Of the process, as the system counts them."""
        return self._process.pid

    def close(self) -> None:
        """Ends the process, also in the middle of its work."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast("IO[bytes]", pipe).close()


def _send(message: Any, pipe: IO[bytes]) -> None:
    pickle.dump(message, pipe, protocol=5)
    pipe.flush()


def main(parent: int = 0) -> None:
    """Answers on standard output what standard input asks, until it ends, or its parent does."""
    be_a_child(parent)
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    with np.errstate(over="ignore", invalid="ignore"), suppress(EOFError, BrokenPipeError):
        while True:
            layers, targets, weights, updates = pickle.load(questions)
            descend(layers, targets, weights, updates)
            _send(layers, answers)


if __name__ == "__main__":
    main()
