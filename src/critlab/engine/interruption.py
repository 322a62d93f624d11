"""Ctrl-C and a scheduler's signal: the first asks to stop at the next resume point, the second stops at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, PREEMPTED = 130, 75


class Interruption:
    """Whether somebody asked to stop, and the exit status that says so."""

    def __init__(self) -> None:
        self.asked = False
        self.status = 0

    def ask(self, number: int, frame: FrameType | None = None) -> None:
        """The signal handler."""
        if self.asked:
            os._exit(self.status)
        self.asked = True
        self.status = INTERRUPTED if number == signal.SIGINT else PREEMPTED


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Listens for SIGINT and SIGTERM as long as it is open; only the main thread can."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, interruption.ask) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
