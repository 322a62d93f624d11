"""The results of a study: its tidy table, and what the table means."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from critlab.analysis.table import COLUMNS, Outcome, Row
from critlab.study.study import Study

if TYPE_CHECKING:
    from critlab.analysis.curve import Curve, Finals
    from critlab.analysis.information.plasticity import Plasticity
    from critlab.analysis.verdict import Verdict
    from critlab.engine.makers import Maker
    from critlab.measures.picture import Picture
    from critlab.study.run import Run

PicturePlace = tuple[str, int, str, str]
"""Readable name of run and seed, epoch, quantity, layer."""


@dataclass(frozen=True)
class Results:
    """Everything that is known about a study.

    Args:
        study: the question.
        rows: the tidy table, ordered by run, epoch, quantity and layer.
        outcomes: what became of every run and seed.
        provenance: versions, machine, numerics and time, as plain JSON values.
        pictures: arrays that belong to a number of the table, by its run, epoch, quantity and layer.
        chance: the share of the test images that bear the most frequent label; None where it is not known.
        makers: how many records of each run and seed were made on what kind of machine, by its readable name.
    """

    study: Study
    rows: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[PicturePlace, Picture] = field(default_factory=dict)
    chance: float | None = None
    makers: Mapping[str, Mapping[Maker, int]] = field(default_factory=dict)

    @cached_property
    def by_run(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows of each run and seed, by its readable name."""
        found: dict[str, list[Row]] = {outcome.name: [] for outcome in self.outcomes}
        for row in self.rows:
            found[row.run].append(row)
        return {name: tuple(rows) for name, rows in found.items()}

    @cached_property
    def run_named(self) -> Mapping[str, Run]:
        """Each run of the study, whatever the seed, by its name."""
        return {run.name: run for run in self.study.runs}

    @cached_property
    def arms(self) -> Mapping[str, tuple[Run, ...]]:
        """The swept runs of each arm that has a curve, in the order of the study."""
        from critlab.analysis.curve import CURVE_ROLES

        found: dict[str, list[Run]] = {}
        for run in self.study.runs:
            if run.role in CURVE_ROLES:
                found.setdefault(run.arm, []).append(run)
        return {arm: tuple(runs) for arm, runs in found.items()}

    @cached_property
    def outcomes_of(self) -> Mapping[str, tuple[Outcome, ...]]:
        """What became of each run with every seed, by the run's name."""
        found: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.run.name, []).append(outcome)
        return {name: tuple(outcomes) for name, outcomes in found.items()}

    @cached_property
    def finals(self) -> Finals:
        """The final accuracy of each run and seed, computed once."""
        from critlab.analysis.curve import Finals

        return Finals(self)

    def curve(self, arm: str | None = None, against: str = "first") -> Curve:
        """The sweep's curve: final accuracy and damage at every point, with intervals and n.

        Args:
            arm: which curve; by default the study's deficit.
            against: which clean runs damage is counted from: ``"first"`` of each run's controls; ``"plain"``, under the
                study's clock; ``"restarted"`` at the same epoch, or ``"same_clock"`` where nothing restarts;
                ``"intervened"`` likewise at the same epoch; ``"equal_total"``; or ``"undisturbed"``, without the
                background.
        """
        from critlab.analysis.curve import curve

        return curve(self, arm, against)

    def verdict(self) -> Verdict:
        """Whether there is a critical period, when it closes, and what else could explain the curve."""
        from critlab.analysis.verdict import verdict

        return verdict(self)

    def plasticity(self, quantity: str = "fisher_trace") -> tuple[Plasticity, ...]:
        """Information plasticity: how much the layer shares of ``quantity`` still move after removal, by its epoch."""
        from critlab.analysis.information.plasticity import information_plasticity

        return information_plasticity(self, quantity)

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
