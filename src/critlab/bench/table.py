"""The bench's table: every rule's scores, as values and as a document."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from critlab.bench.answers import Rule, users_rule
from critlab.bench.judging import REPEATS, judged
from critlab.bench.rules import RULES
from critlab.bench.scoring import DRAWS, Scores, scores
from critlab.bench.trainings import SMALLEST, VERSION, BenchTraining, trainings


@dataclass(frozen=True)
class BenchRow:
    """A rule's row.

    Args:
        name: of the rule.
        title: what it looks at.
        citation: where it is from.
        scores: on the held-out trainings.
    """

    name: str
    title: str
    citation: str
    scores: Scores


@dataclass(frozen=True)
class BenchTable:
    """What ``critlab bench closing`` answers.

    Args:
        rows: one for each rule.
        trainings: how many the bench has.
        repeats: forks that a rule was shown for each deficit.
    """

    rows: tuple[BenchRow, ...]
    trainings: int
    repeats: int

    @property
    def facts(self) -> dict[str, Any]:
        """What the scores are of."""
        first = self.rows[0].scores
        return {
            "version": VERSION,
            "trainings": self.trainings,
            "held_out": first.trainings,
            "windows": first.windows,
            "smallest": SMALLEST,
            "repeats": self.repeats,
        }

    def document(self) -> dict[str, Any]:
        """The table as JSON values; scores that are not defined are null."""
        rows = [
            {"rule": row.name, "title": row.title, "source": row.citation, "scores": _plain(asdict(row.scores))}
            for row in self.rows
        ]
        return {"schema_version": 1, "bench": "closing", **self.facts, "rules": rows}


def bench_table(
    rules: Mapping[str, tuple[str, str, Rule]],
    over: Sequence[BenchTraining] | None = None,
    repeats: int = REPEATS,
    progress: Callable[[str], None] = lambda name: None,
    draws: int = DRAWS,
) -> BenchTable:
    """The scores of some rules.

    Args:
        rules: by name: title, source and the function.
        over: trainings of the bench; None for those that are shipped.
        repeats: forks of each deficit, from 1 to half of the seeds.
        progress: receives each rule's name before it is judged.
        draws: of the held-out trainings, for the intervals.

    Raises:
        StudyError: a rule fails.
        DataError: the records cannot be read.
    """
    over = trainings() if over is None else over
    rows = []
    for name, (title, citation, rule) in rules.items():
        progress(name)
        rows.append(BenchRow(name, title, citation, scores(judged(rule, over, name, repeats), draws=draws)))
    return BenchTable(tuple(rows), len(over), repeats)


def chosen_rules(path: str | None) -> dict[str, tuple[str, str, Rule]]:
    """A user's rule, a rule of the table by its name, or all of these.

    Raises:
        StudyError: there is no such rule.
    """
    if path is None:
        return {name: (row.title, row.citation, row.answer) for name, row in RULES.items()}
    if path in RULES:
        row = RULES[path]
        return {path: (row.title, row.citation, row.answer)}
    return {path: (path, "your own", users_rule(path))}


def _plain(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _plain(value) for name, value in values.items()}
    return None if isinstance(values, float) and not math.isfinite(values) else values
