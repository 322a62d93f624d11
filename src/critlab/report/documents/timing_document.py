"""The answer about the time of a switch as one JSON document: its numbers, and the words that the terminal shows."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from critlab.analysis.tables.results import Results
from critlab.analysis.timing.answer import Timing
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
        **timing_values(timing),
        "spent": found.spent,
        "reruns": found.reruns,
        "diverged": found.diverged,
        "missing": found.missing,
        "candidate": found.candidate,
        "lines": lines,
    }


def timing_values(timing: Timing) -> dict[str, Any]:
    """The numbers of an answer; ``null`` where one is not known, such as a plateau that is not found."""
    around = timing.plateau if timing.plateau in timing.plateaus else None
    # where times cannot be compared, the probabilities only order further runs
    unknown = ("worse", "chance_best", "chance_better") if timing.reason else ()
    return {
        "goal": timing.goal,
        "tolerance": timing.tolerance,
        "level": timing.level,
        "seeds": timing.seeds,
        "reason": timing.reason,
        "best": _plain(timing.best),
        "plateau": _plain(around),
        "also": [_plain(one) for one in timing.also],
        "matters": timing.matters,
        "none_better": timing.none_better,
        "never": _plain(timing.never, unknown),
        "present": _plain(timing.present, unknown),
        "points": [_plain(one, unknown) for one in timing.points],
    }


def _plain(value: NamedTuple | None, unknown: Collection[str] = ()) -> Mapping[str, Any] | None:
    if value is None:
        return None
    return {key: None if key in unknown else _finite(item) for key, item in value._asdict().items()}


def _finite(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None
