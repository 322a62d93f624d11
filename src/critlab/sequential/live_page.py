"""The page of a study that is being trained, written again and again: how far it is, and its curves so far."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from critlab._core.errors import CritlabError
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.report.page import report
from critlab.report.text.study.so_far import live_text
from critlab.store import Store
from critlab.study.study import Study

LEAST_SECONDS = 15.0
SHARE = 20
"""The page is written at most every so many seconds, and so seldom that writing takes a twentieth of the time."""


class _Pace(NamedTuple):
    """From when on the pace is measured: how many of how many epochs were trained then."""

    moment: float
    done: int
    epochs: int


class LivePage:
    """Writes the page while a study is trained.

    Args:
        store: in which it is trained.
        path: of the page.
    """

    def __init__(self, store: Store, path: Path) -> None:
        self.store, self.path = store, path
        self.next = time.monotonic() + LEAST_SECONDS
        self.first: _Pace | None = None

    def __call__(self, study: Study) -> None:
        """Write the page where it is due."""
        began = time.monotonic()
        if began < self.next:
            return
        # a record that another process is writing cannot be read yet; the next page has it
        with suppress(CritlabError):
            results = read_results(study, self.store)
            report(results, self.path, live=self._left(results))
        ended = time.monotonic()
        self.next = ended + max(LEAST_SECONDS, SHARE * (ended - began))

    def write(self, results: Results) -> None:
        """Write the page of ``results`` now, as that of work that has ended."""
        report(results, self.path)

    def _left(self, results: Results) -> str:
        """The time left at the pace since the first page; before that, that work goes on."""
        verdict, now = results.verdict(), time.monotonic()
        done = verdict.epochs - verdict.epochs_left
        if self.first is None or verdict.epochs != self.first.epochs:
            self.first = _Pace(now, done, verdict.epochs)
        trained, elapsed = done - self.first.done, now - self.first.moment
        seconds = verdict.epochs_left * elapsed / trained if trained > 0 else None
        return live_text(seconds)
