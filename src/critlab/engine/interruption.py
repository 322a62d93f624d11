"""Ctrl-C and a scheduler's signals: the first asks to stop at the next resume point, a later one stops at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from critlab._core.posix import SIGHUP

INTERRUPTED, PREEMPTED = 130, 75

SCHEDULERS = (signal.SIGTERM, SIGHUP)
"""What a scheduler sends, and what a terminal sends that is closed: run me again."""

PREEMPTED_SECONDS, INTERRUPTED_SECONDS = 20.0, 60.0
"""How long workers may take to stop: schedulers kill after 30 s, where a person at a keyboard can decide."""

ONE_REQUEST_SECONDS = 2.0
"""A scheduler signals every process of a job, and the job's script may pass the signal on: repeats so soon after the
first are the same request."""

PATIENCE = 10.0
"""Seconds that a command may take to clean up before it is ended as it is."""

SHOW_CURSOR = b"\x1b[?25h\n"


class StopAsked(BaseException):
    """A scheduler asked a command to stop that is not training: it is still reading, or already showing."""


class Interruption:
    """A request to stop, and its exit status."""

    def __init__(self) -> None:
        self.asked = False
        self.status = 0
        self._since = 0.0

    @property
    def patience(self) -> float:
        """Seconds that workers may take to stop."""
        return PREEMPTED_SECONDS if self.status == PREEMPTED else INTERRUPTED_SECONDS

    def ask(self, number: int, frame: FrameType | None = None) -> None:
        """The signal handler."""
        if self.asked:
            if not (self.status == PREEMPTED and _repeats(number, self._since)):
                _end_at_once(self.status)
            return
        self.asked = True
        self._since = time.monotonic()
        self.status = INTERRUPTED if number == signal.SIGINT else PREEMPTED


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Listens for SIGINT, SIGTERM and SIGHUP as long as it is open; only the main thread can."""
    interruption = Interruption()
    with _handled((signal.SIGINT, *SCHEDULERS), interruption.ask):
        yield interruption


class Stoppable:
    """A command that a scheduler may stop wherever it is; ``settled`` once its status is known."""

    def __init__(self) -> None:
        self.settled = False
        self._asked: threading.Timer | None = None
        self._since = 0.0

    def ask(self, number: int, frame: FrameType | None = None) -> None:
        """The signal handler."""
        if self.settled:
            return
        if self._asked is not None:
            if not _repeats(number, self._since):
                _end_at_once(PREEMPTED)
            return
        self._since = time.monotonic()
        # code that catches everything, or that takes long to clean up, must not outlive the scheduler's patience
        self._asked = threading.Timer(PATIENCE, _end_at_once, [PREEMPTED])
        self._asked.daemon = True
        self._asked.start()
        raise StopAsked(signal.Signals(number).name)

    def close(self) -> None:
        """Stop waiting for the workers."""
        if self._asked is not None:
            self._asked.cancel()


@contextmanager
def stoppable() -> Iterator[Stoppable]:
    """Answers SIGTERM and SIGHUP with :class:`StopAsked` as long as it is open, except inside :func:`interruptible`."""
    stop = Stoppable()
    with _handled(SCHEDULERS, stop.ask):
        try:
            yield stop
        finally:
            stop.close()


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """``handler`` answers ``numbers``, except those that the caller ignores, as ``nohup`` does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, earlier in before.items():
            # None is a handler that was not set from Python, which cannot be set again
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)


def _repeats(number: int, since: float) -> bool:
    """Whether a scheduler's signal is the one of ``since`` again, passed on by another process."""
    return number in SCHEDULERS and time.monotonic() - since < ONE_REQUEST_SECONDS


def _end_at_once(status: int) -> None:
    if os.isatty(2):
        # a progress bar hides it
        os.write(2, SHOW_CURSOR)
    os._exit(status)
