"""The answer of ``critlab.when``: values, words, a table, and the findings of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from critlab.analysis.timing import BestTime, Plateau, Timing
from critlab.analysis.timing.answer import Cost
from critlab.analysis.timing.costs import Costs
from critlab.analysis.timing.table import Cell
from critlab.analysis.timing.tradeoffs import Tradeoff
from critlab.report import report
from critlab.report.findings import Findings
from critlab.report.text.timing.timing import TimingWords, spent_text, timing_lines, tradeoff_lines
from critlab.report.text.timing.timing import cheapest_text as cheapest_words
from critlab.report.timing import timing_findings, timings_document

if TYPE_CHECKING:
    import pandas

COPIES = (
    "Seeds with equal scores may be copies of one training: draw random numbers from the global generators of torch, "
    "numpy or random, which critlab seeds."
)


@dataclass(frozen=True)
class When:
    """When to flip the switch.

    Args:
        timings: the answer for each metric with a goal, the leading one first; see
            :class:`critlab.analysis.timing.Timing`.
        cells: every metric of each trained time and seed.
        spent: epochs that the answer rests on, each counted once; the check of the functions comes on top.
        reruns: epochs of full reruns: every tried time with every used seed, each from scratch.
        total: epochs of one training; as a time it stands for never.
        costs: what trainings cost by time, in the unit of ``cost``; None where no cost was given.
        tradeoffs: one row for each tried time where there are several metrics or a cost; else empty.
        words: how texts call things, for each metric.
        name: of the study in the store.
    """

    timings: Mapping[str, Timing]
    cells: Mapping[Cell, Mapping[str, float]]
    spent: int
    reruns: int
    total: int
    costs: Costs | None
    tradeoffs: tuple[Tradeoff, ...]
    words: Mapping[str, TimingWords]
    name: str

    @property
    def timing(self) -> Timing:
        """The answer for the leading metric."""
        return next(iter(self.timings.values()))

    @property
    def best(self) -> BestTime:
        """The best time: ``.epoch``, and the interval that holds it, ``.low`` to ``.high``."""
        return self.timing.best

    @property
    def plateau(self) -> Plateau:
        """The times around the best that are not worse than it by more than the tolerance: ``(low, high)``.

        The best time alone where no plateau is found (``timing.plateaus``).
        """
        return self.timing.plateau

    @property
    def present(self) -> Cost | None:
        """What the present time costs against the best; None where none was given."""
        return self.timing.present

    @property
    def none_better(self) -> bool | None:
        """Whether no time is found better than never; None where times cannot be compared."""
        return self.timing.none_better

    @property
    def matters(self) -> bool | None:
        """Whether some time is found worse than another; where not, the switch is found to do nothing.

        None where times cannot be compared.
        """
        return self.timing.matters

    @property
    def _leading_words(self) -> TimingWords:
        return self.words[next(iter(self.timings))]

    def lines(self) -> list[str]:
        """The answer in words, one line each."""
        found = []
        for metric, timing in self.timings.items():
            own = self.words[metric]
            prefix = f"{own.metric}: " if len(self.timings) > 1 else ""
            found += [f"{prefix}{line}" for line in timing_lines(timing, own)]
        if any(timing.reason == "equal_seeds" for timing in self.timings.values()):
            found.append(COPIES)
        if self.costs is not None:
            found.append(cheapest_words(self.timing, self.costs, self._leading_words))
        found += tradeoff_lines(self.tradeoffs, self.timings, self.words)
        return [*found, spent_text(self.spent, self.reruns, self._leading_words.step)]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_pandas(self) -> pandas.DataFrame:
        """Every trained cell: ``time, seed``, and a column for each metric.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas

        rows = [{"time": time, "seed": seed, **metrics} for (time, seed), metrics in sorted(self.cells.items())]
        return pandas.DataFrame(rows)

    def document(self) -> dict[str, Any]:
        """Give the answer as plain JSON values."""
        spent = {"spent": self.spent, "reruns": self.reruns, "lines": self.lines()}
        costs = None if self.costs is None else {"spent": self.costs.spent, "reruns": self.costs.reruns}
        return {**timings_document(self.name, self.timings, self.words), **spent, "cost": costs}

    def findings(self) -> Findings:
        """What a page shows: the sentences, a chart of each metric, and what was spent."""
        facts: dict[str, Any] = {
            "spent": f"{self.spent:,} {self._leading_words.step}s",
            "full reruns": f"{self.reruns:,} {self._leading_words.step}s",
            "seeds": sorted({seed for _, seed in self.cells}),
        }
        return timing_findings(self.name, self.timings, self.words, self.lines(), facts, self.tradeoffs)

    def report(self, path: str | Path) -> Path:
        """Write the page of the answer, and return its path."""
        return report(self.findings(), path)
