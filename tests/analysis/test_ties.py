"""Seeds that agree: every interval that is quoted has the floor of the named damages, and no other interval has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from critlab.analysis.confounds.learning_rate import OtherSchedule
from critlab.analysis.curve import curve
from critlab.analysis.effects.class_damage import class_damages
from critlab.analysis.effects.control_comparison import compare_to_control, through_training
from critlab.analysis.judgement.decision import Family, decide
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.statistics import Summary, scale_of, summarise
from critlab.analysis.statistics.ratio import Share, share
from critlab.analysis.tables.results import Results
from critlab.analysis.test_images import least_sd
from critlab.engine.records.examples_record import ExamplePictures
from critlab.learning_tasks.metric import ACCURACY
from critlab.measures.correct_images import CorrectImages
from critlab.report.charts.moments import moments
from synthetic import synthetic_results
from verdict_cases import EVERY_CONTROL, Unsized, by_errors

IMAGES = 1000
OF_DAMAGE = math.sqrt(2) / (2 * IMAGES)
T = 4.302652729749464
"""Student's t of 2 degrees of freedom at 97.5 %."""


def tied(**changed: Any) -> Results:
    """Three seeds that agree in every run; training accuracy shows half of the damage."""
    return synthetic_results(3, noise=0.0, train_share=0.5, **changed)


def quoted(verdict: Verdict) -> Iterator[Summary | Share | None]:
    """Every mean and share of the confounds."""
    for one in verdict.confounds:
        yield from (one.effect, one.damage, one.share)
        yield from (getattr(one, name, None) for name in ("excess", "removed", "twin"))


def widths(verdict: Verdict) -> list[float]:
    return [one.high - one.low for one in quoted(verdict) if one is not None and one.low is not None]  # type: ignore[operator]


def test_the_floor_of_a_mean_by_hand() -> None:
    found = summarise([0.02, 0.02, 0.02], 0.003)
    half = T * 0.003 / math.sqrt(3)
    assert (found.sd, found.low, found.high) == pytest.approx((0.003, 0.02 - half, 0.02 + half))
    assert summarise([0.01, 0.02, 0.03], 0.003) == summarise([0.01, 0.02, 0.03]), "an ordinary interval stays"
    assert summarise([0.02], 0.003) == summarise([0.02]), "one seed has no interval"


def test_the_floor_of_a_share_by_hand() -> None:
    part, whole, floor = 0.01, 0.04, 0.003
    found = share([part] * 3, [whole] * 3, floor)
    # (part - r whole)^2 = t^2 floor^2 (1 + r^2) / 3, errors being independent
    for limit in (found.low, found.high):
        assert (part - limit * whole) ** 2 == pytest.approx(T**2 * floor**2 * (1 + limit**2) / 3)
    assert found.low < found.estimate < found.high
    one, other = share([part] * 3, [whole] * 3, (0.0, floor)), share([part] * 3, [whole] * 3, (floor, 0.0))
    assert (part - one.high * whole) ** 2 == pytest.approx(T**2 * floor**2 * one.high**2 / 3)
    assert (part - other.high * whole) ** 2 == pytest.approx(T**2 * floor**2 / 3)
    values = [0.01, 0.03, 0.02], [0.05, 0.08, 0.06]
    assert share(*values, floor) == share(*values), "an ordinary interval stays"


def test_a_damage_has_the_same_error_wherever_it_is_quoted() -> None:
    verdict = tied().verdict()
    named = next(one for one in verdict.damages if one.name == "delay")
    confound = next(one for one in verdict.confounds if one.name == "delay")
    effect = confound.effect
    assert effect is not None
    assert effect.sd == pytest.approx(OF_DAMAGE)
    assert effect.estimate.stderr == pytest.approx(named.stderr)
    assert (effect.low, effect.high) == (named.low, named.high)


@pytest.mark.parametrize("turned", [False, True])
def test_no_confound_of_tied_seeds_has_zero_width(turned: bool) -> None:
    results = tied(controls=EVERY_CONTROL)
    verdict = (by_errors(results) if turned else results).verdict()
    assert {"delay", "equal total", "training accuracy"} < {one.name for one in verdict.confounds}
    assert len(widths(verdict)) > 20
    assert min(widths(verdict)) > 1e-4
    effects = [note for note in verdict.notes if hasattr(note, "against_intervened")]
    assert effects
    assert all(one.effect.sd == pytest.approx(OF_DAMAGE) for one in effects)  # type: ignore[union-attr]
    assert widths(verdict) == pytest.approx(widths(results.verdict()))


def test_a_schedule_with_clean_runs_of_its_own_has_the_floor_of_four_runs() -> None:
    found = tied(controls=EVERY_CONTROL).verdict().confounds
    schedules = {one.clock: one.removed for one in found if isinstance(one, OtherSchedule)}
    sds = {clock: removed.sd for clock, removed in schedules.items() if removed is not None}
    assert sds == pytest.approx({"since_removal": OF_DAMAGE, "constant": math.sqrt(4) / (2 * IMAGES)})


@pytest.mark.parametrize("turned", [False, True])
def test_points_of_a_curve_have_the_floor_and_the_control_itself_has_none(turned: bool) -> None:
    results = by_errors(tied()) if turned else tied()
    origin, *others = curve(results).points
    assert (origin.low, origin.high) == (0.0, 0.0), "0 by definition"
    half = T * OF_DAMAGE / math.sqrt(3)
    for point in others:
        assert (point.low, point.high) == pytest.approx((point.damage.value - half, point.damage.value + half))
        assert point.damages.low == point.low
        assert point.score.stderr == pytest.approx(1 / (2 * IMAGES) / math.sqrt(3))
        assert point.controls.sd == pytest.approx(1 / (2 * IMAGES))


def test_readings_of_the_score_have_the_floor_and_others_have_none() -> None:
    results = tied()
    for point in compare_to_control(results, "test_accuracy")[1:]:
        assert point.value.sd == pytest.approx(1 / (2 * IMAGES))
        assert point.difference is not None
        assert point.difference.sd == pytest.approx(OF_DAMAGE)
    (control,) = [run.name for run in results.study.runs if run.role == "control"]
    clean = through_training(results, control, "test_accuracy")
    assert all(one.sd == pytest.approx(1 / (2 * IMAGES)) for one in clean.values())
    assert all(one.sd == 0 for one in through_training(results, control, "fisher_trace").values())
    drawn = moments(results)
    assert all(one.low < one.high for one in drawn["test_accuracy"][""])  # type: ignore[operator]
    assert all(one.low == one.high for one in drawn["fisher_trace"][""])


def test_the_classes_have_the_floor_of_their_own_images() -> None:
    results = tied(at=(0, 5), controls={})
    right = CorrectImages.of(np.arange(IMAGES) % 7 > 0)
    epochs = results.study.statistics.final_epochs
    correct = {(one.name, epoch): right for one in results.outcomes for epoch in one.run.final_epochs(epochs)}
    examples = ExamplePictures("images", (), (), (), (), (), tuple(int(one) for one in np.arange(IMAGES) % 10))
    found = list(class_damages(replace(results, correct=correct, examples=examples)))
    assert len(found) == 10
    half = T * math.sqrt(2) / (2 * IMAGES / 10) / math.sqrt(3)
    assert all((one.low, one.high) == pytest.approx((-half, half)) for one in found)


def test_metrics_that_are_no_shares_have_no_floor() -> None:
    results = replace(tied())
    vars(results)["metric"] = replace(ACCURACY, counted=False)
    assert least_sd(results) == 0
    assert min(widths(results.verdict())) == 0


def test_the_note_on_equal_damages_says_whether_the_test_gives_them_an_interval() -> None:
    known = tied()
    unknown = replace(known, study=known.study.model_copy(update={"data": Unsized()}), chance=0.1)
    lines = known.verdict().lines(), unknown.verdict().lines()
    rests = [next(line for line in one if line.startswith("Some damages are equal")) for one in lines]
    assert rests[0].endswith("so their intervals rest on the resolution of the test alone.")
    assert rests[1].endswith("so their intervals have no width.")


def test_the_store_knows_how_many_test_examples_own_data_have() -> None:
    known = tied()
    unknown = replace(known, study=known.study.model_copy(update={"data": Unsized()}))
    assert least_sd(known) == pytest.approx(OF_DAMAGE)
    assert least_sd(unknown) == 0
    right = CorrectImages.of(np.ones(500, bool))
    stored = replace(unknown, correct={("blur-0-40-of-48-seed0", 48): right})
    assert least_sd(stored) == pytest.approx(2 * OF_DAMAGE)
    assert least_sd(stored, part="train") == 0


@pytest.mark.parametrize(
    ("values", "scale"),
    [([0.85, 0.9], 1), ([0.04, 1.0], 1), ([25.0], 1), ([2e-9], 1e-9), ([-3e8], 1e9), ([0.0, math.nan], 1), ([], 1)],
)
def test_the_scale_of_scores_is_coarse(values: list[float], scale: float) -> None:
    """Accuracies have the scale 1 itself, whatever they are."""
    assert scale_of(values) == pytest.approx(scale)
    if scale == 1:
        assert scale_of(values) == 1.0


def in_unit(results: Results, unit: float) -> Results:
    """The same in a metric of which ``unit`` is what 1 was; it has no floor, as no metric but a share has one."""
    rows = tuple(
        replace(row, value=unit * row.value) if row.quantity.endswith("_accuracy") else row for row in results.rows
    )
    statistics = results.study.statistics.model_copy(update={"smallest_damage": 0.01 * unit})
    study = results.study.model_copy(update={"statistics": statistics, "data": Unsized()})
    found = replace(results, rows=rows, study=study)
    vars(found)["metric"] = replace(ACCURACY, factor=1.0, least=None, most=None, counted=False)
    return found


@pytest.mark.parametrize("unit", [1e-12, 1e-8, 1e9])
@pytest.mark.parametrize(
    ("study", "answer"),
    [
        ({}, "present"),
        ({"damage": lambda at: 0.0, "noise": 0.001}, "absent"),
        ({"restarted": lambda at: 0.0, "noise": 0.002, "delayed": lambda at: 0.05 * (at > 0)}, "damage_only"),
        ({"damage": lambda at: 0.0, "accuracy": 0.0, "noise": 0.0}, "absent"),
        ({"noise": 0.02}, "undecided"),
    ],
    ids=["present", "absent", "damage only", "all 0", "noise"],
)
def test_the_answer_does_not_depend_on_the_unit(study: dict[str, Any], answer: str, unit: float) -> None:
    plain = synthetic_results(4, (0, 5, 20), **study)
    one, other = in_unit(plain, 1.0).verdict(), in_unit(plain, unit).verdict()
    assert (one.answer, one.reasons) == (other.answer, other.reasons)
    assert one.answer == answer
    assert [type(guard) for guard in one.guards] == [type(guard) for guard in other.guards]
    assert (one.closing is None) == (other.closing is None)
    if one.closing is not None and other.closing is not None:
        assert (other.closing.low, other.closing.high) == pytest.approx((one.closing.low, one.closing.high))
    for this, that in zip(one.damages, other.damages, strict=True):
        assert (this.adjusted_p, this.exceeds, this.bounded) == pytest.approx(
            (that.adjusted_p, that.exceeds, that.bounded)
        )
    for mean, scaled in zip(quoted(one), quoted(other), strict=True):
        if isinstance(mean, Summary) and isinstance(scaled, Summary):
            assert scaled.sd == pytest.approx(unit * mean.sd, rel=1e-6, abs=0)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
def test_rounding_is_no_difference_in_any_unit(unit: float) -> None:
    """Damages that differ from 0 by the rounding of their scores are those of identical networks."""
    rounding = unit * 1e-15 * np.arange(-1, 2)
    real = unit * np.array([0.03, 0.05, 0.04])
    found = decide(Family(np.stack([rounding, real]), ("critical", "critical"), 0.01 * unit))
    assert found.bounded.tolist() == [True, False]
    assert found.stderr[0] < 1e-8 * unit
    assert summarise([unit * (0.5 + 1e-15 * step) for step in range(3)]).sd == 0
