"""The verdict in a terminal: short, wrapped at words, coloured on request, with the next command last."""

from __future__ import annotations

import re
from functools import cache

import pytest

from critlab.analysis.tables.results import Results
from critlab.report.text.judgement.verdict_table import PLAIN_WIDTH, verdict_table
from critlab.report.text.study.so_far import curve_lines, has_curve
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
