"""The page and the JSON document of an answer about the time of a switch in a user's own training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.analysis.timing.answer import Timing
from critlab.analysis.timing.tradeoffs import Tradeoff
from critlab.report.chart import Cell
from critlab.report.charts.timing import KEY, timing_chart
from critlab.report.documents.timing_document import timing_values
from critlab.report.findings import Findings
from critlab.report.text.timing.timing import TimingWords, timing_lines


def timing_findings(
    name: str,
    timings: Mapping[str, Timing],
    words: Mapping[str, TimingWords],
    lines: Sequence[str],
    facts: Mapping[str, Any],
    tradeoffs: Sequence[Tradeoff] = (),
    command: str = "the same call, with the same store",
) -> Findings:
    """What the page of an answer shows.

    Args:
        name: of the study.
        timings: the answer by metric, the leading one first.
        words: how things are called, for each metric.
        lines: the answer in words.
        facts: what was trained and spent.
        tradeoffs: the table of times where there are several metrics or a cost.
        command: what repeats it.
    """
    charts = [
        timing_chart(timing, words[metric], KEY if place == 0 else f"{KEY}_{place + 1}")
        for place, (metric, timing) in enumerate(timings.items())
    ]
    columns = [
        "Time",
        *(words[one].column for one in timings),
        *(["Cost"] if any(one.cost is not None for one in tradeoffs) else []),
        "Beaten",
    ]
    rows: list[tuple[Cell, ...]] = [
        (one.epoch, *one.values.values(), *([] if one.cost is None else [one.cost]), _yes(one.beaten))
        for one in tradeoffs
    ]
    leading = words[next(iter(timings))]
    decided = all(one.decided for one in timings.values())
    return Findings(
        name=name,
        question=f"When should {leading.switch} be turned {leading.direction}?",
        source="ours",
        charts=charts,
        comparisons=(),
        provenance=facts,
        command=command,
        masthead="The time of a switch",
        answer=("done" if decided else "undecided", "decided" if decided else "undecided"),
        headline=lines[0] if lines else "",
        lines=tuple(lines[1:]),
        table=(tuple(columns), tuple(rows)) if rows else None,
    )


def _yes(fact: bool | None) -> str:
    return "not known" if fact is None else "yes" if fact else "no"


def timings_document(name: str, timings: Mapping[str, Timing], words: Mapping[str, TimingWords]) -> dict[str, Any]:
    """The answer as plain JSON values, the leading metric first, with the lines that the terminal shows."""
    return {
        "schema_version": 1,
        "study": name,
        "metrics": {metric: _timing(timing, words[metric]) for metric, timing in timings.items()},
    }


def _timing(timing: Timing, words: TimingWords) -> dict[str, Any]:
    return {
        **timing_values(timing),
        "title": words.title,
        "unit": words.unit,
        "decided": timing.decided,
        "lines": timing_lines(timing, words),
    }
