"""The figures of paper 2: their studies at every scale, their costs, and what is drawn and said of known readings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from critlab.analysis.effects.control_comparison import compare_to_control, through_training
from critlab.analysis.sources.ignored_source import SourceBalance, source_balances
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome, Row
from critlab.deficits import Decorrelate
from critlab.papers.multisensory.accuracy import accuracy_charts
from critlab.papers.multisensory.dissociation import study as dissociation_study
from critlab.papers.multisensory.reconstruction import studies as reconstruction_studies
from critlab.papers.multisensory.rsv import ignored
from critlab.papers.multisensory.rsv import study as rsv_study
from critlab.papers.multisensory.source_information import charts as information_charts
from critlab.papers.multisensory.units import distributions
from critlab.papers.registry import FIGURES, find_study
from critlab.report.chart import Chart
from critlab.report.page import page
from critlab.report.text.figures.comparisons import comparison_row
from critlab.report.text.names import arm_words
from critlab.study import Study
from critlab.study.ingredients.measurement import scheduled_measures
from critlab.study.runs.run import Run
from critlab.study.runs.tree import Node

NAMES = (
    "rsv", "dissociation", "source-information", "source-removal", "source-window", "source-depth", "reconstruction",
)  # fmt: skip


def test_every_figure_is_there_at_every_scale() -> None:
    assert set(NAMES) <= set(FIGURES)
    for name in NAMES:
        assert FIGURES[name].scales == ("paper", "small", "demo")
        assert FIGURES[name].published
        assert FIGURES[name].default_scale == "small"


@pytest.mark.parametrize("scale", ["paper", "small", "demo"])
def test_the_variance_is_read_where_the_figures_need_it(scale: str) -> None:
    for study in (rsv_study(scale), dissociation_study(scale)):  # type: ignore[arg-type]
        for run in study.runs:
            for epoch in {run.total, run.window.stop}:
                assert "relative_source_variance" in set(scheduled_measures(study, Node("", None, epoch, None)))


def test_the_papers_set_up() -> None:
    study = find_study("rsv")
    assert study.sweep.points == tuple(range(0, 181, 20))
    assert (study.optimizer.lr, study.optimizer.lr_decay, study.optimizer.weight_decay) == (0.075, 0.97, 0.0005)
    assert study.model.width == 64  # type: ignore[attr-defined]
    apart = find_study("dissociation")
    assert apart.deficit == Decorrelate()
    assert (apart.optimizer.lr, apart.optimizer.weight_decay, apart.augment) == (0.05, 0.0, None)
    assert apart.data.label_heads() == 3


def test_the_supervised_twin_differs_in_the_objective_alone() -> None:
    both = reconstruction_studies("small")
    first, second = (study.model_dump(mode="json") for study in both.values())
    assert {key for key in first if first[key] != second[key]} == {"name", "pretraining"}
    own = [[run.total for run in study.runs if run.role in ("control", "deficit")] for study in both.values()]
    assert own[0] == own[1], "its frozen run is not the same as a shorter clean one, as the twin's is"


def readings(run: Run, seed: int, epoch: int) -> Iterator[tuple[str, str, float]]:
    """Known numbers: the median falls by 0.02 for each epoch of blur of B, and rises with blur of A."""
    deprived = min(epoch, run.window.stop) if run.deficit else 0
    side = 1.0 if run.deficit is not None and run.deficit.source == "A" else -1.0
    moved, own = 0.02 * deprived * side, 0.01 * seed
    yield "relative_source_variance", "", moved + own
    yield "relative_source_variance_share", "A", 0.2 - moved / 2 + own
    yield "relative_source_variance_share", "B", 0.2 + moved / 2
    yield "relative_source_variance_share", "one", 0.4 + own + abs(moved)
    yield "relative_source_variance_bimodality", "", 0.5 + abs(moved)
    for middle in ("-0.975", "+0.025", "+0.975"):
        yield "relative_source_variance_histogram", middle, 1 / 3
    for source, loss in (("", 0.0), ("A", 0.3), ("B", 0.4)):
        yield "usable_information", source, 2 - loss + moved / 10 + own
        yield "source_accuracy", source, 0.8 - loss + moved / 10 + own
    yield "test_accuracy", "", 0.8 + moved / 10 + own
    yield "train_accuracy", "", 0.9


def known(study: Study) -> Results:
    rows, outcomes = [], []
    for run in study.runs:
        for seed in study.seeds:
            outcomes.append(Outcome(run, seed, "done", run.total))
            deficit = run.deficit.name if run.deficit else ""
            for epoch in range(run.total + 1):
                for quantity, layer, value in readings(run, seed, epoch):
                    place = (run.identifier(seed), run.arm, seed, deficit, run.window.start, run.window.stop, run.clock)
                    rows.append(Row(*place, epoch, quantity, layer, value, 0.0))
    return Results(study, tuple(rows), tuple(outcomes))


def test_readings_are_paired_with_the_control_of_the_same_seed() -> None:
    results = known(rsv_study("demo"))
    control, *points = compare_to_control(results, "relative_source_variance")
    assert (control.arm, control.difference) == ("control", None)
    assert control.value.mean == pytest.approx(0.01)
    by_place = {(point.arm, point.at): point for point in points}
    ours = by_place[next(key for key in by_place if "B" in key[0] and key[1] == 8)]
    assert ours.difference is not None
    assert ours.difference.mean == pytest.approx(-0.16)
    assert ours.difference.sd == 0, "the seeds' own offsets cancel"
    assert ours.value.mean == pytest.approx(-0.15)
    mirror = by_place[next(key for key in by_place if "A" in key[0])]
    assert mirror.difference is not None
    assert mirror.difference.mean == pytest.approx(0.16)


def test_at_removal_the_control_is_read_at_the_same_epoch() -> None:
    results = known(dissociation_study("demo"))
    (point,) = compare_to_control(results, "relative_source_variance_share", "one", "removal")
    assert point.epoch == 12
    assert point.difference is not None
    assert point.difference.mean == pytest.approx(0.24)
    run = next(run.name for run in results.study.runs if run.role == "deficit")
    course = through_training(results, run, "relative_source_variance_share", "one")
    assert course[0].mean == pytest.approx(0.41)
    assert course[12].mean == course[24].mean == pytest.approx(0.65)


def test_which_source_is_ignored_is_said_in_words() -> None:
    results = known(rsv_study("demo"))
    first, second = source_balances(results)
    assert (first.ignored, first.since, second.ignored, second.since) == ("B", 1, "A", 1)
    share = first.shares["A"]
    assert share.value.mean == pytest.approx(0.29)
    assert share.change is not None
    assert share.change.mean == pytest.approx(0.08)
    assert [row.ours for row in ignored({"study": results})] == [first, second]
    assert {first.arm, second.arm} == {note.arm for note in results.verdict().notes if isinstance(note, SourceBalance)}


def test_a_source_is_not_called_ignored_without_an_interval_that_says_so() -> None:
    study = rsv_study("demo")
    results = known(study)
    rows = tuple(row for row in results.rows if row.seed == 0)
    (first, *_) = source_balances(Results(study, rows, results.outcomes[:: len(study.seeds)]))
    assert (first.ignored, first.since, first.effect.n) == (None, None, 1)
    plain = study.model_copy(update={"measures": {}})
    assert list(source_balances(Results(plain, results.rows, results.outcomes))) == []


def test_what_both_sources_gain_is_no_ignorance_and_what_one_loses_is() -> None:
    results = known(rsv_study("demo"))

    def found(a: list[float], b: list[float]) -> SourceBalance:
        """Of the study's own deficit, whose units of one source differ so much from the control's, seed by seed."""
        deprived = {run.identifier(seed): seed for run in results.study.runs if run.deficit for seed in (0, 1, 2)}
        own = {"A": a, "B": b}
        rows = tuple(
            replace(row, value=0.3 + own[row.layer][deprived[row.run]])
            if row.run in deprived and row.quantity.endswith("_share") and row.layer in own
            else replace(row, value=0.3)
            if row.quantity.endswith("_share")
            else row
            for row in results.rows
        )
        return next(source_balances(Results(results.study, rows, results.outcomes)))

    assert found([0.2, 0.21, 0.22], [0.2, 0.21, 0.2]).ignored is None
    lost = found([0.3, 0.02, 0.0], [-0.02, -0.3, -0.33])
    assert lost.ignored == "B", "neither share's own interval excludes zero, the balance's does"
    assert lost.effect.mean == pytest.approx(0.3233, abs=1e-4)
    assert found([-0.2, -0.1, -0.2], [0.0, 0.0, 0.0]).ignored == "A"


def test_distributions_are_means_over_seeds() -> None:
    found = distributions(known(rsv_study("demo")), "end")
    assert "no deficit" in found
    assert any(name.startswith("blur of B until 8") for name in found)
    assert all(list(bins) == ["-0.975", "+0.025", "+0.975"] for bins in found.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_draws_and_compares_what_it_found(name: str) -> None:
    figure = FIGURES[name]
    found = {part: known(study) for part, study in figure.parts("demo").items()}
    charts = figure.charts(found)
    assert charts
    assert len({chart.key for chart in charts}) == len(charts)
    assert all(chart.rows and all(panel.spec for panel in chart.panels) for chart in charts)
    rows = figure.comparisons(found)
    assert rows
    assert not any("nan" in comparison_row(row).ours for row in rows)


def test_nothing_is_drawn_of_nothing() -> None:
    study = rsv_study("demo")
    empty = Results(study, (), ())
    for name in ("rsv", "source-information", "source-removal"):
        assert list(FIGURES[name].charts({"study": empty})) == []
        assert list(FIGURES[name].comparisons({"study": empty})) == []


def test_what_stands_side_by_side_is_read_off_one_scale() -> None:
    (chart,) = information_charts({"study": known(FIGURES["source-information"].parts("demo")["study"])})
    scales = {json.dumps(layer["encoding"]["y"]["scale"]) for panel in chart.panels for layer in panel.spec["layer"]}
    assert len(chart.panels) == 2
    assert len(scales) == 1
    (low, high), values = json.loads(scales.pop())["domain"], [row["bits"] for row in chart_rows(chart)]
    assert low <= min(0, *values)
    assert high >= max(values)


def chart_rows(chart: Chart) -> list[dict[str, Any]]:
    return [row for panel in chart.panels for row in panel.spec["data"]["values"]]


def test_the_clean_run_stands_among_removals_at_nought_and_not_among_onsets() -> None:
    for name, places in (("source-removal", {0, 4, 8}), ("source-window", {0, 4, 8})):
        results = known(FIGURES[name].parts("demo")["study"])
        (chart,) = accuracy_charts({"study": results})
        assert chart.key == "accuracy_by_source"
        rows = chart_rows(chart)
        assert {row["at"] for row in rows} == places
        assert len(rows) == 3 * len(places), "one a source and place"
        clean = {point.arm: point.value.mean for point in compare_to_control(results, "source_accuracy", "A")}[
            "control"
        ]
        first = next(row["accuracy"] for row in rows if (row["seen"], row["at"]) == ("A alone", 0))
        assert (first == pytest.approx(100 * clean)) == (name == "source-removal")


@pytest.mark.parametrize(
    ("name", "column", "place", "caption"),
    [
        ("reconstruction", "onset", "Deficit begins at epoch", "lost to blank (source B) in a window that begins at "),
        ("source-depth", "removed", "Deficit removed after epoch", "lost to blur (source B, factor 7) from the first "),
    ],
)
def test_damage_by_part_says_what_is_swept(name: str, column: str, place: str, caption: str) -> None:
    figure = FIGURES[name]
    (chart,) = figure.charts({part: known(study) for part, study in figure.parts("demo").items()})
    assert chart.columns[:2] == ("part", column)
    assert {layer["encoding"]["x"]["title"] for layer in chart.panels[0].spec["layer"]} == {place}
    assert caption in chart.caption


def test_a_legend_names_arms_of_one_deficit_by_their_options() -> None:
    rsv = rsv_study("demo")
    arms = list(dict.fromkeys(run.arm for run in rsv.runs if run.deficit))
    assert [arm_words(rsv, arm) for arm in arms] == [
        "blur (source B, factor 7)",
        "blur (source A, factor 7)",
        "blur (source B, factor 7) since removal",
    ]
    window = FIGURES["source-window"].parts("demo")["study"]
    assert {arm_words(window, run.arm) for run in window.runs if run.deficit} == {"blur", "blur since removal"}
    early = rsv.deficit.model_copy(update={"when": "before_augment"})  # type: ignore[union-attr]
    raw = rsv.model_dump(mode="json")
    raw["controls"]["deficits"] = [{"name": early.name, **early.model_dump(mode="json")}]
    alike = Study.read(raw, "alike")
    told = {arm_words(alike, run.arm) for run in alike.runs if run.deficit}
    assert len(told) == 3, "where words would not tell arms apart, names do"


@pytest.mark.slow
def test_a_page_of_two_sources() -> None:
    text = page(known(rsv_study("demo")))
    assert "two_view" in text
