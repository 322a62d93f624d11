"""How the work goes: epochs done, rate and time left; a live line in a terminal or notebook, else plain lines."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from critlab._core.terminal.duration import duration
from critlab._core.terminal.notebook import notebook_bar
from critlab._core.terminal.text import one_line, printable
from critlab.engine.tasks.missing_work import Task

LEAST_SECONDS, MOST_SECONDS = 10.0, 300.0
"""A plain line is printed for each percent, but not more often than the first and not less often than the second."""

NOTEBOOK_SECONDS = 0.5
"""How often the bar of a notebook moves."""


class Display:
    """Shows progress on stderr.

    Args:
        title: the study's name.
        total: epochs to train and replay.
        console: where to; by default stderr.
        during: called whenever time has passed.
    """

    def __init__(
        self, title: str, total: int, console: Console | None = None, during: Callable[[], None] | None = None
    ) -> None:
        self.during = during
        self.title, self.total, self.done = title, total, 0
        self.console = console or Console(stderr=True)
        self.began = self.printed = time.monotonic()
        self.percent = 0
        self.notebook = None if self.console.is_terminal else notebook_bar()
        self.live = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs · {task.fields[pace]}"),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.bar = self.live.add_task(title, total=total, pace="starting")

    def __enter__(self) -> Display:
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()
        if self.notebook is not None:
            self.notebook.show(self.title, self.done, self.total, self.pace())
        elif not self.console.is_terminal and self.done:
            self._line()

    def epoch(self, seconds: float) -> None:
        """One more epoch is done."""
        self.done += 1
        self.live.update(self.bar, completed=self.done, pace=self.pace())

    def diverged(self, task: Task, note: str) -> None:
        """Says which seed's run is no longer finite."""
        self.console.print(f"seed {task.seed}: diverged, {one_line(note)}", markup=False, soft_wrap=True)

    def failed(self, task: Task, reason: str) -> None:
        """Says what broke."""
        self.console.print(f"seed {task.seed}: failed\n{printable(reason)}", markup=False, soft_wrap=True)

    def tick(self) -> None:
        """Prints a plain line now and then where there is no terminal, and moves the bar of a notebook."""
        if self.during is not None:
            self.during()
        since = time.monotonic() - self.printed
        if self.notebook is not None:
            if since > NOTEBOOK_SECONDS:
                self.printed = time.monotonic()
                self.notebook.show(self.title, self.done, self.total, self.pace())
        elif not self.console.is_terminal:
            percent = 100 * self.done // max(self.total, 1)
            if since > MOST_SECONDS or (since > LEAST_SECONDS and percent > self.percent):
                self.percent = percent
                self._line()

    def remark(self, text: str) -> None:
        """Says something that a person should know."""
        self.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def left(self, epochs: int) -> None:
        """So many epochs are left, whoever does them."""
        self.total = self.done + epochs
        self.live.update(self.bar, total=self.total)

    def elapsed(self) -> float:
        """Seconds since this command began to train."""
        return time.monotonic() - self.began

    def pace(self) -> str:
        """The rate since this command began, and the time left where anything is left."""
        elapsed = time.monotonic() - self.began
        if not self.done or elapsed <= 0:
            return "starting"
        rate, left = self.done / elapsed, self.total - self.done
        return f"{rate:.2f}/s" + (f" · {duration(left / rate)} left" if left > 0 else "")

    def _line(self) -> None:
        self.printed = time.monotonic()
        self.console.print(
            f"{self.title}: {self.done}/{self.total} epochs · {self.pace()}", markup=False, highlight=False
        )
