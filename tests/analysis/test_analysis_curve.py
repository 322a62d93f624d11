"""Curves from the table: pairing by seed, final accuracy, and what becomes of runs that are not there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab._core.errors import StudyError
from critlab.analysis.curve_notes import Diverged, Unfinished
from critlab.analysis.final_score import final_score
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Row, Status
from synthetic import synthetic_results, synthetic_study


def rows(start: int, stop: int, values: list[float]) -> list[Row]:
    return [
        Row("r", "a", 0, "", start, stop, "absolute", e, "test_accuracy", "", v, 0.0)
        for e, v in enumerate(values, start=1)
    ]


TEST = "test_accuracy"


def test_final_score_averages_the_last_epochs() -> None:
    assert final_score(rows(0, 0, [0.1, 0.2, 0.3, 0.4]), 3, TEST) == pytest.approx(0.3)
    assert final_score(rows(0, 0, [0.1, 0.2]), 3, TEST) == pytest.approx(0.15)


def test_final_score_takes_clean_epochs_only() -> None:
    assert final_score(rows(0, 3, [0.1, 0.1, 0.1, 0.5, 0.7]), 3, TEST) == pytest.approx(0.6)
    assert final_score(rows(0, 5, [0.1, 0.1, 0.1, 0.2, 0.6]), 3, TEST) == pytest.approx(0.3)  # never removed
    assert final_score(rows(4, 4, [0.1, 0.1, 0.1, 0.5, 0.9]), 3, TEST) == pytest.approx(0.5)  # restarted control


def test_final_score_without_rows() -> None:
    assert final_score([], 3, TEST) is None
    assert final_score(rows(0, 0, [0.1]), 3, "train_accuracy") is None


def test_damage_is_paired_by_seed_and_the_control_is_the_first_point() -> None:
    results = synthetic_results(noise=0.02)
    curve = results.curve()
    assert [point.at for point in curve] == [0, 5, 10, 20, 40]
    assert {point.n for point in curve} == {5}
    control, point = curve.points[0], curve.points[3]
    assert (control.damage.value, control.low, control.high) == (0, 0, 0)
    for seed, clean in zip(point.seeds, control.seeds, strict=True):
        assert seed.control == clean.accuracy
        assert seed.damage == clean.accuracy - seed.accuracy
    mean = sum(s.damage for s in point.seeds) / 5
    assert point.damage.value == pytest.approx(mean)
    assert point.low is not None
    assert point.high is not None
    assert point.low < mean < point.high


def test_arms_and_controls_by_name() -> None:
    results = synthetic_results()
    assert [p.at for p in results.curve("vertical_flip")] == [0, 5, 10, 20, 40]
    plain = results.curve("blur since_removal", "plain").points[-1]
    restarted = results.curve("blur since_removal", "restarted").points[-1]
    assert plain.accuracy == restarted.accuracy
    assert plain.control != restarted.control
    with pytest.raises(StudyError, match="must be one of blur, vertical_flip, blur since_removal"):
        results.curve("blurr")
    with pytest.raises(StudyError, match="the runs of blur have first, plain"):
        results.curve(against="restarted")
    with pytest.raises(StudyError, match="must be one of first"):
        results.curve(against="best")


def test_a_window_curve_has_a_control_of_its_own_at_every_onset() -> None:
    curve = synthetic_results(kind="window", at=(0, 4, 8)).curve()
    assert [point.at for point in curve.tested] == [0, 4, 8]
    assert curve.points[0].control != curve.points[1].control


def test_diverged_runs_are_counted_and_said() -> None:
    curve = synthetic_results(
        status={
            "blur-0-40-of-48-seed1": "diverged",
            "blur-0-5-of-13-seed0": "failed",
            "control-of-8-seed4": "diverged",
        }
    ).curve()
    first, last = curve.points[1], curve.points[-1]
    assert (last.n, last.diverged, last.missing) == (3, 1, 1)
    assert (first.n, first.diverged, first.missing) == (3, 0, 2)
    assert Diverged(2) in curve.notes
    assert Unfinished(5) in curve.notes


def test_points_without_any_seed_are_gaps() -> None:
    gone: dict[str, Status] = {f"blur-0-40-of-48-seed{seed}": "diverged" for seed in range(5)}
    curve = synthetic_results(status=gone).curve()
    assert [gap.at for gap in curve.gaps] == [40]
    assert curve.rows()[-1] == {
        **dict.fromkeys(curve.rows()[0]),
        "arm": "blur",
        "at": 40,
        "n": 0,
        "diverged": 5,
        "missing": 0,
    }


def test_results_without_rows_and_one_seed_are_plain_json() -> None:
    results = synthetic_results(1)
    json.dumps(results.curve().rows(), allow_nan=False)
    assert results.curve().points[1].low is None
    empty = Results(results.study, (), results.outcomes)
    assert len(empty.curve()) == 0
    assert [gap.at for gap in empty.curve().gaps] == [0, 5, 10, 20, 40]


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-0.3, 0.05), noise=st.floats(0, 0.05))
def test_a_constant_added_to_all_accuracies_changes_no_damage(shift: float, noise: float) -> None:
    here, there = (synthetic_results(3, (0, 5, 10), noise=noise, accuracy=0.85 + by).curve() for by in (0.0, shift))
    for one, other in zip(here, there, strict=True):
        assert one.damage.value == pytest.approx(other.damage.value, abs=1e-12)
        assert one.low == pytest.approx(other.low, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.permutations([0, 1, 2, 7]))
def test_the_order_of_seeds_does_not_matter(seeds: list[int]) -> None:
    expected, got = synthetic_results([0, 1, 2, 7]), synthetic_results(seeds)
    assert got.curve().points == expected.curve().points
    assert got.verdict() == expected.verdict()


def test_never_stays_out_of_the_test() -> None:
    curve = synthetic_results(at=(0, 5, "never")).curve()
    assert [point.at for point in curve] == [0, 5, "never"]
    assert [point.at for point in curve.tested] == [5]
    assert synthetic_study(at=(0, 5, "never")).runs
