"""No title, caption or description of a figure says what its data may contradict.

Conclusions are computed from the data, or not said. Every figure is drawn from two sets of made-up data with opposite
trends. What stands beside both is fixed text, and may then hold no word of a comparison or of a trend.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import Any, get_args

import pytest

import paths
from critlab.papers.registry import FIGURES
from critlab.report.chart import Chart
from critlab.report.findings import Value
from critlab.report.text.figures.comparisons import comparison_line
from made_up import answer

CONCLUSION = re.compile(
    r"\b(grow(s|ing)?|ris(es|ing)|fall(s|ing)?|shrink(s|ing)?|peaks?|increas(es|ing)|decreas(es|ing)|sharpen(s|ed)?|"
    r"vanish(es)?|disappears?|persists?|recovers?|improv(es|ed)|suffers?|harm(s|ful)|hurts?|protects?|prevents?|"
    r"larger|smaller|higher|lower|further|stronger|weaker|faster|slower|better|worse|sooner|longer|deeper|more|less|most|"
    r"least|no longer|hardly|barely|lets|of the order of)\b",
    re.IGNORECASE,
)
READING = (
    "standard errors", "more than one", "at most", "at least", "the largest of", "for more than",
)  # fmt: skip
"""Phrases that say how to read a chart."""
DRAWN = list(FIGURES.rows)
WORDED = paths.GOLDEN / "comparisons.txt"


@cache
def found(name: str, sign: int) -> Any:
    """Made-up data of a figure."""
    return answer(name, FIGURES[name], sign)


@cache
def charts(name: str, sign: int) -> tuple[Chart, ...]:
    """The charts of a figure from made-up data."""
    return tuple(FIGURES[name].charts(found(name, sign)))


def texts(chart: Chart) -> list[str]:
    """Each sentence of a chart, in a fixed order."""
    found = [chart.title, chart.alt, *(panel.title for panel in chart.panels)]
    return [*found, *re.split(r"(?<=[.;:!?])\s+", chart.caption)]


def fixed(name: str) -> set[str]:
    """The sentences that stand beside both sets of data."""
    both = [{text for chart in charts(name, sign) for text in texts(chart)} for sign in (1, -1)]
    return both[0] & both[1]


@pytest.mark.slow
def test_fixed_text_holds_no_conclusion() -> None:
    assert [(name, text) for name in DRAWN for text in fixed(name) if CONCLUSION.search(without_reading(text))] == []


def without_reading(text: str) -> str:
    """The text without the phrases that say how to read a chart."""
    for phrase in READING:
        text = text.replace(phrase, "")
    return text


def test_a_question_is_a_question() -> None:
    for name in DRAWN:
        assert "?" in FIGURES[name].question, name
        assert not re.match(r"how does .* (sharpen|grow|shrink|protect|harm)", FIGURES[name].question), name


@pytest.mark.slow
def test_comparisons_are_worded_as_in_the_golden_file() -> None:
    """One row of each kind of value for each figure; renewed as ``tests/golden/sentences.txt`` is."""
    kinds: set[type] = set()
    lines = []
    for name in DRAWN:
        own: set[type] = set()
        for row in FIGURES[name].comparisons(found(name, 1)):
            if type(row.ours) not in own:
                own.add(type(row.ours))
                lines.append(f"{name}: {comparison_line(row)}")
        kinds |= own
    text = "\n".join(lines) + "\n"
    if os.environ.get("CRITLAB_RENEW_GOLDEN"):
        WORDED.write_text(text, encoding="utf-8")
    assert text == WORDED.read_text(encoding="utf-8")
    assert kinds == set(get_args(Value)), "every kind of value has words, and a figure that finds one"


@pytest.mark.slow
def test_the_made_up_data_do_turn_round() -> None:
    drawn = [name for name in DRAWN if charts(name, 1)]
    assert len(drawn) > 30, "nearly every figure has a chart of its own"
    for name in drawn:
        assert [chart.rows for chart in charts(name, 1)] != [chart.rows for chart in charts(name, -1)], name


def test_a_conclusion_is_seen() -> None:
    assert CONCLUSION.search("Damage grows with depth.")
    assert CONCLUSION.search("The broader prior lets the data move it further.")
