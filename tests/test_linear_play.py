"""The playing page in headless Chromium: a slider moves, the curve changes, it agrees with ``pathway_flow``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from critlab.errors import StudyError
from critlab.linear import Gate, pathway_flow
from critlab.presets.deep_linear_play import PLAYS, play_page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MOVES: dict[str, list[dict[str, float]]] = {
    "phase": [
        {},
        {"depth": 13},
        {"depth": 2, "window_start": 100, "window_length": 30},
        {"depth": 8, "ratio": 0.9, "log_start": -1.5},
        {"depth": 3, "invariant": 0, "log_start": -0.5},
    ],
    "pathways": [{}, {"window_start": 400}, {"depth": 3, "ratio": 1.2, "window_length": 0}, {"invariant": 0.5}],
}


def test_pages_load_nothing_and_unknown_ones_are_named() -> None:
    for name in PLAYS:
        page = play_page(name)
        assert "http" not in page
        assert "__" not in page
    with pytest.raises(StudyError, match="did you mean 'phase'"):
        play_page("phases")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on PATH")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("name", list(PLAYS))
def test_sliders_move_the_curves_as_the_library_does(browser: Any, name: str, tmp_path: Path) -> None:
    path = tmp_path / "play.html"
    path.write_text(play_page(name), encoding="utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    seen = []
    for moves in MOVES[name]:
        for slider, value in moves.items():
            page.locator(f"#{slider}").fill(str(value))
        found = page.evaluate("window.critlab")
        v, run = found["values"], found["run"]
        assert all(v[slider] == value for slider, value in moves.items())
        start, length = int(v["window_start"]), int(v["window_length"])
        ours = pathway_flow(
            PLAYS[name].strengths,
            int(v["depth"]),
            start_a=v["start_a"],
            start_b=v["start_b"],
            invariant=v["invariant"],
            step=v["step"],
            steps=v["steps"],
            gates=[Gate("b", start, start + length)],
        )
        assert np.abs(np.array(run["a"]) - ours.a[:, 0].numpy()).max() < 1e-6
        assert np.abs(np.array(run["b"]) - ours.b[:, 0].numpy()).max() < 1e-6
        assert np.abs(np.array(run["a"]) - np.array(run["a"])[0]).max() > 0.1
        seen.append(page.locator("#time").inner_html())
    assert len(set(seen)) == len(seen)
    assert said == []
    context.close()
