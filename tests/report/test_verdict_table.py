"""The verdict in a terminal: short, wrapped at words, coloured on request, with the next command last."""

from __future__ import annotations

import re
from functools import cache

import pytest

from critlab.analysis.tables.results import Results
from critlab.report.charts.sweep import sweep_charts
from critlab.report.findings import DamageAt
from critlab.report.text.figures.comparisons import value_text
from critlab.report.text.judgement.verdict_table import PLAIN_WIDTH, verdict_table
from critlab.report.text.names import damage_limits, point_facts
from critlab.report.text.study.so_far import curve_lines, has_curve
from synthetic import synthetic_results
from verdict_cases import cases

NEXT = "critlab report study.toml --store store"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@cache
def results(name: str) -> Results:
    """The case called ``name``."""
    return next(found for case, found in cases() if case == name)


@pytest.mark.slow
@pytest.mark.parametrize("width", [None, 60, 100])
@pytest.mark.parametrize("name", ["present", "undecided", "nothing done"])
def test_lines_fit_and_words_stay_whole(name: str, width: int | None) -> None:
    text = verdict_table(results(name), NEXT, width)
    lines = ESCAPES.sub("", text).splitlines()
    assert all(len(line) <= (width or PLAIN_WIDTH) for line in lines[:-1])
    assert lines[-1] == f"Next: {NEXT}"
    assert bool(ESCAPES.search(text)) == (width is not None)
    words = {word for line in lines for word in line.split()}
    plain = {word for line in verdict_table(results(name), NEXT, 400).splitlines() for word in line.split()}
    assert words <= {ESCAPES.sub("", word) for word in plain}


@pytest.mark.slow
def test_an_unfinished_study_says_how_far_it_is() -> None:
    text = verdict_table(results("equal length missing"), NEXT)
    assert text.startswith("Running: 400 of 600 epochs are trained, 25 of 45 runs are done.")
    assert "The curve so far:" in text
    assert "ndecided" not in text


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_a_finished_and_an_unfinished_study_quote_the_same_interval(seeds: int) -> None:
    """With fewer than three seeds no damage has an interval, wherever it is quoted."""
    made = synthetic_results(seeds, controls={})
    curve, point = made.curve(), made.curve().points[-1]
    quoted = next(one for one in made.verdict().damages if (one.name, one.at) == ("lasting_damage", point.at))
    assert (quoted.low is None) == (damage_limits(point) == (None, None)) == (seeds < 3)
    texts = [
        list(curve_lines(curve))[-1],
        point_facts(point, curve.metric)["damage_text"],
        value_text(DamageAt(point)),
    ]
    assert {"[no interval]" in f"{text}" for text in texts} == {seeds < 3}
    damage_chart = next(chart for chart in sweep_charts(made) if chart.key == made.study.sweep.words.damage_chart)
    low = damage_chart.columns.index("low")
    assert (damage_chart.rows[-1][low] is None) == (seeds < 3)


def test_a_name_from_elsewhere_cannot_steer_the_terminal() -> None:
    text = verdict_table(results("present"), "critlab run '\x1b[2J'", 80)
    assert "\x1b[2J" not in text


def test_bars_are_as_long_as_the_damage() -> None:
    curve = results("present").curve()
    assert has_curve(curve)
    _, *lines = curve_lines(curve)
    bars = [line.count("█") for line in lines]
    damages = [point.damage.value for point in curve.points]
    assert bars.index(max(bars)) == damages.index(max(damages))
    assert bars[0] == 0
    assert not has_curve(results("nothing done").curve())
