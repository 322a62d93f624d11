"""Each kind of page as a browser shows it: wide, on a phone, printed, in the dark, without scripts, read aloud."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from kinds_of_pages import KINDS, written
from seen import Opened, wrong_boxes
from trained import made_once

pytestmark = pytest.mark.slow


@pytest.fixture(params=KINDS)
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
    assert wrong_boxes(opened.page) == []
    assert accessibility(opened.page) == []
    opened.page.set_viewport_size({"width": 390, "height": 844})
    opened.page.wait_for_timeout(400)
    opened.wait("light")
    opened.page.wait_for_function(
        "page.charts.every((one) => !one.clientWidth || one.dataset.width == one.clientWidth)"
    )
    assert wrong_boxes(opened.page) == []
    opened.page.emulate_media(media="print", color_scheme="dark")
    opened.page.set_viewport_size({"width": 690, "height": 980})
    opened.page.wait_for_timeout(300)
    assert wrong_boxes(opened.page) == []
    assert opened.said == []
    assert opened.asked == []
    opened.close()


def test_it_can_be_read_in_the_dark_and_without_scripts(browser: Any, page: Path) -> None:
    opened = Opened(browser, page, 1280, "dark")
    assert accessibility(opened.page) == []
    charts = opened.page.locator(".chart").count()
    opened.close()
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    bare = context.new_page()
    bare.goto(page.as_uri())
    images = bare.locator(".chart > svg")
    assert images.count() == charts
    assert all(images.nth(place).bounding_box()["width"] > 200 for place in range(charts))
    assert not bare.locator(".scripted").first.is_visible()
    context.close()
