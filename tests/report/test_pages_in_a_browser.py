"""Each kind of page as a browser shows it: wide, on a phone, printed, in the dark, without scripts, read aloud."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from kinds_of_pages import KINDS, WHOLE, written
from seen import Opened, wrong_boxes
from trained import made_once

pytestmark = pytest.mark.slow

DRAWN = "page.charts.every((one) => !one.clientWidth || one.dataset.width == one.clientWidth)"
"""Whether every chart is drawn at the present width."""


@pytest.fixture(params=[*KINDS, *WHOLE])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        written(request.param, folder)

    return next(made_once(tmp_path_factory, f"page of {request.param}", make).iterdir())


def accessibility(page: Any) -> list[str]:
    """What axe-core finds, with the places."""
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page.evaluate(resources.files(axe).joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def test_nothing_is_cut_overlaps_or_speaks(browser: Any, page: Path) -> None:
    opened = Opened(browser, page, 1280)
    shown = opened.page
    assert wrong_boxes(shown) == []
    assert accessibility(shown) == []
    charts = shown.locator(".chart").count()
    for media, width, scheme in (("screen", 390, "light"), ("print", 690, "dark")):
        shown.emulate_media(media=media, color_scheme=scheme)
        shown.set_viewport_size({"width": width, "height": 844})
        shown.wait_for_timeout(400)
        opened.wait(scheme)
        if charts:
            shown.wait_for_function(DRAWN)
        assert wrong_boxes(shown) == [], (media, width)
    shown.emulate_media(media="screen", color_scheme="dark")
    assert accessibility(shown) == [], "in the dark"
    assert opened.said == []
    assert opened.asked == []
    opened.close()
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    bare = context.new_page()
    bare.goto(page.as_uri())
    images = bare.locator(".chart > svg")
    assert images.count() == charts
    assert all(images.nth(place).bounding_box()["width"] > 200 for place in range(charts))
    assert not bare.locator(".scripted").filter(visible=True).count()
    context.close()
