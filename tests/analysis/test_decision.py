"""Decisions: each answer from the contrasts that it needs, error rates on simulated studies, ties and gaps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from critlab.analysis.judgement.decision import Decision, Family, Kind, decide
from critlab.analysis.statistics.sequential import look_level
from critlab.analysis.statistics.simultaneous import SPENT

SMALLEST, STUDIES = 0.01, 4000
REMOVAL: tuple[Kind, ...] = ("lasting",) * 5 + ("critical",) * 2 + ("context",) * 3
Array = NDArray[np.float64]


def removal(seeds: int, noise: float, harm: float = 0.0, lasting: float = 0.0, studies: int = STUDIES) -> Array:
    """Contrasts of a removal study, ``(studies, contrasts, seeds)``: N - D_abs at five points, harm, beyond delay."""
    random = np.random.default_rng([seeds, round(1e6 * noise), round(1e6 * harm), round(1e6 * lasting)])
    runs = noise * random.standard_normal((studies, 9, seeds))
    newborn, deprived, frozen, restarted, longer = np.split(runs, [1, 6, 7, 8], axis=1)
    last = deprived[:, -1:]
    critical = [newborn - restarted + harm, frozen - last + harm]
    context = [newborn - frozen, restarted - last, longer - newborn]
    return np.concatenate([newborn - deprived + lasting, *critical, *context], axis=1)


def answers(damages: Array, kinds: tuple[Kind, ...] = REMOVAL, **options: Any) -> Decision:
    return decide(Family(damages, kinds, SMALLEST, **options))


def share(decision: Decision, answer: str) -> float:
    return float(np.mean(decision.answer == answer))


def limit(studies: int = STUDIES) -> float:
    return 0.025 + 2 * math.sqrt(0.025 * 0.975 / studies)


@pytest.mark.parametrize(
    ("harm", "lasting", "answer"), [(0.05, 0.05, "present"), (0.0, 0.05, "damage_only"), (0.0, 0.0, "absent")]
)
def test_each_answer_where_the_noise_is_small(harm: float, lasting: float, answer: str) -> None:
    assert share(answers(removal(4, 0.0005, harm, lasting, 50)), answer) == 1


def test_without_a_critical_contrast_nothing_but_undecided() -> None:
    damages = removal(5, 0.001, 0.05, 0.05, 50)[:, :5]
    assert share(answers(damages, REMOVAL[:5], complete=False), "undecided") == 1
    assert share(answers(damages - 0.05, REMOVAL[:5]), "undecided") == 1


def test_a_missing_control_leaves_only_present() -> None:
    assert share(answers(removal(5, 0.0005, 0.05, 0.05, 50), complete=False), "present") == 1
    assert share(answers(removal(5, 0.0005, 0.0, 0.05, 50), complete=False), "undecided") == 1
    assert share(answers(removal(5, 0.0005, 0.0, 0.0, 50), complete=False), "undecided") == 1


def test_absent_holds_against_runs_of_equal_length_and_not_where_length_helps() -> None:
    damages = removal(5, 0.0005, 0.0, 0.0, 50)
    assert share(answers(damages, length=None), "undecided") == 1
    longer = np.concatenate([damages, damages[:, :1] + 0.03], axis=1)
    assert share(answers(longer, (*REMOVAL, "equal_total")), "damage_only") == 1
    longer[:, -1] -= 0.03
    assert share(answers(longer, (*REMOVAL, "equal_total")), "absent") == 1


def test_absent_needs_a_bound_on_what_longer_training_is_worth() -> None:
    damages = removal(5, 0.0005, 0.0, 0.0, 50)
    damages[25:, 9] += 0.03
    decision = answers(damages, length=(9,))
    assert (decision.answer[:25] == "absent").all()
    assert (decision.answer[25:] == "undecided").all()
    assert decision.hidden.tolist() == [False] * 25 + [True] * 25
    assert share(answers(damages[25:], length=()), "absent") == 1


@pytest.mark.parametrize("images", [0.0, 0.0006])
def test_length_hides_the_smallest_damage_rarely_at_every_look(images: float) -> None:
    random = np.random.default_rng(7)
    damages = removal(20, 0.001, 0.0, 0.0)
    damages[:, 9] += SMALLEST + images * random.standard_normal((STUDIES, 1))
    looks = (3, 4, 5, 6, 8, 10, 13, 16, 20)
    options: dict[str, Any] = {"length": (9,), "level": look_level(looks), "image_variance": images**2}
    called = [answers(damages[..., :seeds], **options).answer == "absent" for seeds in looks]
    assert 0.005 < np.any(called, axis=0).mean() <= limit()


@pytest.mark.parametrize("seeds", [3, 5, 20])
@pytest.mark.parametrize("noise", [0.002, 0.01])
def test_false_answers_are_rare_at_the_smallest_damage(seeds: int, noise: float) -> None:
    decision = answers(removal(seeds, noise, SMALLEST, SMALLEST))
    assert share(decision, "present") <= limit()
    assert share(decision, "absent") <= limit()
    assert share(decision, "damage_only") <= limit()


def test_the_error_rates_are_not_vacuous() -> None:
    assert share(answers(removal(10, 0.01, SMALLEST, SMALLEST)), "present") > 0.01


def test_a_critical_period_is_found_by_four_seeds() -> None:
    assert share(answers(removal(4, 0.01, 0.04, 0.04)), "present") >= 0.8


def test_intervals_of_a_kind_hold_together() -> None:
    decision = answers(removal(3, 0.01, 0.02, 0.03))
    covered = (decision.low[:, :5] < 0.03) & (decision.high[:, :5] > 0.03)
    assert covered.all(-1).mean() >= 0.95 - 2 * math.sqrt(0.05 * 0.95 / STUDIES)


def test_a_single_contrast_is_tested_by_a_plain_t_test_at_the_level_that_is_spent() -> None:
    values = np.array([0.012, 0.034, 0.021, -0.004, 0.018])
    decision = answers(values[None], ("critical",))
    expected = stats.ttest_1samp(values, SMALLEST, alternative="greater").pvalue
    interval = stats.ttest_1samp(values, 0).confidence_interval(1 - 0.05 * SPENT)
    assert decision.adjusted_p[0] == pytest.approx(expected / SPENT)
    assert (decision.low[0], decision.high[0]) == pytest.approx((interval.low, interval.high))


def test_the_interval_touches_the_smallest_damage_where_p_touches_the_level() -> None:
    decision = answers(removal(4, 0.01, 0.03, 0.03, 500))
    largest = decision.adjusted_p[:, 5:7].min(-1) < 0.025
    assert decision.adjusted_p[:, 5:7].min(-1) == pytest.approx(decision.p_above[:, 5:7].min(-1) * 2 / SPENT, rel=0.03)
    assert (largest == (decision.low[:, 5:7] > SMALLEST).any(-1)).all()
    assert 0.1 < largest.mean() < 0.9


def test_equal_values_never_give_p_zero() -> None:
    decision = answers(np.full((1, 3), 0.02), ("critical",), floor=math.sqrt(2) / 4000)
    assert 0 < decision.p_above[0] < 0.025
    coarse = answers(np.full((1, 3), 0.02), ("critical",), floor=math.sqrt(2) / 100)
    assert coarse.p_above[0] > 0.1


def test_identical_networks_are_bounded_whatever_the_noise_of_the_others() -> None:
    lasting = np.random.default_rng(0).normal(0.29, 0.04, (3, 5))
    decision = answers(np.concatenate([lasting, np.zeros((2, 5))]), ("lasting",) * 3 + ("critical",) * 2, floor=0.0002)
    assert decision.answer == "damage_only"


def test_fewer_than_three_seeds_decide_nothing() -> None:
    decision = answers(removal(2, 1e-4, 0.05, 0.05, 20))
    assert share(decision, "undecided") == 1
    assert np.isfinite(decision.low).all()
    assert np.isinf(decision.detectable).all()


def test_missing_seeds_are_left_out() -> None:
    damages = removal(5, 0.01, 0.03, 0.03, 1)[0]
    gapped = np.concatenate([damages, np.full((10, 2), np.nan)], axis=1)
    assert answers(gapped).adjusted_p == pytest.approx(answers(damages).adjusted_p)
    gapped[5] = np.nan
    empty = answers(gapped)
    assert np.isnan(empty.estimate[5])
    assert empty.p_above[5] == empty.p_below[5] == 1


def test_a_seed_that_fails_forbids_absent_below_ten_seeds() -> None:
    damages = removal(9, 0.0001, 0.0, 0.0, 1)[0]
    damages[0, 3] = 0.021
    assert answers(damages).answer == "undecided"
    damages[0, 3] = 0.019
    assert answers(damages).answer == "absent"


def test_test_images_widen_the_interval() -> None:
    damages = removal(5, 0.002, 0.02, 0.02, 1)[0]
    seeds, both = answers(damages), answers(damages, image_variance=0.003**2)
    assert both.stderr**2 == pytest.approx(seeds.stderr**2 + 0.003**2)
    assert (both.freedom > seeds.freedom).all()


@pytest.mark.slow
def test_detectable_damage_is_detected_four_times_in_five() -> None:
    detectable = float(np.median(answers(removal(5, 0.01)).detectable[:, 5]))
    harm = removal(5, 0.01, detectable, 0.0)
    harm[:, 6] -= detectable
    assert share(answers(harm), "present") == pytest.approx(0.8, abs=0.12)
    everywhere = answers(removal(5, 0.01, studies=1)[0]).detectable_everywhere("lasting")
    assert SMALLEST < everywhere < answers(removal(5, 0.01, studies=1)[0]).detectable[:5].max()


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="2 kinds"):
        answers(np.zeros((3, 5)), ("lasting", "critical"))
