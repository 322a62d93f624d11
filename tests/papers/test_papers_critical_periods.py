"""The figures of paper 1: their studies at every scale, their costs, and what is drawn and said of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from critlab._core.errors import StudyError
from critlab.analysis.information.exponential_fit import exponential_fit, rank_correlation
from critlab.analysis.tables.results import Results
from critlab.engine.context import RunOptions
from critlab.papers.registry import FIGURES, find_study
from critlab.report.findings import DamageAt
from critlab.report.page import page
from critlab.report.text.figures.comparisons import comparison_row
from critlab.sequential.loop import run_study_to_answer
from critlab.store import Store
from critlab.study.runs.estimands import named_contrasts
from critlab.study.runs.missing_contrasts import missing_contrasts
from critlab.study.runs.sequential import SequentialSeeds
from critlab.study.runs.tree import build
from critlab.study.study import Study
from synthetic import synthetic_results

NAMES = (
    "removal", "sensitivity", "deficits", "depth", "mnist", "constant-lr", "adam", "weight-decay", "fisher", "layers",
    "gradients", "filters", "regularisation",
)  # fmt: skip


def test_every_figure_of_the_paper_is_there_at_every_scale() -> None:
    assert set(NAMES) <= set(FIGURES)
    for name in NAMES:
        medium = ("medium",) if name in ("removal", "sensitivity") else ()
        assert FIGURES[name].scales == ("paper", *medium, "small", "demo")
        assert FIGURES[name].published
        assert FIGURES[name].default_scale == "small"


def test_figure_1_is_the_papers() -> None:
    study = find_study("removal")
    assert (study.sweep.points, study.data.sizes().train) == (tuple(range(0, 201, 20)), 50_000)  # type: ignore[union-attr]
    assert study.epochs() == 14_300
    assert len(study.seeds) * build(study).epochs == 9_800


def test_medium_is_figure_1_with_all_named_damages_in_1_860_epochs() -> None:
    removal, windows = find_study("removal", "medium"), find_study("sensitivity", "medium")
    assert [len(study.seeds) * build(study).epochs for study in (removal, windows)] == [990, 870]
    for study in (removal, windows):
        assert study.sequential == SequentialSeeds(first=3, most=6)
        assert study.data.sizes().train == 10_000  # type: ignore[union-attr]
        assert study.evaluation.every > 1
        assert not missing_contrasts(study)
    lasting = {"lasting_damage", "delay", "beyond_delay", "harm", "lost_to_schedule", "missed_learning"}
    assert {one.name for one in named_contrasts(removal) if one.at == 40} == lasting
    assert any(run.role == "negative_control" for run in removal.runs)
    assert ("timing", "critical") in {(one.name, one.kind) for one in named_contrasts(windows)}, "at a matched rate"


@pytest.mark.slow
def test_records_without_checkpoints_are_enough_for_finished_seeds(tmp_path: Path) -> None:
    """The medium study in miniature: its seeds are judged from records alone, and another seed is added."""
    medium = find_study("removal", "medium").model_dump(mode="json")
    parts = {
        "data": {**medium["data"], "name": "sample", "train": 64, "test": 60},
        "model": {"name": "all_cnn", "width": 2},
        "sweep": {"kind": "removal", "at": [0, 1, 2, 3], "recovery": 3},
        "controls": {**medium["controls"], "at": [3]},
        "measures": {},
    }
    tiny, larger = (Study.read({**medium, **parts, "seeds": seeds}, "tiny") for seeds in (1, 2))
    means = RunOptions(executor="inline", restore=False)
    done, _, results = run_study_to_answer(tiny, Store(tmp_path / "here"), means, print)
    assert results is not None
    assert done.trained == build(tiny).epochs
    shutil.copytree(tmp_path / "here", tmp_path / "there", ignore=shutil.ignore_patterns("checkpoints"))
    again, _, carried = run_study_to_answer(tiny, Store(tmp_path / "there"), means, print)
    assert carried is not None
    assert (again.trained, again.replayed) == (0, 0)
    assert carried.to_csv() == results.to_csv()
    assert carried.verdict() == results.verdict()
    assert carried.correct == results.correct, "bits of test images"
    more, _, _ = run_study_to_answer(larger, Store(tmp_path / "there"), means, print)
    assert (more.trained, more.replayed) == (build(tiny).epochs, 0)


def test_named_damages_only_add_runs_to_the_figures() -> None:
    for name in NAMES:
        for study in FIGURES[name].parts("demo").values():
            controls = study.controls.model_copy(update={"delay": False, "clocks": study.controls.clocks or ()})
            before = study.model_copy(update={"controls": controls})
            assert build(before).nodes.keys() <= build(study).nodes.keys()
            assert {one.name for one in named_contrasts(study)} & {"harm", "beyond_delay"}


def test_a_part_is_named_behind_its_figure() -> None:
    assert find_study("weight-decay/0.002", "small").optimizer.weight_decay == 0.002
    assert find_study("depth", "demo") == find_study("depth/n=1", "demo")
    with pytest.raises(StudyError, match=r"'0.02' as a part of weight-decay.*0.002"):
        find_study("weight-decay/0.02")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_a_figure_says_and_draws(name: str) -> None:
    """From results that nobody trained: numbers beside the published ones, charts with their tables."""
    found: dict[str, Results] = {}
    for part, study in FIGURES[name].parts("demo").items():
        kind = study.sweep.kind
        places = (0, 5, 20) if kind == "window" else (0, 5, 20, 40)
        found[part] = synthetic_results(4, places, kind=kind, controls={"equal_total": True})
    rows = FIGURES[name].comparisons(found)
    charts = FIGURES[name].charts(found)
    assert all(row.published and row.source and "nan" not in comparison_row(row).ours for row in rows)
    for chart in charts:
        assert chart.rows
        assert chart.alt
        assert all(len(row) == len(chart.columns) for row in chart.rows)


def test_the_comparison_counts_damage_right() -> None:
    results = synthetic_results(5, (0, 5, 10, 20, 40), controls={"equal_total": True})
    last = results.curve().points[-1]
    rows = FIGURES["depth"].comparisons({"n=1": results})
    assert rows[0].ours == DamageAt(last)
    words = comparison_row(rows[0]).ours
    assert words.startswith(f"{100 * last.damage.value:.1f} points")
    assert words.endswith("n = 5, at epoch 40")


def test_demo_and_windows_stand_beside_the_figures() -> None:
    assert {"demo", "sample-windows"} <= set(FIGURES)


@given(
    st.floats(0.1, 10),
    st.floats(-3, 3),
    st.lists(st.floats(-2, 2), min_size=3, max_size=12, unique_by=lambda x: round(x, 3)),
)
def test_an_exponential_is_found_again(amplitude: float, rate: float, x: list[float]) -> None:
    made = exponential_fit(x, list(amplitude * np.exp(rate * np.asarray(x))))
    assert made.amplitude == pytest.approx(amplitude, rel=1e-6)
    assert made.rate == pytest.approx(rate, abs=1e-6)
    if abs(rate) > 0.1:
        assert made.r_squared == pytest.approx(1, abs=1e-6)


def test_the_fit_beside_scipy() -> None:
    from scipy.stats import linregress, spearmanr

    rng = np.random.default_rng(3)
    x, y = rng.normal(size=9), np.exp(rng.normal(size=9))
    x[3] = x[5]
    made, wanted = exponential_fit(list(x), list(y)), linregress(x, np.log(y))
    assert made.rate == pytest.approx(wanted.slope)
    assert made.r_squared == pytest.approx(wanted.rvalue**2)
    assert made.rank_correlation == pytest.approx(spearmanr(x, y).statistic)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        ([1, 2], [1, 2], "at least 3"),
        ([1, 2, 3], [1, 2], "3 and 2"),
        ([1, 1, 1], [1, 2, 3], "same x"),
        ([1, 2, 3], [1, 0, 3], "not positive"),
        ([1, 2, float("nan")], [1, 1, 3], "not finite"),
    ],
)
def test_what_cannot_be_fitted(x: list[float], y: list[float], text: str) -> None:
    with pytest.raises(StudyError, match=text):
        exponential_fit(x, y)


@pytest.mark.slow
def test_a_figures_page_holds_every_part() -> None:
    from critlab.report.findings import Findings

    found = {name: synthetic_results(3, controls={"equal_total": True}) for name in ("n=1", "n=2")}
    figure = FIGURES["depth"]
    findings = Findings(
        "depth", "Do deeper networks suffer more?", figure.source, figure.charts(found), figure.comparisons(found)
    )
    text = page([findings, *found.values()])
    assert "Damage by depth" in text
    assert text.count("Run it again") == 3, "once for the figure and for each part"


def test_filters_are_drawn_as_they_are() -> None:
    from critlab.measures.picture import Picture
    from critlab.papers.critical_periods.information.filters import pictures, roughnesses

    results = synthetic_results(2, (0, 5, 20))
    averaging = np.ones((1, 3, 2, 2), dtype=np.float32)
    edge = np.asarray([[[[1, -1], [1, -1]]] * 3], dtype=np.float32)
    array = np.concatenate([averaging, edge])
    assert roughnesses(array) == [0.0, 1.0]
    assert pictures(results) == []
    kept = {(name, 4, "filter_norm", "block1.conv"): Picture.of(array) for name in results.by_run}
    with_pictures = Results(results.study, results.rows, results.outcomes, results.provenance, kept)
    chart = FIGURES["filters"].charts({"study": with_pictures})[0]
    pixels = chart.panels[0].spec["data"]["values"]
    assert len(pixels) == 2 * 4
    assert {pixel["colour"] for pixel in pixels} == {"#ffffff", "#000000"}
    assert chart.rows[:2] == (("Clean", 0, 0.0), ("Clean", 1, 1.0))
    assert len(chart.panels) == 3
