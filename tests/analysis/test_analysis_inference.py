"""Intervals, tests and their calibration on thousands of simulated studies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from critlab.analysis.statistics import Judgement, holm, judge, minimum_detectable, p_above, summarise

STUDIES, SEEDS, POINTS, SMALLEST = 2000, 5, 5, 0.01


def judged(damages: NDArray[np.float64]) -> Judgement:
    """``damages``: ``(studies, seeds, points)``."""
    ns = np.full(damages.shape[-1], damages.shape[-2])
    return judge(damages.mean(axis=-2), damages.std(axis=-2, ddof=1), ns, SMALLEST)


def simulated(truth: float, noise: float, heavy: bool = False, seeds: int = SEEDS) -> NDArray[np.float64]:
    """Damages of studies whose points share one control a seed; ``noise`` is the sd of one run."""
    random = np.random.default_rng([int(1e6 * truth), int(1e6 * noise), heavy, seeds])
    shape = (STUDIES, seeds, POINTS + 1)
    drawn = random.standard_t(3, shape) / math.sqrt(3) if heavy else random.standard_normal(shape)
    runs = noise * drawn
    return truth + runs[..., :1] - runs[..., 1:]


def test_the_interval_is_scipys() -> None:
    values = [0.012, 0.034, 0.021, -0.004, 0.018]
    ours = summarise(values)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.estimate.stderr == pytest.approx(stats.sem(values))


def test_one_value_has_no_interval_and_equal_values_one_of_zero_width() -> None:
    one = summarise([0.3])
    assert (one.low, one.high) == (None, None)
    assert one.estimate.stderr == math.inf
    same = summarise([0.1 + 0.2, 0.3, 0.3])
    assert same.low == same.high == same.mean
    with pytest.raises(ValueError, match="no values"):
        summarise([])


def test_p_values_are_scipys() -> None:
    values = np.array([0.012, 0.034, 0.021, -0.004, 0.018])
    expected = stats.ttest_1samp(values, SMALLEST, alternative="greater").pvalue
    assert p_above(values.mean(), values.std(ddof=1), 5, SMALLEST) == pytest.approx(expected)


def test_p_values_without_spread_or_seeds() -> None:
    p = p_above([0.02, 0.01, 0.02], [0.0, 0.0, 0.001], [5, 5, 2], SMALLEST)
    assert p.tolist() == [0.0, 1.0, 1.0]


def test_holm_by_hand() -> None:
    # sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.04; then never decreasing
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([[0.5, 0.9], [0.2, 0.001]]) == pytest.approx(np.array([[1.0, 1.0], [0.2, 0.002]]))


@pytest.mark.parametrize("noise", [0.002, 0.01, 0.03])
@pytest.mark.parametrize("truth", [0.0, SMALLEST])
@pytest.mark.parametrize("heavy", [False, True])
def test_null_studies_are_rarely_called_present(truth: float, noise: float, heavy: bool) -> None:
    rate = float(np.mean(judged(simulated(truth, noise, heavy)).present))
    print(f"false present: truth {truth}, noise {noise}, {'t3' if heavy else 'normal'}: {rate:.4f}")
    tolerance = 3 * math.sqrt(0.05 * 0.95 / STUDIES)
    assert rate <= 0.05 + tolerance
    if not heavy:
        assert rate <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / STUDIES)


def test_the_calibration_is_not_vacuous() -> None:
    assert 0.005 < np.mean(judged(simulated(SMALLEST, 0.01)).present) < 0.05


def test_false_absent_is_rare_when_one_point_reaches_the_smallest_damage() -> None:
    damages = simulated(0.0, 0.001)
    damages[..., 2] += SMALLEST
    assert np.mean(judged(damages).absent) <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / STUDIES)


def test_a_real_effect_is_found() -> None:
    # one damaged point of five, its damage above the smallest by four sd of the paired difference
    noise = 0.01
    damages = simulated(0.0, noise)
    damages[..., -1] += SMALLEST + 4 * math.sqrt(2) * noise
    rate = float(np.mean(judged(damages).present))
    print(f"power at 4 sd: {rate:.4f}")
    assert rate > 0.9


def test_absent_when_the_noise_is_tiny() -> None:
    assert np.mean(judged(simulated(0.0, 0.0005)).absent) > 0.99


@pytest.mark.parametrize(("seeds", "sd"), [(3, 0.01), (5, 0.02), (20, 0.004)])
def test_the_minimum_detectable_damage_is_detected_four_times_in_five(seeds: int, sd: float) -> None:
    effect = minimum_detectable(sd, seeds, SMALLEST)
    assert effect is not None
    critical = stats.t.ppf(0.975, seeds - 1)
    power = stats.nct.sf(critical, seeds - 1, (effect - SMALLEST) / sd * math.sqrt(seeds))
    assert power == pytest.approx(0.8, abs=1e-4)
    assert minimum_detectable(sd, 2, SMALLEST) is None
