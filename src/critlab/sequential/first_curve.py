"""The first curve of a study that is being trained, shown as soon as each point of the sweep has one seed."""

from __future__ import annotations

import time

from critlab._core.errors import CritlabError
from critlab._core.terminal.text import say
from critlab.analysis.tables.reading import read_results
from critlab.report.text.study.so_far import curve_lines, has_curve
from critlab.store import Store
from critlab.study.study import Study

EVERY_SECONDS = 5.0
"""How often the store is read for it."""


class FirstCurve:
    """Looks at a store while studies are trained, and says the first curve of the first study once on standard error.

    Args:
        store: in which they are trained.
    """

    def __init__(self, store: Store) -> None:
        self.store, self.shown, self.looked = store, False, time.monotonic()

    def __call__(self, study: Study) -> None:
        """Look, where that was last done a few seconds ago, and show the curve where it is there."""
        if self.shown or time.monotonic() - self.looked < EVERY_SECONDS:
            return
        self.looked = time.monotonic()
        try:
            curve = read_results(study, self.store).curve()
        except CritlabError:  # a record that is being written by another process; the end of the command says more
            return
        if has_curve(curve):
            self.shown = True
            say("\n".join([f"{study.name}, the first curve:", *curve_lines(curve)]))
