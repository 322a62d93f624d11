"""The playing page in headless Chromium: offline, its sliders move the curves, its numbers are those of the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from critlab._core.errors import StudyError
from critlab.theory.linear import Gate, pathway_flow
from critlab.theory.linear.playing import Kind, playing_page

CASES = [
    ("phase", {}),
    ("phase", {"depth": 13, "start": 100, "length": 40, "scale": -1, "invariant": 0.5, "ratio": 0.3}),
    ("phase", {"depth": 2, "invariant": 0, "ratio": -1, "length": 5}),
    ("phase", {"depth": 5, "invariant": 1, "ratio": -0.5, "length": 0}),
    ("pathways", {}),
    ("pathways", {"depth": 3, "start": 400, "steps": 3000}),
    ("pathways", {"depth": 6, "invariant": 0.3, "scale": -3, "ratio": 1.5}),
]


def test_one_document_for_each_kind_that_loads_nothing() -> None:
    kinds: tuple[Kind, ...] = ("phase", "pathways")
    for kind in kinds:
        text = playing_page(kind)
        assert f'data-kind="{kind}"' in text
        assert not any(mark in text for mark in ("src=", "@import", "url(", "<link", "/* script */", "/* style */"))
    with pytest.raises(StudyError, match="kind: received 'phases'; did you mean 'phase'"):
        playing_page("phases")  # type: ignore[arg-type]


def opened(browser: Any, folder: Path, kind: Any, said: list[str]) -> Any:
    path = folder / f"{kind}.html"
    path.write_text(playing_page(kind), encoding="utf-8")
    page = browser.new_context(offline=True, viewport={"width": 390, "height": 800}).new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    return page


def move(page: Any, name: str, value: float) -> None:
    page.locator(f"input[name={name}]").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true})); }",
        str(value),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "moves"), CASES)
def test_the_page_agrees_with_the_library(browser: Any, tmp_path: Path, kind: str, moves: dict[str, float]) -> None:
    said: list[str] = []
    page = opened(browser, tmp_path, kind, said)
    for name, value in moves.items():
        move(page, name, value)
    given, shown = page.evaluate("critlab.settings()"), page.evaluate("critlab.trajectory()")
    assert given["gate"]["start"] == moves.get("start", 0)
    assert given["depth"] == moves.get("depth", given["depth"])
    assert given["gate"]["stop"] - given["gate"]["start"] == moves.get("length", 15 if kind == "phase" else 150)
    run = pathway_flow(
        given["strengths"], given["depth"], start_a=given["start_a"], start_b=given["start_b"],
        invariant=given["invariant"], step=given["step"], steps=given["steps"], gates=[Gate(**given["gate"])],
        convention=given["convention"],
    )  # fmt: skip
    for ours, theirs in ((run.a, shown["a"]), (run.b, shown["b"])):
        assert np.isfinite(ours.numpy()).all()
        np.testing.assert_allclose(np.array(theirs), ours[:, 0].numpy(), atol=1e-6, rtol=0)
    assert not said


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["phase", "pathways"])
@pytest.mark.parametrize("slider", ["depth", "start", "length", "scale", "invariant"])
def test_a_slider_moves_the_curve(browser: Any, tmp_path: Path, kind: str, slider: str) -> None:
    page = opened(browser, tmp_path, kind, [])
    move(page, "start", 5)

    def curves() -> list[str]:
        found: list[str] = page.locator("polyline").evaluate_all("all => all.map(one => one.getAttribute('points'))")
        return found

    before = curves()
    control = page.locator(f"input[name={slider}]")
    control.focus()
    for _ in range(5):
        control.press("ArrowRight")
    assert before
    assert curves() != before
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_a_trajectory_that_diverges_is_said_in_words(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "phase", [])
    for name, value in (("depth", 13), ("invariant", 2)):
        move(page, name, value)
    assert "diverges" in page.locator("#summary").inner_text()
    assert page.locator("polyline").count() == 0
