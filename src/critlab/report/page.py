"""One self-contained HTML page: verdict first, then the charts, then what was run on what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from critlab._core.errors import InvalidValue
from critlab._core.user_code.values import instance
from critlab._core.user_code.values import path as given_path
from critlab._core.version import VERSION
from critlab.analysis.tables.results import Results
from critlab.report.findings import Comparison, Findings
from critlab.report.sections import section
from critlab.report.theme import DARK, LIGHT, SCREEN_FONT, config
from critlab.report.vega import check_renderer, packed, packed_bundle
from critlab.store.delivery import check_page, deliver

REFRESH_SECONDS = 15
"""How often a page of a study that is being trained reloads itself."""

CHARTS = ("main", "damage_charts", "design_charts", "charts")
"""Where a part of the page has charts, in the order of the page."""

RESULTS = "what critlab.run or critlab.load_results returns"

Shown = Results | Findings
"""What a page can show."""


def page(
    results: Shown | Sequence[Shown],
    further: Sequence[tuple[str, str]] = (),
    comparisons: Sequence[Comparison] = (),
    live: str = "",
) -> str:
    """The page as one HTML document that loads nothing.

    Args:
        results: of one study, or a theory's findings, or several that belong together; the first one leads.
        further: what to ask next, shown at the end: questions, each with the command that answers it.
        comparisons: the leading study's numbers next to the published ones.
        live: what to say of a study that is being trained, such as the time left; the page then reloads itself.

    Raises:
        StudyError: vl-convert-python is not installed, or an argument is not what it should be; where the list of
            results is empty, it is a ValueError too.
    """
    several = shown_results(results)
    _check_further(further, comparisons, live)
    check_renderer()
    sections = [
        {**section(one, f"study-{index}", comparisons if index == 1 else ()), "live": live if index == 1 else ""}
        for index, one in enumerate(several, start=1)
    ]
    themes = {"light": LIGHT, "dark": DARK, "config": config(SCREEN_FONT)}
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            title=", ".join(part["name"] for part in sections),
            parts=sections,
            links=_links(sections),
            refresh=REFRESH_SECONDS if live else 0,
            style=Markup(style()),
            scripts=[Markup(_text(name)) for name in ("page.js", "controls.js")],
            bundle=packed_bundle(),
            specs=packed(script_json(_specs(sections))),
            themes=themes,
            further=list(further),
            has_files=any("verdict" in part and "command" not in part for part in sections),
            has_studies=any("verdict" in part for part in sections),
            words=list(dict.fromkeys(entry for part in sections for entry in part.get("words", ()))),
            version=VERSION,
        )
    )


def shown_results(results: Any) -> list[Shown]:
    """The results of one study, or of several, as a list.

    Raises:
        StudyError: they are no results; where there are none, it is a ValueError too.
    """
    several = list(results) if isinstance(results, list | tuple) else [results]
    if not several:
        raise InvalidValue("results: received none; give at least one")
    for one in several:
        instance(one, "results", (Results, Findings), f"{RESULTS}, or a list of these")
    return several


def _check_further(further: Any, comparisons: Any, live: Any) -> None:
    pairs = "a list of pairs, each a question and a command"
    instance(further, "further", (list, tuple), pairs)
    for one in further:
        instance(one, "further", tuple, pairs)
    instance(comparisons, "comparisons", (list, tuple), "a list of comparisons")
    for one in comparisons:
        instance(one, "comparisons", Comparison, "a list of comparisons")
    instance(live, "live", str, "a text")


def _links(parts: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Where the header leads: to the parts of a page that has several, else to the sections of the only one."""
    if len(parts) > 1:
        return [(part["id"], part["name"]) for part in parts]
    name = parts[0]["id"]
    return [(name, "Answer"), *((f"{name}-{anchor}", words) for anchor, words in parts[0]["links"])]


def report(
    results: Shown | Sequence[Shown],
    path: str | Path,
    further: Sequence[tuple[str, str]] = (),
    comparisons: Sequence[Comparison] = (),
    live: str = "",
) -> Path:
    """Writes :func:`page` to ``path`` in one step, making its folder; a reader never sees half a page.

    Returns:
        The path.

    Raises:
        StudyError: ``path`` is named like a file of another kind, or cannot be written.
    """
    path = given_path(path, "path")
    check_page(path)
    deliver(path, page(results, further, comparisons, live).encode())
    return path


def _specs(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The specification of every panel by its name on the page."""
    parts = [chart for one in sections for key in CHARTS for chart in one.get(key, ())]
    return {panel["id"]: panel["spec"] for chart in parts for panel in chart["panels"]}


def script_json(value: Any) -> Markup:
    """JSON that may stand inside a ``<script>`` element, whatever the strings in it say."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def environment() -> Environment:
    """The templates of all pages."""
    loader = PackageLoader("critlab.report.web", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.filters["script_json"] = script_json
    return environment


def style() -> str:
    """The style sheet of all pages."""
    return _text("style.css")


def _text(name: str) -> str:
    return resources.files("critlab.report.web").joinpath(name).read_text(encoding="utf-8")
