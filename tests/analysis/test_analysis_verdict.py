"""Verdicts, their closing epochs and their confounds, on studies whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from critlab.analysis.confounds.learning_rate import ConstantRate, DecayedRate, OnsetRate, OtherSchedule
from critlab.analysis.judgement.damages import Damage, damages_of, length_contrasts
from critlab.analysis.judgement.verdict import Confound, Gain, Verdict
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Status
from critlab.report.text.judgement.damages import damage_name
from critlab.report.text.judgement.verdict import verdict_lines
from critlab.study import RemovalSweep, WindowSweep
from critlab.study.runs.estimands import named_contrasts
from critlab.study.runs.tree import build
from synthetic import falling, saturating, synthetic_results, synthetic_study
from verdict_cases import by_errors, cases, clear_alone

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


def damage(verdict: Verdict, name: str, at: int) -> Damage:
    return next(one for one in verdict.damages if (one.name, one.at) == (name, at))


def test_present_names_what_shows_it_and_by_how_much() -> None:
    verdict = synthetic_results().verdict()
    assert verdict.answer == "present"
    first = verdict.evidence[0]
    assert (first.name, first.at, first.n) == ("beyond_delay", 40, 5)
    assert first.adjusted_p is not None
    assert first.adjusted_p < 0.025
    assert {one.name for one in verdict.evidence} == {"beyond_delay", "harm"}
    assert all(one.kind == "critical" for one in verdict.evidence)
    assert verdict.largest is not None
    assert (verdict.largest.name, verdict.largest.at) == ("lasting_damage", 40)
    assert verdict.largest.estimate == pytest.approx(0.056, abs=0.001)
    assert verdict.lines()[0].startswith("Present: beyond delay of 3.7 points")
    assert verdict.lines() == verdict_lines(verdict)


@pytest.mark.parametrize(
    "study",
    [
        {},
        {"kind": "window"},
        {"damage": never, "noise": 0.001},
        {"restarted": never, "noise": 0.0005, "delayed": saturating()},
        {"noise": 0.02},
    ],
    ids=["present", "window", "absent", "damage only", "undecided"],
)
def test_the_share_of_wrong_answers_gives_the_verdict_of_the_share_of_right_ones(study: dict[str, Any]) -> None:
    results = synthetic_results(4, **study)
    right, wrong = results.verdict(), by_errors(results).verdict()
    assert (wrong.answer, wrong.reasons) == (right.answer, right.reasons)
    assert [type(one) for one in wrong.guards] == [type(one) for one in right.guards]
    for one, other in zip(right.damages, wrong.damages, strict=True):
        numbers = (other.estimate, other.low, other.high, other.adjusted_p)
        assert numbers == pytest.approx((one.estimate, one.low, one.high, one.adjusted_p))
        assert (other.exceeds, other.bounded, other.helps) == (one.exceeds, one.bounded, one.helps)
    for confound, turned in zip(right.confounds, wrong.confounds, strict=True):
        assert (confound.share is None) == (turned.share is None)
        if confound.share is not None and turned.share is not None:
            assert (turned.share.low, turned.share.high) == pytest.approx((confound.share.low, confound.share.high))


def test_it_is_judged_once() -> None:
    results = synthetic_results(3, (0, 5))
    assert results.verdict() is results.verdict()


def test_a_named_damage_is_its_contrast() -> None:
    results = synthetic_results()
    found = damage(results.verdict(), "harm", 40)
    finals = {name: pair[0] for name, pair in results.final_scores.items()}
    for seed, value in found.seeds.items():
        newborn, deprived = finals[f"control-of-8-seed{seed}"], finals[f"blur-since_removal-0-40-of-48-seed{seed}"]
        assert value == pytest.approx(newborn - deprived)
    assert found.low is not None
    assert found.estimate is not None
    assert found.high is not None
    assert found.upper is not None
    assert found.low < found.estimate < found.upper < found.high


def test_damages_are_computed_for_arrays_of_studies() -> None:
    accuracies = {"clean": np.array([[0.9, 0.8], [0.7, np.nan]]), "run": np.array([[0.8, 0.75], [0.7, 0.7]])}
    found = damages_of(((1, "clean"), (-1, "run")), accuracies)
    np.testing.assert_allclose(found, [[0.1, 0.05], [0.0, np.nan]])


@pytest.mark.parametrize("state", range(20))
def test_present_agrees_with_the_displayed_interval(state: int) -> None:
    verdict = synthetic_results(4, (0, 5), lambda at: 0.025, 0.006, random_state=state).verdict()
    critical = [one for one in verdict.damages if one.kind == "critical"]
    assert (verdict.answer == "present") == any(one.low is not None and one.low > 0.01 for one in critical)


def test_damage_that_lost_time_and_schedule_explain_is_damage_only() -> None:
    verdict = synthetic_results(restarted=never, delayed=saturating()).verdict()
    assert verdict.answer == "damage_only"
    assert all(one.bounded for one in verdict.critical)
    assert verdict.evidence[0].name == "lasting_damage"
    assert verdict.lines()[0].startswith("Damage only: lasting damage of 5.6 points")


@pytest.mark.parametrize("controls", [{}, {"clocks": ["since_removal"]}, {"delay": True}])
def test_a_study_without_a_control_cannot_decide(controls: Any) -> None:
    verdict = synthetic_results(controls=controls, restarted=never, delayed=saturating()).verdict()
    assert verdict.answer == "undecided"
    assert "missing_control" in verdict.reasons
    assert {one.name for one in verdict.missing} == {"harm", "beyond_delay"} - {one.name for one in verdict.critical}
    assert not verdict.seeds_may_decide
    (text,) = [line for line in verdict.lines() if "this study cannot decide" in line]
    assert "To measure" in text
    for one in verdict.missing:
        assert f"{one.epochs} epochs for each seed, {5 * one.epochs} in all" in text


def test_controls_at_other_points_than_the_damage_cannot_decide() -> None:
    controls = {"deficits": [{"name": "vertical_flip"}], "clocks": ["since_removal"], "delay": True, "at": [5]}
    verdict = synthetic_results(damage=lambda at: 0.05 * (at == 40), noise=0.001, controls=controls).verdict()
    assert verdict.answer == "undecided"
    (missing,) = verdict.missing
    assert (missing.key, missing.at) == ("controls.at", 40)
    assert missing.epochs > 0
    assert shown(named(verdict, "learning rate")).effect is None
    assert named(verdict, "learning rate").at == (40,)


def test_absent_when_every_interval_is_below() -> None:
    verdict = synthetic_results(damage=never, noise=0.001).verdict()
    assert verdict.answer == "absent"
    assert verdict.closing is None
    assert [one.name for one in verdict.confounds] != [], "what else was compared is shown for absent too"


@pytest.mark.slow
def test_longer_training_that_helps_is_never_absent() -> None:
    quiet: dict[str, Any] = {"damage": never, "noise": 0.001}
    verdict = synthetic_results(**quiet, gain=lambda epochs: 0.002 * epochs).verdict()
    assert verdict.answer == "undecided"
    assert verdict.reasons == ("length",)
    (missing,) = verdict.missing
    assert (missing.name, missing.key) == ("equal_total", "controls.equal_total")
    equal = {"clocks": ["since_removal"], "delay": True, "equal_total": True}
    against = synthetic_results(**quiet, gain=lambda epochs: 0.002 * epochs, controls=equal).verdict()
    assert against.answer == "damage_only", "compared with clean runs of equal length, the time is lost"
    assert against.evidence[0].name == "equal_total"
    assert synthetic_results(**quiet, controls=equal).verdict().answer == "absent"


def test_which_contrasts_show_what_longer_training_is_worth() -> None:
    def found(**study: Any) -> list[tuple[str, Any]] | None:
        asked = synthetic_study(**study)
        contrasts = named_contrasts(asked)
        places = length_contrasts(contrasts, {run.name: run.total for run in asked.runs})
        return None if places is None else [(contrasts[place].name, contrasts[place].at) for place in places]

    both = {"clocks": ["since_removal"], "delay": True}
    assert found(controls={**both, "at": [40]}) == [("missed_learning", 40)]
    assert found(controls={**both, "at": [5]}) is None, "what 5 epochs are worth does not bound what 40 are"
    assert found(controls={}) is None
    assert found(controls={**both, "equal_total": True}) == []
    assert found(kind="window") == [], "all runs are as long as their controls"


def test_absent_needs_the_longest_length_and_more_seeds_may_bound_it() -> None:
    quiet: dict[str, Any] = {"damage": never, "noise": 0.0005}
    early = {"clocks": ["since_removal"], "delay": True, "at": [5]}
    verdict = synthetic_results(**quiet, gain=lambda epochs: 0.002 * epochs, controls=early).verdict()
    assert (verdict.answer, verdict.reasons) == ("undecided", ("length",))
    barely = synthetic_results(**quiet, gain=lambda epochs: 0.0086 * (epochs == 40)).verdict()
    assert (barely.answer, barely.reasons) == ("undecided", ("length", "noise"))
    assert [one.key for one in barely.missing] == ["controls.equal_total"]
    assert barely.seeds_may_decide
    assert barely.seeds_needed is not None
    assert barely.seeds_needed > 6


def test_absent_needs_a_critical_damage_where_controls_stand_by_default() -> None:
    early = {"clocks": ["since_removal"], "delay": True, "equal_total": True}
    quiet: dict[str, Any] = {"damage": never, "noise": 0.0005}
    assert synthetic_results(**quiet, controls={**early, "at": [5, 40]}).verdict().answer == "absent"
    verdict = synthetic_results(**quiet, controls={**early, "at": [5]}).verdict()
    assert (verdict.answer, verdict.reasons) == ("undecided", ("missing_control",))
    (missing,) = verdict.missing
    assert (missing.key, missing.at) == ("controls.at", 40)
    assert "add the point 40 to at in [controls]" in verdict.lines()[0]


def test_damage_that_is_clear_alone_but_not_together_asks_for_seeds() -> None:
    verdict = clear_alone().verdict()
    assert any(one.exceeds for one in verdict.lasting)
    assert all(one.bounded for one in verdict.critical)
    assert (verdict.answer, verdict.reasons) == ("undecided", ("together",))
    assert verdict.seeds_may_decide
    assert "Adjusted over the damages at equal length too, it does not decide." in verdict.lines()[0]


def test_more_seeds_may_still_show_a_critical_period_where_a_run_diverged() -> None:
    gone: dict[str, Status] = {"blur-0-40-of-48-seed1": "diverged"}
    open_yet = synthetic_results(3, noise=0.02, status=gone).verdict()
    assert "diverged" in open_yet.reasons
    assert open_yet.seeds_may_decide
    assert not synthetic_results(damage=never, noise=0.001, status=gone).verdict().seeds_may_decide


@pytest.mark.slow
def test_undecided_names_what_would_have_been_seen_and_what_would_decide() -> None:
    verdict = synthetic_results(3, noise=0.02).verdict()
    assert verdict.answer == "undecided"
    assert verdict.reasons == ("noise",)
    assert verdict.detectable_last is not None
    assert verdict.detectable_everywhere is not None
    assert 0.03 < verdict.detectable_everywhere < verdict.detectable_last
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed > 3
    assert verdict.seeds_may_decide
    more = synthetic_results(verdict.seeds_needed, noise=0.02).verdict()
    assert more.answer == "present"


def test_the_damage_that_more_seeds_would_hardly_decide_is_named() -> None:
    verdict = synthetic_results(damage=never, noise=0.04).verdict()
    assert (verdict.answer, verdict.seeds_needed, verdict.reasons) == ("undecided", None, ("noise",))
    hardest = verdict.hardest
    assert hardest is not None
    largest = max(verdict.lasting, key=lambda one: one.estimated)
    assert largest.estimated > 0.01, "so every critical damage must be shown to lie below it, and this one above"
    claims = [largest, *(one for one in verdict.damages if one.kind == "critical")]
    distances = [abs(one.estimated - 0.01) / one.stderr for one in claims if one.stderr]
    assert abs(hardest.estimated - 0.01) / (hardest.stderr or 1) == min(distances)
    text = (
        f"Even 100 seeds would hardly decide: {damage_name(hardest)}, removal epoch {hardest.at}, differs from the "
        f"smallest damage of interest by {100 * abs(hardest.estimated - 0.01):.1f} points, and its standard error is "
    )
    assert text in verdict.lines()[0]
    assert synthetic_results(3, noise=0.02).verdict().hardest is None


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_decide_nothing(seeds: int) -> None:
    verdict = synthetic_results(seeds, noise=1e-5).verdict()
    assert verdict.answer == "undecided"
    assert verdict.reasons == ("few_seeds",)
    assert verdict.evidence == ()
    assert verdict.seeds_needed == verdict.minimum_seeds == 3


def test_a_benefit_is_said() -> None:
    verdict = synthetic_results(damage=lambda at: -0.03).verdict()
    gains = [note for note in verdict.notes if isinstance(note, Gain)]
    assert [gain.damage.at for gain in gains] == [5, 10, 20, 40]
    assert all(gain.damage.estimate is not None and gain.damage.estimate < 0 for gain in gains)


@pytest.mark.slow
def test_a_diverged_run_forbids_absent_and_damage_only() -> None:
    gone: dict[str, Status] = {"blur-0-40-of-48-seed3": "diverged"}
    for options in ({"damage": never, "noise": 0.001}, {"restarted": never, "delayed": saturating()}):
        assert synthetic_results(**options).verdict().answer in ("absent", "damage_only")
        verdict = synthetic_results(**options, status=gone).verdict()
        assert verdict.answer == "undecided"
        assert verdict.reasons == ("diverged",)
        assert damage(verdict, "lasting_damage", 40).diverged == 1


@pytest.mark.slow
def test_one_seed_that_fails_forbids_absent() -> None:
    results = next(found for name, found in cases() if name == "worst seed")
    verdict = results.verdict()
    assert verdict.reasons == ("worst_seed",)
    assert all(one.bounded for one in verdict.damages if one.kind != "context")


def test_an_unfinished_study_is_running_and_says_what_is_left() -> None:
    everything = [run.identifier(seed) for run in synthetic_study().runs for seed in range(5)]
    verdict = synthetic_results(status=dict.fromkeys(everything, "missing")).verdict()
    assert verdict.answer == "running"
    assert verdict.epochs_left == 5 * build(synthetic_study()).epochs
    assert verdict.largest is None
    one = synthetic_results(status={"blur-0-40-of-48-seed1": "missing"}).verdict()
    assert (one.answer, one.epochs_left) == ("running", 8), "the epochs under the deficit are those of a finished run"
    assert "1,272 of 1,280 epochs are trained" in one.lines()[0]


@pytest.mark.parametrize("state", ["failed", "diverged"])
def test_nothing_done_is_survived(state: Any) -> None:
    names = [run.identifier(seed) for run in synthetic_study().runs for seed in range(5)]
    verdict = synthetic_results(status=dict.fromkeys(names, state)).verdict()
    assert verdict.answer == "undecided"
    assert verdict.largest is None
    assert verdict.reasons == ("no_pair",)


def test_what_waits_for_a_failed_run_is_not_left_to_train() -> None:
    verdict = synthetic_results(
        status={"blur-0-40-of-48-seed1": "failed", "blur-0-20-of-28-seed1": "missing"}
    ).verdict()
    assert verdict.answer == "running", "the recovery of the other run does not wait"
    assert verdict.epochs_left > 0


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
    assert Results(results.study, (), ()).verdict().answer == "undecided"
    assert synthetic_results(at=(0,)).verdict().reasons == ("no_point",)
    assert Results(results.study, (), ()).verdict().reasons == ("no_pair",)


def test_confounds_are_shares_with_intervals() -> None:
    verdict = synthetic_results(train_share=0.5, negative=lambda at: 0.03, noise=0.002).verdict()
    for name, truth in (("learning rate", 0.5), ("training accuracy", 0.5), ("delay", 0.25)):
        share = named(verdict, name).share
        assert share is not None, name
        assert share.low < truth < share.high, name
        assert share.high - share.low < 0.3, name
    flip = named(verdict, "negative control vertical_flip")
    assert flip.effect is not None
    assert flip.damage is not None
    assert flip.share is not None
    assert flip.share.estimate == pytest.approx(flip.effect.mean / flip.damage.mean)
    (line,) = [line for line in verdict.lines() if line.startswith("delay:")]
    assert "The lost time accounts for" in line


def test_a_share_of_an_uncertain_damage_is_not_bounded() -> None:
    verdict = synthetic_results(3, damage=lambda at: 0.002, noise=0.02).verdict()
    share = named(verdict, "learning rate").share
    assert share is not None
    assert not share.bounded
    assert named(synthetic_results(2).verdict(), "learning rate").share is None


def test_the_learning_rate_of_a_study_without_other_schedules() -> None:
    verdict = synthetic_results(controls={}).verdict()
    found = named(verdict, "learning rate")
    assert isinstance(found, DecayedRate)
    assert found.left == pytest.approx(0.9**40)
    constant = synthetic_results(controls={}, optimizer={"lr_decay": 1.0}).verdict()
    assert isinstance(named(constant, "learning rate"), ConstantRate)


def test_equal_total_and_own_restart() -> None:
    equal = synthetic_results(controls={"equal_total": True}).verdict()
    share = named(equal, "equal total").share
    assert share is not None
    assert share.low < 0 < share.high
    own = synthetic_results(optimizer={"clock": "since_removal"}, controls={}).verdict()
    assert shown(named(own, "learning rate")).twin is not None
    assert named(own, "learning rate").share is None


def test_timing_counts_only_at_a_matched_rate() -> None:
    at = (0, 4, 8, 16)
    early = synthetic_results(kind="window", at=at, controls={}).verdict()
    timing = damage(early, "timing", 0)
    assert (timing.kind, timing.other) == ("context", 16)
    assert early.answer == "undecided", "a decayed learning rate explains late windows that cost less"
    assert "timing" in {one.name for one in early.missing}
    assert isinstance(named(early, "learning rate at the onset"), OnsetRate)
    constant: dict[str, Any] = {"kind": "window", "at": at, "optimizer": {"clock": "constant"}}
    matched = synthetic_results(controls={"delay": True}, **constant).verdict()
    assert matched.answer == "present"
    assert "timing" in {one.name for one in matched.evidence}
    untold = synthetic_results(controls={}, **constant).verdict()
    assert untold.answer == "undecided", "without frozen runs lost time may explain it"
    assert ("timing", "controls.delay") in {(one.name, one.key) for one in untold.missing}
    flat = synthetic_results(damage=lambda at: 0.05, noise=0.001, controls={"delay": True}, **constant).verdict()
    assert "timing" not in {one.name for one in flat.evidence}
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
