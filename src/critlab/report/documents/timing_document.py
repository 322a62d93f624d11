"""The answer about the time of a switch as one JSON document: its numbers, and the words that the terminal shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from critlab.analysis.tables.results import Results
from critlab.report.text.timing.study_timing import study_timing_lines


def timing_document(results: Results) -> dict[str, Any]:
    """When to switch, as plain JSON values; in the unit of the study's metric, ``null`` where a number is not known."""
    found = results.timing()
    study = results.study.name
    if found is None:
        return {"schema_version": 1, "study": study, "answer": "running", "lines": []}
    timing, lines = found.timing, study_timing_lines(results, found)
    return {
        "schema_version": 1,
        "study": study,
        "answer": "decided" if found.decided else "undecided",
        "sentence": lines[0],
        "direction": found.direction,
        "metric": found.metric.test,
        "unit": found.metric.unit,
        "goal": timing.goal,
        "tolerance": timing.tolerance,
        "level": timing.level,
        "seeds": timing.seeds,
        "best": _plain(timing.best),
        "plateau": _plain(timing.plateau),
        "also": [_plain(one) for one in timing.also],
        "matters": timing.matters,
        "none_better": timing.none_better,
        "never": _plain(timing.never),
        "present": _plain(timing.present),
        "spent": found.spent,
        "reruns": found.reruns,
        "diverged": found.diverged,
        "missing": found.missing,
        "candidate": found.candidate,
        "points": [_plain(one) for one in timing.points],
        "lines": lines,
    }


def _plain(value: NamedTuple | None) -> Mapping[str, Any] | None:
    if value is None:
        return None
    return {key: _finite(item) for key, item in value._asdict().items()}


def _finite(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None
