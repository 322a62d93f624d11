"""Progress of one long piece of work on standard error: nothing in its first two seconds, then a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from critlab._core.terminal.duration import duration
from critlab._core.terminal.text import one_line

SILENT_SECONDS = 2.0
"""Work that is done sooner says nothing."""

LINE_SECONDS, REDRAWN_SECONDS = 10.0, 0.25
"""How often a line is written where standard error is a file, and how often it is drawn again in a terminal."""


class Progress:
    """A line about work that goes on, as a context.

    Args:
        what: what is done, such as ``"decoding images"``.
        total: how many steps there are; None where that is not known.
        done: steps that an earlier process has done.
    """

    def __init__(self, what: str, total: int | None = None, done: int = 0) -> None:
        self.what, self.total, self.done, self._before = what, total, done, done
        self._began = time.monotonic()
        self._due = self._began + SILENT_SECONDS
        self._drawn = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            print(file=sys.stderr)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """So many further steps are done.

        Args:
            steps: may be 0, to renew the note.
            note: what is said in place of counts.
        """
        self.done += steps
        now = time.monotonic()
        if now < self._due:
            return
        terminal = sys.stderr.isatty()
        self._due = now + (REDRAWN_SECONDS if terminal else LINE_SECONDS)
        line = one_line(f"{self.what}: {note or self._counts(now)}")
        if terminal:
            self._drawn = True
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _counts(self, now: float) -> str:
        if not self.total:
            return f"{self.done:,} done"
        spent, here = now - self._began, self.done - self._before
        left = f", {duration(spent / here * (self.total - self.done))} left" if here else ""
        return f"{self.done:,} of {self.total:,}{left}"
