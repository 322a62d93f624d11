"""What a prompt and a notebook show of large values: a line, and a little HTML without scripts."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from critlab import Estimate
from critlab._core.terminal.notebook import NotebookBar, notebook_bar
from critlab.analysis.tables.results import Results
from synthetic import synthetic_results


@pytest.fixture(scope="module")
def results() -> Results:
    """A finished study."""
    return synthetic_results()


def test_a_line_is_short(results: Results) -> None:
    for value in (results, results.verdict(), results.curve()):
        assert "\n" not in repr(value)
        assert len(repr(value)) < 250
        assert repr(value).startswith(f"<{type(value).__name__}: ")
    assert "present" in repr(results)
    assert "90 of 90 runs" in repr(results)
    assert repr(Estimate(1.5, 0.25)) == "Estimate(value=1.5, stderr=0.25)"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


def test_html_has_the_verdict_and_the_main_chart(results: Results) -> None:
    html = results._repr_html_()
    tags = _Tags()
    tags.feed(html)
    assert {"svg", "details", "p"} <= tags.tags
    assert "script" not in tags.tags
    assert len(html) < 200_000
    assert "Present:" in html
    assert "<table" in results.curve()._repr_html_()
    assert Estimate(1.5, 0.25)._repr_html_() == "1.5 ± 0.25"


def test_a_bar_of_a_notebook_is_changed_in_place() -> None:
    shown: list[str] = []

    class Display:
        HTML = staticmethod(str)

        def display(self, value: str, display_id: bool) -> Display:
            shown.append(value)
            return self

        def update(self, value: str) -> None:
            shown[-1] = value

    bar = NotebookBar(Display())
    for done in (1, 2):
        bar.show("a <study>", done, 4, "starting")
    assert len(shown) == 1
    assert 'value="2" max="4"' in shown[0]
    assert "a &lt;study&gt;: 2 of 4 epochs" in shown[0]


def test_there_is_no_bar_outside_a_notebook() -> None:
    assert notebook_bar() is None
