"""What a reader can do on the page of a study, in headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kinds_of_pages import written
from seen import Opened, wrong_boxes
from trained import made_once

pytestmark = pytest.mark.slow

PANELS = 38


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next(made_once(tmp_path_factory, "page of study", lambda folder: written("study", folder)).iterdir())


@pytest.fixture(scope="module")
def desktop(browser: Any, path: Path) -> Opened:
    return Opened(browser, path, 1280, "light")


def test_every_chart_is_drawn(desktop: Opened) -> None:
    charts = desktop.page.locator(".chart")
    assert charts.count() == PANELS
    for index in range(PANELS):
        marks = charts.nth(index).locator("svg .role-mark path")
        assert marks.count() >= 2, charts.nth(index).get_attribute("data-spec")
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
    opened.close()


def test_hover_shows_numbers(desktop: Opened) -> None:
    mark = desktop.page.locator("#study-1-removal_curve-figure .role-mark").last.locator("path").nth(1)
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    tooltip = desktop.page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for(timeout=3000)
    assert "Accuracy" in tooltip.inner_text()
    assert "blur" in tooltip.inner_text()


def test_a_click_on_a_curves_name_dims_the_rest(desktop: Opened) -> None:
    figure = desktop.page.locator("#study-2-sensitivity-figure")
    assert figure.locator(".role-legend").count() == 0, "names stand at the ends of curves"
    lines = figure.locator(".mark-line.role-mark path")

    def opacities() -> set[str | None]:
        return {lines.nth(index).get_attribute("opacity") for index in range(lines.count())}

    before = opacities()
    figure.locator("text", has_text="negative control").first.click(force=True)
    desktop.page.wait_for_timeout(200)
    assert len(before) == 1
    assert len(opacities()) == 2
    figure.locator("text", has_text="negative control").first.dblclick(force=True)


def test_zoom_needs_shift_moves_all_charts_and_double_click_resets(desktop: Opened) -> None:
    page, chart = desktop.page, desktop.page.locator("#study-1-fisher_trace-figure .chart")
    other = page.locator("#study-1-test_loss-figure .chart .role-axis-label").first.locator("text")
    before = other.all_text_contents()
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
    assert other.all_text_contents() == zoomed != before
    page.keyboard.up("Shift")
    page.mouse.dblclick(*where)
    page.wait_for_timeout(800)
    reset = turn_wheel()
    assert zoomed != reset
    assert reset[0] == "0"
    assert other.all_text_contents() == before


def test_one_set_of_filters_serves_all_charts(desktop: Opened) -> None:
    page, filters = desktop.page, desktop.page.locator("#study-1 .filters")

    def marks(chart: str, layer: str) -> int:
        found: int = page.locator(f"#study-1-{chart}-figure .{layer}.role-mark path").count()
        return found

    places = (("removal_curve", "mark-symbol"), ("test_loss", "mark-line"), ("named_damages", "mark-symbol"))
    before = [marks(*place) for place in places]
    rows = page.locator("#study-1-run-table tbody tr:visible")
    whole = rows.count()
    filters.locator("summary").click()
    filters.locator("input[name=points][value='20']").uncheck()
    page.wait_for_timeout(500)
    after = [marks(*place) for place in places]
    assert all(there > left for there, left in zip(before, after, strict=True)), (before, after)
    assert rows.count() < whole
    assert filters.locator("[data-said]").inner_text() == ": 4 of 5 removal epochs"
    filters.locator("input[name=seeds][value='0']").uncheck()
    page.wait_for_timeout(500)
    assert marks("test_loss", "mark-line") > after[1], "single seeds are drawn"
    filters.locator("button").click()
    page.wait_for_timeout(500)
    assert marks("removal_curve", "mark-symbol") == before[0]
    assert desktop.said == []


def test_a_slider_moves_over_recorded_points(desktop: Opened) -> None:
    page, figure = desktop.page, desktop.page.locator("#study-1-player-figure")
    text = figure.locator(".mark-text.role-mark text").first
    said, before = figure.locator("output"), text.text_content()
    figure.locator("input[type=range]").fill("0")
    page.wait_for_timeout(300)
    assert said.inner_text() == "5"
    assert text.text_content() != before
    figure.locator(".chart").first.scroll_into_view_if_needed()
    box = figure.locator(".chart").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 120)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(300)
    assert said.inner_text() == "never"
    assert desktop.said == []


def test_the_table_of_runs_sorts_and_searches(desktop: Opened) -> None:
    page = desktop.page
    rows = page.locator("#study-1-run-table tbody tr:visible")
    page.locator("#study-1-run-table th button", has_text="Seed").click()
    seeds = [int(rows.nth(place).locator("td").nth(1).inner_text()) for place in (0, rows.count() - 1)]
    assert seeds == [0, 4]
    page.locator("input[data-search='study-1-run-table']").fill("blur 20-of")
    assert 0 < rows.count() < 30
    page.locator("input[data-search='study-1-run-table']").fill("")


def test_wrong_boxes_are_seen(browser: Any, path: Path) -> None:
    opened = Opened(browser, path, 1280)
    opened.page.evaluate("""() => {
        const svg = document.querySelector("#study-1-damage-figure svg");
        const labels = svg.querySelectorAll(".role-axis-label text");
        labels[1].setAttribute("transform", labels[2].getAttribute("transform"));
        svg.querySelector(".mark-symbol.role-mark path").setAttribute("transform", "translate(9,-60)");
        document.querySelector(".headline").style.cssText = "white-space: nowrap; width: 3000px";
    }""")
    found = "; ".join(wrong_boxes(opened.page))
    assert all(what in found for what in ("wide", "labels overlap", "outside the axes")), found
    opened.close()


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
    opened.close()


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
    opened.close()


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
    opened.close()


def test_everything_can_be_saved_at_once(desktop: Opened) -> None:
    with desktop.page.expect_download(timeout=5000) as saved:
        desktop.page.locator(".save-all button[value=tables]").click()
    assert saved.value.suggested_filename.endswith(".csv")
    assert "," in Path(saved.value.path()).read_text(encoding="utf-8")
    assert desktop.page.locator(".copied > button").count() > 0
    assert desktop.said == []
