"""What is shown while a study is trained: its first curve, and a page that is written again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from critlab.analysis.tables.results import Results
from critlab.sequential import first_curve, live_page
from critlab.store import Store
from synthetic import synthetic_results


@pytest.fixture
def unfinished(monkeypatch: pytest.MonkeyPatch) -> list[Results]:
    """What the store holds at each look: first one point, then every point with one seed."""
    whole = synthetic_results(2, (0, 5, 20), controls={})
    one = [name for name in whole.by_run if name.endswith("seed0")]
    first = tuple(o if o.name in one else replace(o, status="missing", epochs=0) for o in whole.outcomes)
    nothing = tuple(replace(o, status="missing", epochs=0) for o in whole.outcomes)
    looks = [replace(whole, outcomes=nothing), replace(whole, outcomes=first)]
    shown = list(looks)

    def read(*_: object) -> Results:
        return shown.pop(0) if len(shown) > 1 else shown[0]

    monkeypatch.setattr(first_curve, "read_results", read)
    monkeypatch.setattr(live_page, "read_results", read)
    return looks


def test_the_first_curve_is_said_once(
    unfinished: list[Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_curve, "EVERY_SECONDS", 0.0)
    look = first_curve.FirstCurve(Store(tmp_path))
    said = []
    for _ in range(4):
        look(unfinished[0].study)
        said.append(capsys.readouterr().err)
    assert [bool(text) for text in said] == [False, True, False, False]
    assert "the first curve:" in said[1]
    assert "n = 1" in said[1]


@pytest.mark.slow
def test_the_page_is_written_again(unfinished: list[Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_page, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(live_page, "SHARE", 0)
    page = tmp_path / "page.html"
    live = live_page.LivePage(Store(tmp_path), page)
    texts = []
    for _ in range(2):
        live(unfinished[0].study)
        texts.append(page.read_text())
    assert "running" in texts[0]
    assert texts[0] != texts[1]
