"""Parts of the statistics by closed forms, brute force and simulation: moderation, looks, images, shares, power."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from critlab.analysis.judgement.decision import layout_of
from critlab.analysis.statistics import simultaneous
from critlab.analysis.statistics.crossed import crossed_variance
from critlab.analysis.statistics.layout import Layout, unrelated
from critlab.analysis.statistics.moderated import credited, floor_of_sd, moments, prior_weight
from critlab.analysis.statistics.power import detectable, detectable_everywhere
from critlab.analysis.statistics.ratio import share
from critlab.analysis.statistics.sequential import look_level, overall_level, unseen_share
from critlab.analysis.statistics.simultaneous import effective_count, holm
from critlab.analysis.statistics.summary import satterthwaite
from critlab.study.runs.estimands import NamedContrast


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_moderated_variances_by_hand() -> None:
    # own variances 1, 4 and 9 on two degrees of freedom; the others of the first have a mean of 6.5 on four
    damages = np.array([[1.0, 2, 3], [2, 4, 6], [0, 3, 6]])
    found = moments(damages)
    assert found.variance == pytest.approx([(4 * 6.5 + 2 * 1) / 6, (4 * 5 + 2 * 4) / 6, (4 * 2.5 + 2 * 9) / 6])
    assert found.freedom.tolist() == [4, 4, 4]
    assert found.mean.tolist() == [2, 4, 3]


def test_a_single_contrast_and_its_twin_keep_their_own_variance() -> None:
    values = np.array([1.0, 2, 6])
    assert moments(values[None]).variance == pytest.approx([values.var(ddof=1)])
    twins = moments(np.stack([values, values]))
    assert twins.variance == pytest.approx([values.var(ddof=1)] * 2)
    assert twins.freedom.tolist() == [2, 2]


def test_variances_are_pooled_for_as_many_runs() -> None:
    damages = np.array([[1.0, 2, 3], [2, 4, 6]])
    found = moments(damages, Layout(np.array([[1.0, -1, 0, 0], [1, -1, 1, -1]]), np.ones(4)))
    # the other's variance of 4 over four runs is 2 over two; its weight is its two degrees of freedom
    assert found.variance[0] == pytest.approx((2 * 2 + 2 * 1) / 4)


def test_variances_of_other_kinds_of_run_are_no_prior() -> None:
    damages = np.array([[1.0, 2, 3], [2, 4, 6], [0, 3, 6]])
    signs = np.array([[1.0, -1, 0, 0, 0], [1, 0, -1, 0, 0], [1, 0, 0, -1, 0]])
    found = moments(damages, Layout(signs, np.array([1.0, 2, 2, 1, 1])))
    assert found.variance == pytest.approx([(2 * 4 + 2 * 1) / 4, (2 * 1 + 2 * 4) / 4, 9])
    assert found.freedom.tolist() == [3, 3, 2]


def test_the_layout_by_hand() -> None:
    signs = np.array([[1.0, -1, 0], [1, 0, -1]])
    layout = Layout(signs, np.array([1.0, 2, 2]))
    assert layout.variance.tolist() == [3, 3]
    assert layout.mix.tolist() == [1.5, 1.5]
    assert layout.correlation([0, 1])[0, 1] == pytest.approx(1 / 3)
    assert unrelated(3).correlation([0, 1, 2]) == pytest.approx(np.eye(3))


def test_identical_networks_have_the_floor_and_stay_out_of_the_pool() -> None:
    noisy = np.array([[1.0, 2, 3], [2, 4, 6]])
    found = moments(np.concatenate([noisy, np.zeros((1, 3))]), floor=0.1)
    assert found.variance[:2] == pytest.approx(moments(noisy).variance)
    assert found.variance[2] == pytest.approx(0.01)
    assert found.identical.tolist() == [False, False, True]


def test_missing_seeds_and_contrasts() -> None:
    found = moments(np.array([[1.0, 2, np.nan], [np.nan] * 3]))
    assert found.n.tolist() == [2, 0]
    assert found.mean[0] == 1.5
    assert np.isnan(found.mean[1])


def test_the_credit_grows_with_the_contrasts() -> None:
    assert credited([1, 2, 5, 20], 3) == pytest.approx([0.4, 0.4, 0.8, 1])
    assert credited(20, [2, 4, 8, 16]) == pytest.approx([1, 1, 1 / 4, 1 / 16])
    assert prior_weight([1, 2, 5, 20]).tolist() == [4, 4, 8, 8]
    many = np.random.default_rng(0).standard_normal((10, 4))
    assert (moments(many, together=10).together > moments(many, together=2).together).all()


def test_the_floor_exceeds_rounding() -> None:
    assert floor_of_sd(1000) == pytest.approx(math.sqrt(2) / 2000)
    rounded = np.round(random().random(100_000), 3) - np.round(random().random(100_000) + 0.0004, 3)
    assert floor_of_sd(1000) > rounded.std()


def test_deficits_are_expected_to_vary_more() -> None:
    def contrast(name: str, *runs: str) -> NamedContrast:
        signs = (1, -1, -1, 1)
        return NamedContrast(name, 4, None, tuple(zip(signs, runs, strict=False)), "context")  # type: ignore[arg-type]

    named = (
        contrast("lasting_damage", "clean", "early"),
        contrast("lasting_damage", "longer", "late"),
        contrast("delay", "clean", "frozen"),
        contrast("timing", "clean", "early", "longer", "late"),
    )
    assert layout_of(named).variance.tolist() == [3, 3, 2, 6]
    assert layout_of(named).mix.tolist() == [1.5, 1.5, 1, 1.5]


def test_the_effective_count_is_dunnett_s_for_one_shared_control() -> None:
    assert effective_count(np.eye(5), 0.025) == pytest.approx(5, rel=0.04)
    assert effective_count(np.ones((5, 5)), 0.025) == pytest.approx(1, rel=0.04)
    half = np.full((5, 5), 0.5) + 0.5 * np.eye(5)
    # Dunnett's one-sided 5 % quantile for five treatments and infinite degrees of freedom is 2.23
    assert effective_count(half, 0.05) == pytest.approx(0.05 / stats.norm.sf(2.234), rel=0.03)
    assert effective_count(np.eye(1), 0.01) == 1


def test_the_effective_count_does_not_depend_on_the_choice_of_eigenvectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of the five eigenvalues are equal: which eigenvectors LAPACK gives is up to the processor."""
    half = np.full((5, 5), 0.5) + 0.5 * np.eye(5)
    values, vectors = np.linalg.eigh(half)
    turned, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))
    other = np.column_stack([vectors[:, :4] @ turned, -vectors[:, 4]])
    assert np.allclose((other * values) @ other.T, half)
    simultaneous._effective_count.cache_clear()
    before = effective_count(half, 0.02)
    simultaneous._effective_count.cache_clear()
    monkeypatch.setattr(np.linalg, "eigh", lambda _: (values, other))
    assert effective_count(half, 0.02) == pytest.approx(before, rel=1e-9)
    simultaneous._effective_count.cache_clear()


def test_holm_stops_at_the_effective_count() -> None:
    assert holm([0.03, 0.01, 0.02]).tolist() == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.03, 0.01, 0.02], 1.5).tolist() == pytest.approx([0.03, 0.015, 0.03])


@pytest.mark.parametrize("ns", [(3, 6), (3, 4, 5, 6, 8, 10, 13, 16, 20)])
def test_levels_hold_over_all_looks(ns: tuple[int, ...]) -> None:
    level = look_level(ns)
    sums = random().standard_normal((100_000, ns[-1])).cumsum(axis=1)
    z = np.stack([sums[:, n - 1] / math.sqrt(n) for n in ns], axis=1)
    crossed = (z > stats.norm.isf(level)).any(1).mean()
    assert crossed == pytest.approx(0.025, abs=0.002)
    assert overall_level(ns, [level] * len(ns)) == pytest.approx(0.025, abs=1e-5)


def test_one_look_has_the_whole_level_and_unplanned_looks_exceed_it() -> None:
    assert look_level((5,)) == 0.025
    assert overall_level((5,), (0.025,)) == pytest.approx(0.025)
    assert overall_level((5, 10), (0.025, 0.025)) > 0.038


def test_the_share_of_failing_seeds_that_is_not_excluded() -> None:
    for n in (3, 10, 20):
        assert (1 - unseen_share(n)) ** n == pytest.approx(0.025)
    assert unseen_share(0) == 1


def test_crossed_variances_are_those_of_repeated_samples() -> None:
    generator = random()
    seeds, images, studies = 4, 60, 3000
    of_seed = 0.02 * generator.standard_normal((studies, seeds, 1))
    of_image = 0.3 * generator.standard_normal((studies, 1, images))
    values = of_seed + of_image + 0.2 * generator.standard_normal((studies, seeds, images))
    found = crossed_variance(values)
    both = values.mean((-2, -1)).var()
    assert float(np.mean(found.seed + found.image)) == pytest.approx(both, rel=0.08)
    assert float(np.mean(found.image)) == pytest.approx(0.3**2 / images, rel=0.08)
    assert found.limited_by == "images"


def test_satterthwaite() -> None:
    found = satterthwaite(np.array([1.0, 1, 0.5]), np.array([4.0, 4, 4]), np.array([0.0, 1, 0.5]))
    assert found.tolist() == [4, 16, 16]


def test_a_share_by_brute_force() -> None:
    generator = random()
    whole = generator.normal(0.05, 0.01, 8)
    part = 0.5 * whole + generator.normal(0, 0.004, 8)
    found = share(part, whole)
    ratios = np.linspace(-1, 2, 30001)
    t = stats.ttest_1samp(part[:, None] - ratios * whole[:, None], 0).statistic
    inside = ratios[np.abs(t) <= stats.t.ppf(0.975, 7)]
    assert (found.low, found.high) == pytest.approx((inside.min(), inside.max()), abs=2e-4)
    assert found.estimate == pytest.approx(part.mean() / whole.mean())


def test_a_share_of_nothing_is_not_bounded() -> None:
    found = share([0.01, -0.02, 0.01], [0.01, -0.01, 0.001])
    assert not found.bounded
    with pytest.raises(ValueError, match="received 2"):
        share([0.1, 0.2, np.nan], [0.1, 0.2, 0.3])


def test_detectable_damage_is_that_of_the_noncentral_t() -> None:
    found = float(detectable(np.array([0.01]), np.array([4.0]), 5, 0.01)[0])
    critical = stats.t.isf(0.025 / 5, 4)
    assert stats.nct.sf(critical, 4, (found - 0.01) / 0.01) == pytest.approx(0.8, abs=1e-4)


def test_damage_everywhere_is_detected_more_easily() -> None:
    stderr, freedom = np.full(5, 0.01), np.full(5, 6.0)
    alone = float(detectable(stderr, freedom, 5, 0.01)[0])
    assert 0.01 < detectable_everywhere(stderr, freedom, 0.01, 0.005) < alone
    assert detectable_everywhere(stderr[:1], freedom[:1], 0.01) == pytest.approx(
        float(detectable(stderr, freedom, 1, 0.01)[0]), rel=0.05
    )
    assert detectable_everywhere(np.array([np.nan]), np.array([0.0]), 0.01) == math.inf
