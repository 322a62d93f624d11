"""Progress of long work: silent at first, then counts and the time that is left."""

from __future__ import annotations

import time

import pytest

from critlab._core.terminal.progress import Progress


def test_short_work_says_nothing_and_long_work_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Progress("decoding images", 1000, done=500) as going:
        now[0] += 1.9
        going.advance(10)
        assert capsys.readouterr().err == ""
        now[0] += 8.1
        going.advance(90)  # a hundred in ten seconds, so that the four hundred left take forty
        assert capsys.readouterr().err == "decoding images: 600 of 1,000, 40 s left\n"
        now[0] += 1
        going.advance(10)
        assert capsys.readouterr().err == "", "a line every ten seconds where there is no terminal"
        now[0] += 10
        going.advance(0, "width 20, sweep 3")
        assert capsys.readouterr().err == "decoding images: width 20, sweep 3\n"
