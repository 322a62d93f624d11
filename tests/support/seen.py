"""Pages as a browser shows them: what they say and fetch, and what is wrong with the boxes that are drawn."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Opened:
    """A page that has drawn its charts, and what it said and asked for meanwhile."""

    def __init__(self, browser: Any, path: Path, width: int, scheme: str = "light", height: int = 900) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.route("**/*", self._route)
        self.page.goto(path.as_uri())
        self.wait(scheme)

    def wait(self, scheme: str) -> None:
        """Wait until every chart is drawn in that scheme; a page without charts waits for nothing."""
        if self.page.locator(".chart").count():
            self.page.wait_for_selector(f"html[data-drawn='{scheme}']", timeout=60_000)

    def close(self) -> None:
        """Close the page."""
        self.page.context.close()

    def _route(self, route: Any) -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()


def wrong_boxes(page: Any) -> list[str]:
    """What is clipped, overlaps or lies outside its axes, by the boxes that the browser has drawn; one line each."""
    found: list[str] = page.evaluate(BOXES)
    return found


BOXES = r"""() => {
  const found = [];
  const wide = document.documentElement.clientWidth;
  const box = (one) => one.getBoundingClientRect();
  const seen = (one) => { const b = box(one); return b.width > 0 && b.height > 0; };
  const inside = (b, a, room, right) =>
    b.left >= a.left - room && b.right <= a.right + right && b.top >= a.top - room && b.bottom <= a.bottom + room;
  const scrolls = (one) => one.closest(".scroll, pre, .skip, #vg-tooltip-element, [data-scrolls]");
  const whole = document.documentElement.scrollWidth;
  if (whole > wide + 1) found.push(`the page is ${whole} wide`);
  // text of the page: inside the window, and not cut by its own box
  for (const one of document.querySelectorAll("body *")) {
    if (one.closest("svg") || scrolls(one) || !seen(one)) continue;
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own) continue;
    const b = box(one);
    if (b.right > wide + 1 || b.left < -1) found.push(`outside the window: ${one.textContent.trim().slice(0, 60)}`);
    const style = getComputedStyle(one);
    const larger = one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
    if (style.overflow !== "visible" && larger)
      found.push(`cut: ${one.textContent.trim().slice(0, 60)}`);
  }
  for (const svg of document.querySelectorAll("figure svg")) {
    if (!seen(svg)) continue;
    const name = svg.closest("[data-name]")?.dataset.name ?? svg.closest("figure").id;
    const frame = box(svg);
    if (frame.right > wide + 1) found.push(`${name}: wider than the window`);
    const texts = [...svg.querySelectorAll("text")].filter((one) => one.textContent.trim() && seen(one)
      && getComputedStyle(one).opacity !== "0" && one.getAttribute("opacity") !== "0");
    const boxes = [];
    for (const one of texts) {
      const b = box(one);
      if (!inside(b, frame, 1.5, 1.5))
        found.push(`${name}: cut label "${one.textContent}"`);
      boxes.push([one.textContent, b]);
    }
    for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
      const [s, a] = boxes[i], [t, b] = boxes[j];
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // the same words in the same place are a label and its rim
      const rim = s === t && Math.abs(a.left - b.left) < 4 && Math.abs(a.top - b.top) < 4;
      if (x > 1 && y > 3 && !rim) found.push(`${name}: labels overlap: "${s}" and "${t}"`);
    }
    const plot = svg.querySelector(".role-frame.root > g > path.background, .role-frame.root .background");
    if (!plot || !svg.querySelector(".role-axis")) continue;
    const area = box(plot), room = 8;
    for (const mark of svg.querySelectorAll(".role-mark > path, .role-mark > line, .role-mark > rect")) {
      if (mark.getAttribute("opacity") === "0" || mark.closest("[clip-path]") || !seen(mark)) continue;
      // the lines that lead to names at the right edge go a little beyond it
      if (!inside(box(mark), area, room, 14))
        found.push(`${name}: a mark outside the axes (${mark.parentElement.getAttribute("class")})`);
    }
  }
  return [...new Set(found)];
}"""
