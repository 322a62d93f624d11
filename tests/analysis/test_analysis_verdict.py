"""Verdicts, their closing epochs and their confounds, on studies whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from critlab.analysis.confounds.learning_rate import DecayedRate, OtherSchedule
from critlab.analysis.results import Results
from critlab.analysis.table import Status
from critlab.analysis.verdict import Confound, Gain, Verdict
from critlab.report.text.verdict import verdict_lines
from critlab.study import RemovalSweep, WindowSweep
from synthetic import falling, saturating, synthetic_results, synthetic_study

SWEEPS = {
    "removal": RemovalSweep(at=(0, 10), recovery=1),
    "window": WindowSweep(onsets=(0, 10), length=1, recovery=1),
}


def named(verdict: Verdict, name: str) -> Confound:
    return next(confound for confound in verdict.confounds if confound.name == name)


def shown(confound: Confound) -> OtherSchedule:
    assert isinstance(confound, OtherSchedule)
    return confound


def never(at: int) -> float:
    return 0.0


def test_present_with_its_numbers() -> None:
    verdict = synthetic_results().verdict()
    assert verdict.answer == "present"
    (worst,) = [point for point in verdict.damaged if point.at == 40]
    assert (round(worst.damage.value, 3), worst.n) == (0.056, 5)
    assert verdict.p_value is not None
    assert verdict.p_value < 0.025
    assert verdict.largest is not None
    assert verdict.largest.at == 40
    assert verdict.lines()[0].startswith("Present: blur until epoch 40 costs ")
    assert verdict.lines() == verdict_lines(verdict)


def test_present_agrees_with_the_displayed_interval() -> None:
    for state in range(40):
        verdict = synthetic_results(4, (0, 5), lambda at: 0.025, 0.006, random_state=state).verdict()
        assert verdict.largest is not None
        assert verdict.largest.low is not None
        assert (verdict.answer == "present") == (verdict.largest.low > 0.01)


def test_absent_when_every_interval_is_below() -> None:
    verdict = synthetic_results(damage=never, noise=0.001).verdict()
    assert verdict.answer == "absent"
    assert verdict.closing is None
    assert verdict.confounds == ()


def test_inconclusive_names_what_would_have_been_seen() -> None:
    verdict = synthetic_results(damage=never, noise=0.02).verdict()
    assert verdict.answer == "inconclusive"
    assert verdict.minimum_detectable is not None
    assert verdict.minimum_detectable > 0.03
    assert verdict.reasons == ()


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_decide_nothing(seeds: int) -> None:
    verdict = synthetic_results(seeds, noise=1e-5).verdict()
    assert verdict.answer == "inconclusive"
    assert verdict.reasons == ("few_seeds",)
    assert verdict.p_value is None
    assert verdict.minimum_seeds == 3


def test_a_benefit_is_said() -> None:
    verdict = synthetic_results(damage=lambda at: -0.03).verdict()
    assert verdict.answer == "absent"
    gains = [note for note in verdict.notes if isinstance(note, Gain)]
    assert [gain.at for gain in gains] == [5, 10, 20, 40]
    assert all(gain.effect.low is not None and gain.effect.low > 0 for gain in gains)


def test_a_diverged_run_forbids_absent() -> None:
    flat: dict[str, Any] = {"damage": never, "noise": 0.001}
    assert synthetic_results(**flat).verdict().answer == "absent"
    verdict = synthetic_results(**flat, status={"blur-0-40-of-48-seed3": "diverged"}).verdict()
    assert verdict.answer == "inconclusive"
    assert verdict.reasons == ("diverged",)


@pytest.mark.parametrize("state", ["missing", "failed", "diverged"])
def test_nothing_done_is_survived(state: Any) -> None:
    names = [run.identifier(seed) for run in synthetic_study().runs for seed in range(5)]
    verdict = synthetic_results(status=dict.fromkeys(names, state)).verdict()
    assert verdict.answer == "inconclusive"
    assert verdict.largest is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["removal", "window"])
def test_any_half_done_study_has_a_verdict(kind: Any) -> None:
    study = synthetic_study(4, kind=kind)
    names = [run.identifier(seed) for run in study.runs for seed in study.seeds]
    random = np.random.default_rng(1)
    for _ in range(10):
        left: dict[str, Status] = {name: "missing" for name in names if random.random() < 0.5}
        assert all(synthetic_results(4, kind=kind, status=left).verdict().lines())


def test_no_rows_and_no_points() -> None:
    results = synthetic_results()
    assert Results(results.study, (), ()).verdict().answer == "inconclusive"
    assert synthetic_results(at=(0,)).verdict().reasons == ("no_point",)
    assert Results(results.study, (), ()).verdict().reasons == ("no_pair",)


def test_clear_confounds() -> None:
    verdict = synthetic_results(restarted=saturating()).verdict()
    names = ["training accuracy", "negative control vertical_flip", "learning rate"]
    assert [named(verdict, name).status for name in names] == ["clear"] * 3
    effect = named(verdict, "negative control vertical_flip").effect
    assert effect is not None
    assert effect.low is not None
    assert effect.high is not None
    assert effect.low < effect.estimate.value < effect.high
    assert effect.n == 5


def test_suspect_confounds() -> None:
    verdict = synthetic_results(train_share=0.9, negative=saturating(), restarted=never).verdict()
    assert named(verdict, "training accuracy").status == "suspect"
    assert named(verdict, "negative control vertical_flip").status == "suspect"
    assert shown(named(verdict, "learning rate")).conclusion == "explains"
    partly = named(synthetic_results().verdict(), "learning rate")
    assert partly.status == "suspect"
    assert shown(partly).conclusion == "explains_part"


def test_unknown_clock_says_how_to_find_out() -> None:
    verdict = synthetic_results(controls={}).verdict()
    assert named(verdict, "learning rate").status == "unknown"
    assert isinstance(named(verdict, "learning rate"), DecayedRate)
    constant = synthetic_results(controls={}, optimizer={"lr_decay": 1.0}).verdict()
    assert named(constant, "learning rate").status == "clear"


def test_controls_at_other_points_are_unknown() -> None:
    # the damage at 40 alone is tested as significant; the flip was run at 5 only
    controls = {"deficits": [{"name": "vertical_flip"}], "clocks": ["since_removal"], "at": [5]}
    verdict = synthetic_results(damage=lambda at: 0.05 * (at == 40), controls=controls).verdict()
    assert named(verdict, "negative control vertical_flip").status == "unknown"
    assert shown(named(verdict, "learning rate")).conclusion == "no_results"
    assert named(verdict, "learning rate").at == (40,)


def test_equal_total_and_own_restart() -> None:
    equal = synthetic_results(controls={"equal_total": True}).verdict()
    assert named(equal, "equal total").status == "clear"
    own = synthetic_results(optimizer={"clock": "since_removal"}, controls={}).verdict()
    assert shown(named(own, "learning rate")).twin is not None
    assert named(own, "learning rate").status == "clear"


def test_window_sweeps_ask_about_timing_and_onset() -> None:
    early = synthetic_results(kind="window", at=(0, 4, 8, 16)).verdict()
    assert early.lines()[0].startswith("Present: blur from epoch 0 costs")
    assert named(early, "timing").status == "clear"
    assert named(early, "learning rate at the onset").status == "suspect"
    flat = synthetic_results(kind="window", at=(0, 4, 8, 16), damage=lambda at: 0.05, noise=0.002).verdict()
    assert named(flat, "timing").status == "suspect"
    assert flat.closing is not None
    assert flat.closing.open_ended


def test_half_maximum_by_hand() -> None:
    at = np.array([0.0, 10, 20, 40])
    assert SWEEPS["removal"].half_maximum(at, np.array([0, 0.01, 0.03, 0.04])) == pytest.approx(15)
    assert SWEEPS["window"].half_maximum(at, np.array([0.01, 0.04, 0.03, 0.01])) == pytest.approx(30)
    assert SWEEPS["window"].half_maximum(at, np.array([0.04, 0.04, 0.03, 0.03])) == math.inf
    assert np.isnan(SWEEPS["removal"].half_maximum(at, np.array([0, -0.1, -0.1, 0])))


@pytest.mark.parametrize(
    ("damage", "truth"),
    [(lambda at: 0.05 * (at > 10), 12.5), (lambda at: 0.05 / (1 + math.exp(-(at - 16) / 3)), 16)],
    ids=["step", "sigmoid"],
)
def test_the_closing_is_where_the_truth_is(damage: Any, truth: float) -> None:
    closing = synthetic_results(8, range(0, 41, 5), damage, 0.002, controls={}).verdict().closing
    assert closing is not None
    assert not closing.open_ended
    assert closing.low is not None
    assert closing.high is not None
    assert closing.low <= closing.epoch <= closing.high
    assert closing.epoch == pytest.approx(truth, abs=1.5)


def test_a_curve_that_still_rises_is_open_ended() -> None:
    closing = synthetic_results(5, range(0, 41, 5), lambda at: 0.002 * at, 0.001, controls={}).verdict().closing
    assert closing is not None
    assert closing.open_ended
    assert "still rises" in closing.open_reason


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["removal", "window"])
def test_the_interval_of_the_closing_covers(kind: Any) -> None:
    at = (0, 4, 8, 12, 16, 24)
    damage = saturating(0.06, 6.0) if kind == "removal" else falling(0.06, 8.0)
    truth = float(SWEEPS[kind].half_maximum(np.array(at, float), np.array([damage(a) for a in at])))
    covered, studies = 0, 60
    for state in range(studies):
        results = synthetic_results(
            5, at, damage, 0.006, kind=kind, controls={}, random_state=state, length=1, recovery=4
        )
        closing = results.verdict().closing
        assert closing is not None
        assert closing.low is not None
        covered += closing.low <= truth <= (closing.high or math.inf)
    print(f"closing interval, {kind}: covers {covered} of {studies}")
    assert covered >= 0.85 * studies
