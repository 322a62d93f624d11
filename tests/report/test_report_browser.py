"""The page in headless Chromium: drawn, quiet, offline, on a phone, in the dark, by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from critlab.report import report
from synthetic import synthetic_results, with_whole_trace

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH"),
]

PANELS = 28


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    removal = with_whole_trace(synthetic_results(at=(0, 5, 10, 20, "never")))
    window = with_whole_trace(synthetic_results(kind="window", at=(0, 4, 8), recovery=12))
    return report([removal, window], tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Opened:
    """A page that has drawn its charts, and what it said and asked for meanwhile."""

    def __init__(self, browser: Any, path: Path, width: int, scheme: str) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.route("**/*", self._route)
        self.page.goto(path.as_uri())
        self.wait(scheme)

    def wait(self, scheme: str) -> None:
        self.page.wait_for_selector(f"html[data-drawn='{scheme}']", timeout=30_000)

    def _route(self, route: Any) -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()


@pytest.fixture(scope="module")
def desktop(browser: Any, path: Path) -> Opened:
    return Opened(browser, path, 1280, "light")


def test_every_chart_is_drawn(desktop: Opened) -> None:
    charts = desktop.page.locator(".chart")
    assert charts.count() == PANELS
    for index in range(PANELS):
        marks = charts.nth(index).locator("svg .role-mark path")
        assert marks.count() >= 3, charts.nth(index).get_attribute("data-spec")
    # five removal epochs of blur, four of each control: means
    means = desktop.page.locator("#study-1-removal_curve-figure .role-mark").last.locator("path")
    assert means.count() == 5 + 4 + 3


def test_quiet_and_offline(desktop: Opened) -> None:
    assert desktop.said == []
    assert desktop.asked == []


def test_the_guard_sees_what_it_forbids(browser: Any, path: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "page.html"
    image = "<img src='http://127.0.0.1:9/x.png'>"
    text = path.read_text(encoding="utf-8").replace("Content-Security-Policy", "X-None", 1)
    spoilt.write_text(text.replace("<main>", f"<main>{image}", 1), encoding="utf-8")
    opened = Opened(browser, spoilt, 1280, "light")
    assert opened.asked == ["http://127.0.0.1:9/x.png"]
    opened.page.context.close()


def test_hover_shows_numbers(desktop: Opened) -> None:
    mark = desktop.page.locator("#study-1-removal_curve-figure .role-mark").last.locator("path").nth(1)
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    tooltip = desktop.page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for(timeout=3000)
    assert "Accuracy" in tooltip.inner_text()
    assert "blur" in tooltip.inner_text()


def test_legend_click_dims_the_rest(desktop: Opened) -> None:
    figure = desktop.page.locator("#study-1-damage-figure")
    lines = figure.locator(".mark-line.role-mark path")

    def opacities() -> set[str | None]:
        return {lines.nth(index).get_attribute("opacity") for index in range(lines.count())}

    before = opacities()
    figure.locator(".role-legend-symbol path").first.click(force=True)
    desktop.page.wait_for_timeout(200)
    assert len(before) == 1
    assert len(opacities()) == 2
    figure.locator(".role-legend-symbol path").first.dblclick(force=True)


def test_zoom_needs_shift_and_double_click_resets(desktop: Opened) -> None:
    page, chart = desktop.page, desktop.page.locator("#study-1-fisher_trace-figure .chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    where = (box["x"] + 500, box["y"] + 60)

    def turn_wheel() -> list[str]:
        page.wait_for_timeout(100)
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(300)
        return chart.locator(".role-axis-label").first.locator("text").all_text_contents()

    page.mouse.move(*where)
    page.keyboard.down("Shift")
    zoomed = turn_wheel()
    page.keyboard.up("Shift")
    page.mouse.dblclick(*where)
    page.wait_for_timeout(800)
    reset = turn_wheel()
    assert zoomed != reset
    assert reset[0] == "0"


@pytest.mark.parametrize("width", [390, 1280])
def test_no_sideways_scroll(browser: Any, path: Path, width: int) -> None:
    opened = Opened(browser, path, width, "dark")
    opened.page.evaluate("document.querySelectorAll('details').forEach((details) => details.open = true)")
    measured = opened.page.evaluate(
        "[document.documentElement.scrollWidth, document.querySelector('.sheet').scrollWidth]"
    )
    assert max(measured) <= width
    assert opened.said == []
    for index in range(PANELS):
        box = opened.page.locator(".chart svg").nth(index).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    opened.page.context.close()


def test_dark_changes_page_and_charts(browser: Any, path: Path) -> None:
    opened = Opened(browser, path, 800, "light")
    read = """() => [getComputedStyle(document.body).backgroundColor,
        document.querySelector('.chart svg').outerHTML.match(/#[0-9a-f]{6}/g).join()]"""
    light = opened.page.evaluate(read)
    opened.page.emulate_media(color_scheme="dark")
    opened.wait("dark")
    dark = opened.page.evaluate(read)
    assert light[0] == "rgb(255, 255, 255)"
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert opened.said == []
    opened.page.context.close()


def test_keyboard_reaches_skip_link_and_numbers(browser: Any, path: Path) -> None:
    opened = Opened(browser, path, 1280, "light")
    page = opened.page
    focused = "document.activeElement.tagName + ' ' + document.activeElement.className"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "A skip"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "study-1"
    page.keyboard.press("Tab")
    assert page.evaluate(focused).strip() == "SUMMARY", "the numbers of the main chart"
    page.keyboard.press("Enter")
    assert page.locator("details[open] table").first.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(focused).strip() == "DIV scroll", "the table of these numbers"
    opened.page.context.close()


def test_charts_can_be_saved(desktop: Opened) -> None:
    with desktop.page.expect_download(timeout=5000) as saved:
        desktop.page.locator("#study-1-damage-figure .save button[value=svg]").click()
    assert saved.value.suggested_filename == "study-1-damage.svg"
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert "<svg" in text
    assert "Damage" in text
    assert desktop.said == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_has_the_answer_and_the_main_chart(browser: Any, path: Path, width: int, height: int) -> None:
    opened = Opened(browser, path, width, "light")
    for part in ("#study-1 > .answer", "#study-1 > .headline", "#study-1 .main .chart svg"):
        box = opened.page.locator(part).first.bounding_box()
        assert box is not None, part
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height, part
    opened.page.context.close()


def test_charts_are_there_without_scripts(browser: Any, path: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    images = page.locator(".chart svg")
    assert images.count() == PANELS
    for index in (0, PANELS - 1):
        box = images.nth(index).bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["height"] > 150
    assert not page.locator(".save-all").is_visible()
    context.close()


def test_everything_can_be_saved_at_once(desktop: Opened) -> None:
    with desktop.page.expect_download(timeout=5000) as saved:
        desktop.page.locator(".save-all button[value=tables]").click()
    assert saved.value.suggested_filename.endswith(".csv")
    assert "," in Path(saved.value.path()).read_text(encoding="utf-8")
    assert desktop.page.locator(".copied > button").count() > 0
    assert desktop.said == []
