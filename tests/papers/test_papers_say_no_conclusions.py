"""No title, caption or description of a figure says what its data may contradict.

Conclusions are computed from the data, or not said. Every figure is drawn from two sets of made-up data with opposite
trends. What stands beside both is fixed text, and may then hold no word of a comparison or of a trend.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

from critlab.papers.registry import FIGURES
from critlab.report.chart import Chart
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


@cache
def charts(name: str, sign: int) -> tuple[Chart, ...]:
    """The charts of a figure from made-up data."""
    return tuple(FIGURES[name].charts(answer(name, FIGURES[name], sign)))


def texts(chart: Chart) -> list[str]:
    """Each sentence of a chart, in a fixed order."""
    found = [chart.title, chart.alt, *(panel.title for panel in chart.panels)]
    return [*found, *re.split(r"(?<=[.;:!?])\s+", chart.caption)]


def fixed(name: str) -> set[str]:
    """The sentences that stand beside both sets of data."""
    both = [{text for chart in charts(name, sign) for text in texts(chart)} for sign in (1, -1)]
    return both[0] & both[1]


@pytest.mark.parametrize("name", DRAWN)
def test_fixed_text_holds_no_conclusion(name: str) -> None:
    for text in fixed(name):
        plain = text
        for phrase in READING:
            plain = plain.replace(phrase, "")
        assert not CONCLUSION.search(plain), (name, text)


@pytest.mark.parametrize("name", DRAWN)
def test_a_question_is_a_question(name: str) -> None:
    assert "?" in FIGURES[name].question
    assert not re.match(r"how does .* (sharpen|grow|shrink|protect|harm)", FIGURES[name].question)


def test_the_made_up_data_do_turn_round() -> None:
    drawn = [name for name in DRAWN if charts(name, 1)]
    assert len(drawn) > 30, "nearly every figure has a chart of its own"
    for name in drawn:
        assert [chart.rows for chart in charts(name, 1)] != [chart.rows for chart in charts(name, -1)], name


def test_a_conclusion_is_seen() -> None:
    assert CONCLUSION.search("Damage grows with depth.")
    assert CONCLUSION.search("The broader prior lets the data move it further.")
