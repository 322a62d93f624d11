"""``critlab reproduce`` and the theories' figures: computed once, kept by digest, shown beside what was published."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from critlab import cli
from critlab._core.errors import StudyError
from critlab.engine.context import RunOptions
from critlab.engine.maintenance.gc import collect
from critlab.papers.playground import write_playground
from critlab.papers.registry import FIGURES
from critlab.papers.reproduce import reproduce
from critlab.papers.tables import computed
from critlab.store import Store


@pytest.mark.slow
def test_a_figure_is_computed_once_and_kept(tmp_path: Path) -> None:
    store, page = Store(tmp_path / "s"), tmp_path / "page.html"
    made = reproduce("sensors", None, store, RunOptions(), page, tmp_path / "figures")
    assert made.status == 0
    assert {row.published for row in made.comparisons} >= {145, 282}
    assert all(row.published == row.ours for row in made.comparisons), "exact to the authors' own program"
    assert "Compared with the published numbers" in page.read_text()
    assert (tmp_path / "figures" / "sensors.csv").exists()
    numbers = (tmp_path / "figures" / "numbers.csv").read_text().splitlines()
    assert numbers[0] == "what,published,source,ours"
    assert len(numbers) == 1 + len(made.comparisons)
    environment = json.loads((tmp_path / "figures" / "environment.json").read_text())
    assert environment["command"] == "critlab reproduce sensors --scale small"
    assert {"processor", "torch", "seconds of computing"} <= environment.keys()
    assert len(list(store.names("figures"))) == 1
    assert not collect(store, apply=True).places, "a store of figures alone is known to be one"

    def never(scale: str) -> dict[str, list[dict[str, object]]]:
        raise AssertionError("computed twice")

    again = computed("sensors", replace(FIGURES["sensors"], tables=never), "small", store)
    assert list(again.comparisons) == list(made.comparisons)
    assert again.charts[0].to_csv() == (tmp_path / "figures" / "sensors.csv").read_text(), "columns keep their order"


@pytest.mark.slow
def test_the_command_gives_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    arguments = ["reproduce", "lesion", "--store", str(tmp_path / "s"), "--out", str(page), "--json"]
    monkeypatch.setattr(sys, "argv", ["critlab", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["comparisons"]
    assert page.exists()


@pytest.mark.parametrize(
    ("name", "scale", "message"),
    [("pathway", None, "did you mean 'pathways'"), ("phase", "demo", "allowed: small, paper")],
)
def test_unknown_figures_and_scales_are_named(tmp_path: Path, name: str, scale: str | None, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        reproduce(name, scale, Store(tmp_path / "s"), RunOptions(), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["phase", "pathways"])
def test_the_page_to_play_with(tmp_path: Path, name: str) -> None:
    page = write_playground(name, tmp_path / "play.html")
    assert page is not None
    assert "<!doctype html>" in page.read_text().lower()
    assert write_playground("lesion", tmp_path / "none.html") is None
