"""The results of a study: its tidy table, and what the table means."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from critlab._core.terminal.shown import Shown
from critlab.analysis.curve import Curve, curve
from critlab.analysis.information.plasticity import Plasticity, information_plasticity
from critlab.analysis.judgement.judging import verdict
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.tables.table import COLUMNS
from critlab.analysis.timing.of_study import StudyTiming, study_timing

PLOTTING = "critlab.report.plotting"
"""Draws for matplotlib; imported when it is used, so that no package imports upwards."""


@dataclass(frozen=True, repr=False)
class Results(Shown, StudyTable):
    """Everything that is known about a study, and what it means; the fields are those of :class:`StudyTable`."""

    def curve(self, arm: str | None = None, against: str = "first") -> Curve:
        """The sweep's curve: final accuracy and damage at every point, with the interval of each point alone and n.

        Args:
            arm: which curve; by default the study's deficit.
            against: which clean runs damage is counted from: ``"first"`` of each run's controls; ``"plain"``, under the
                study's clock; ``"restarted"`` at the same epoch, or ``"same_clock"`` where nothing restarts;
                ``"intervened"``, with the same intervention at the same epoch; ``"equal_total"``; or
                ``"undisturbed"``, without the background.
        """
        return curve(self, arm, against)

    def verdict(self) -> Verdict:
        """Whether there is a critical period, when it closes, and what else could explain the curve."""
        return self._verdict

    @cached_property
    def _verdict(self) -> Verdict:
        """Judged once: a page, its charts and its document all ask."""
        return verdict(self)

    def timing(self) -> StudyTiming | None:
        """When to switch, for a sweep over switch times; None where no run of it is done.

        Raises:
            StudyError: the sweep does not ask when to switch.
        """
        return study_timing(self)

    def plasticity(self, quantity: str = "fisher_trace") -> tuple[Plasticity, ...]:
        """Information plasticity: how much the layer shares of ``quantity`` still move after removal, by its epoch."""
        return information_plasticity(self, quantity)

    def plot(self, ax: Any = None) -> Any:
        """Draw the damage along the sweep with matplotlib: a line for each curve, 95 % t intervals of each point alone.

        Args:
            ax: the axes to draw on; None makes new ones.

        Returns:
            The axes.

        Raises:
            StudyError: ``ax`` is None and matplotlib is not installed.
        """
        return import_module(PLOTTING).plot(self, ax)

    def to_csv(self) -> str:
        """The tidy table as CSV, with shortest floats that read back the same."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(row, column) for column in COLUMNS] for row in self.rows)
        return text.getvalue()

    def to_json(self) -> str:
        """The tidy table as one JSON document."""
        document = {"schema_version": 1, "study": self.study.name, "rows": [asdict(row) for row in self.rows]}
        return json.dumps(document, allow_nan=False)

    def to_pandas(self) -> Any:
        """The tidy table as a ``pandas.DataFrame``; needs the extra ``tables``."""
        import pandas

        return pandas.DataFrame([asdict(row) for row in self.rows], columns=list(COLUMNS))
