"""The page and the files for a paper, without a browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import tomllib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import critlab
from critlab._core.errors import StudyError
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Status
from critlab.measures.correct_images import CorrectImages
from critlab.report import page, report, save_figures
from critlab.report.chart import Chart, Panel
from critlab.report.charts import charts
from critlab.report.documents.study_text import study_text
from critlab.report.findings import Comparison, Findings
from critlab.report.page import script_json
from critlab.report.paper_style import PaperStyle
from critlab.report.text.judgement.confounds import confound_text
from critlab.report.text.judgement.damages import damage_meaning, damage_value
from critlab.study import Study
from critlab.study.study import read_study
from synthetic import synthetic_results, synthetic_study, with_whole_trace

HOSTILE = '</script><script>alert("1")</script><img src=x onerror=alert(2)>'


class Parsed(HTMLParser):
    """Tags with attributes, ids, and the text outside style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.inside = "", ""
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text += data


def drawn_specs(text: str) -> dict[str, Any]:
    """The specifications of a page's panels, by name."""
    (packed,) = re.findall(r'id="specs">([^<]*)<', text)
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return found


@pytest.fixture(scope="module")
def results() -> Results:
    return with_whole_trace(synthetic_results())


def keys(results: Results) -> list[str]:
    return [chart.key for chart in charts(results)]


@pytest.mark.slow
def test_verdict_comes_first(results: Results) -> None:
    text = Parsed(page(results)).text
    order = [
        text.index(part) for part in ("synthetic-removal", "present", "Final accuracy", "Learning curves", "Words")
    ]
    assert order == sorted(order)
    assert results.verdict().answer == "present"
    assert "What else could explain the curve" in text
    verdict = results.verdict()
    for confound in verdict.confounds:
        assert confound_text(verdict, confound) in text


@pytest.mark.slow
def test_every_chart_is_there_with_its_numbers(results: Results) -> None:
    design = ["timeline", "run_tree", "player"]
    losses, trace = ["test_loss", "train_loss"], ["fisher_trace", "fisher_trace_by_layer", "layer_shares"]
    assert keys(results) == ["removal_curve", "damage", "named_damages", *design, "learning_curves", *losses, *trace]
    parsed = Parsed(page(results))
    drawn = [attributes for tag, attributes in parsed.tags if attributes.get("class") == "chart"]
    assert len(drawn) == sum(len(chart.panels) for chart in charts(results)) == 19
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawn)
    folded = ("filters", "whom to cite", "the study")
    assert sum(tag == "summary" for tag, _ in parsed.tags) == len(charts(results)) + len(folded)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert [attributes["data-spec"] for attributes in drawn] == list(drawn_specs(page(results)))


def test_the_curve_is_drawn_from_the_analysis(results: Results) -> None:
    chart = charts(results)[0]
    points = [row for row in chart.panels[0].spec["data"]["values"] if row["part"] == "point"]
    main = [(row["x"], row["accuracy"], row["low"]) for row in points if row["arm"] == "blur"]
    assert main == [(p.at, p.accuracy.value, p.low) for p in results.curve()]
    assert {row["arm"] for row in points} == {
        "blur",
        "vertical flip (negative control)",
        "blur, learning rate restarted",
    }
    assert chart.to_csv().splitlines()[0].startswith("arm,at,n,accuracy")
    assert len(chart.rows) == sum(
        len(results.curve(arm).rows()) for arm in ("blur", "vertical_flip", "blur since_removal")
    )


def test_nothing_is_fetched(results: Results) -> None:
    text = page(results)
    parsed = Parsed(text)
    loading = [
        (t, a) for t, a in parsed.tags if t in ("link", "iframe", "img", "object", "embed", "base") or "src" in a
    ]
    assert loading == []
    assert all((attributes["href"] or "").startswith("#") for tag, attributes in parsed.tags if "href" in attributes)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for _, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy


@pytest.mark.slow
def test_what_comes_from_files_is_escaped(results: Results) -> None:
    failed = replace(results.outcomes[7], status="failed", note=HOSTILE)
    layers = [replace(row, layer=HOSTILE) if row.layer == "head" else row for row in results.rows]
    hostile = replace(
        results,
        rows=tuple(layers),
        outcomes=(*results.outcomes[:7], failed, *results.outcomes[8:]),
        provenance={HOSTILE: [HOSTILE, {"seconds": 3.5}], "deep": {"er": HOSTILE}},
    )
    plain, changed = Parsed(page(results)), Parsed(page(hostile))
    assert HOSTILE in changed.text
    assert len(changed.scripts) == len(plain.scripts)
    assert not any(tag == "img" for tag, _ in changed.tags)
    specs = drawn_specs(page(hostile)).values()
    assert HOSTILE in {row.get("layer") for spec in specs for row in spec["data"]["values"]}


def test_script_json_reads_back() -> None:
    value = {"a": HOSTILE, "b": [1, None, "\u2028<!--&"]}
    text = str(script_json(value))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


@pytest.mark.slow
def test_runs_that_failed_are_shown_after_the_verdict() -> None:
    text = Parsed(
        page(synthetic_results(status={"blur-0-20-of-28-seed3": "diverged", "blur-0-40-of-48-seed1": "failed"}))
    ).text
    assert "2 of 90 runs are not done (1 diverged, 1 failed)" in text
    assert text.index("Critical period") < text.index("runs are not done") < text.index("Final accuracy")
    assert "not done" not in Parsed(page(synthetic_results())).text


@pytest.mark.slow
def test_partial_results_say_how_to_go_on() -> None:
    study = synthetic_study()
    missing: dict[str, Status] = {
        run.identifier(seed): "missing" for run in study.runs for seed in study.seeds if run.total > 20
    }
    text = Parsed(page(synthetic_results(status=missing))).text
    assert "critlab run synthetic-removal.toml goes on with it" in text
    assert f"({len(missing)} missing)" in text


def test_no_results_at_all() -> None:
    study = synthetic_study()
    missing: dict[str, Status] = {run.identifier(seed): "missing" for run in study.runs for seed in study.seeds}
    empty = synthetic_results(status=missing)
    empty = replace(empty, rows=())
    assert keys(empty) == ["timeline", "run_tree"], "what will be done is known"
    assert "running" in Parsed(page(empty)).text


@pytest.mark.slow
def test_one_seed_has_no_intervals() -> None:
    one = synthetic_results(seeds=1)
    assert "undecided" in Parsed(page(one)).text
    for chart in charts(one):
        for layer in chart.panels[0].spec["layer"]:
            assert layer["mark"]["type"] != "area" or "stroke" in layer["mark"]


def test_without_fisher_rows(results: Results) -> None:
    bare = replace(results, rows=tuple(row for row in results.rows if row.quantity != "fisher_trace"))
    assert keys(bare)[-3:] == ["learning_curves", "test_loss", "train_loss"]
    assert "Where the information lies" not in Parsed(page(bare)).text


def test_never_has_its_place() -> None:
    chart = charts(synthetic_results(at=(0, 5, 10, "never")))[0]
    points = [row for row in chart.panels[0].spec["data"]["values"] if row["part"] == "point" and row["arm"] == "blur"]
    assert [row["x"] for row in points] == [0, 5, 10, 15]
    assert points[-1]["at"] == "never"


@pytest.mark.slow
def test_window_sweep_beside_a_removal_sweep(results: Results) -> None:
    windows = synthetic_results(kind="window", at=(0, 4, 8, 16), recovery=20)
    assert keys(windows)[:2] == ["window_curve", "sensitivity"]
    text = Parsed(page([results, windows])).text
    assert text.rindex("synthetic-window") > text.index("Final accuracy, by when the deficit is removed")
    assert "Sensitivity: damage by onset" in text
    with pytest.raises(ValueError, match="at least one"):
        page([])


def test_the_study_reads_back(tmp_path: Path) -> None:
    for study in (synthetic_study(), synthetic_study(at=(0, 5, "never")), synthetic_study(kind="window", controls={})):
        assert Study.read(tomllib.loads(study_text(study)), "page") == study
        path = tmp_path / "study.toml"
        path.write_text(study_text(study))
        assert read_study(path) == study, "a file without a key may mean something else"


def test_report_writes_one_file(results: Results, tmp_path: Path) -> None:
    target = tmp_path / "made" / "here" / "page.html"
    assert report(results, target) == target
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert 0.8e6 < target.stat().st_size < 2e6


@pytest.mark.slow
def test_figures_have_the_width_of_a_column(results: Results, tmp_path: Path) -> None:
    of_one = Findings("damage", "", "", [chart for chart in charts(results) if chart.key == "damage"], ())
    written = save_figures(of_one, tmp_path / "damage")
    assert {path.suffix for path in written} == {".csv", ".txt", ".json", ".svg", ".pdf", ".png"}
    # drawing bitmaps and fonts for all takes many times as long
    written += save_figures(results, tmp_path / "figures", PaperStyle(formats=("csv", "txt", "svg")))
    names = {path.name for path in written}
    assert {"damage.csv", "damage-single.svg", "damage-double.png", "layer_shares-double.svg"} <= names
    assert all(path.stat().st_size > 200 for path in written if path.suffix != ".txt")
    for path in written:
        if path.suffix == ".svg":
            text = path.read_text(encoding="utf-8")
            width = float(re.search(r'width="([\d.]+)pt"', text)[1])  # type: ignore[index]
            inches = 3.25 if path.stem.endswith("single") else 6.75
            assert width / 72 == pytest.approx(inches, abs=0.05), path.name
            assert "Epoch" in text or "epoch" in text
            assert "$" not in re.sub(r"<style.*?</style>", "", text, flags=re.S)


def test_missing_library_is_said(monkeypatch: pytest.MonkeyPatch, results: Results, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    for ask in (lambda: page(results), lambda: save_figures(results, tmp_path)):
        with pytest.raises(StudyError, match="pip install vl-convert-python"):
            ask()


def test_a_theorys_page_shows_its_numbers_beside_the_published_ones() -> None:
    panel = Panel("", {"data": {"values": [{"x": 1, "y": 2}]}, "mark": "point", "encoding": {}})
    chart = Chart("modes", "Modes <of> K", "How to read it.", "Points.", (panel,), ("x", "y"), ((1, 2.0),))
    comparisons = [Comparison("final K <b>", 3.86, "the paper", 3.859)]
    text = page(Findings("pathways", "Which one learns?", "the paper, figure 2", [chart], comparisons, {}, "again"))
    assert "Compared with the published numbers" in text
    assert "final K &lt;b&gt;" in text
    assert "3.859" in text
    assert "Removal epoch" not in text, "words of studies have no place on a theory's page"
    assert "final K <b>" not in text


@pytest.mark.slow
def test_the_public_name_writes_a_page_again_and_again(tmp_path: Path) -> None:
    results = synthetic_results(seeds=3, at=(0, 5))
    for name in ("one.html", "two.html"):
        assert critlab.report(results, tmp_path / name).read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_a_page_shows_how_often_networks_were_tested() -> None:
    def told(every: int) -> str:
        parts = {"evaluation": {"every": every}}
        return Parsed(page(synthetic_results(3, parts=parts))).text

    assert "Networks were tested every 7 epochs and in the last 3 epochs of each run; lines join the tests." in told(7)
    assert "Networks were tested" not in told(1)


def test_named_damages_have_a_table_and_a_chart(results: Results) -> None:
    verdict = results.verdict()
    text = Parsed(page(results)).text
    start, end = text.index("Each row compares runs of the same seed"), text.index("Final accuracy, by when")
    for one in verdict.damages:
        assert damage_value(one, verdict.metric) in text[start:end], one
        assert damage_meaning(one, verdict.arm, verdict.metric) in text[start:end], one
    (chart,) = [chart for chart in charts(results) if chart.key == "named_damages"]
    rows = [row for row in chart.panels[0].spec["data"]["values"] if row["part"] == "damage"]
    assert [(row["estimate"], row["low"]) for row in rows] == [(one.estimate, one.low) for one in verdict.damages]
    assert len(chart.rows) == len(verdict.damages)
    smallest = chart.panels[0].spec["layer"][1]["data"]["values"]
    assert smallest == [{"estimate": verdict.smallest_damage}]


@pytest.mark.slow
def test_a_page_says_where_single_test_images_are_unknown() -> None:
    results = synthetic_results(3)
    bits = CorrectImages.of(np.ones(4, bool))
    known = {
        (outcome.name, epoch): bits
        for outcome in results.outcomes
        for epoch in outcome.run.final_epochs(results.study.statistics.final_epochs)
    }
    none, some = "intervals do not contain their choice", "intervals contain their choice only as far as the store has"

    def said(correct: Any) -> tuple[bool, bool]:
        text = Parsed(page(replace(results, correct=correct))).text
        return none in text, some in text

    assert said({}) == (True, False)
    assert said(known) == (False, False)
    assert said(dict(list(known.items())[1:])) == (False, True)
