"""Intervals of curves, other explanations and shares: test images are in them, and one damage has one interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from critlab.analysis.closing import damaged_points
from critlab.analysis.confounds.quantity import Quantity, damage_of
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.curve import curve
from critlab.analysis.effects.intervention import InterventionEffect
from critlab.analysis.judgement.guards import AtChance
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.statistics import Summary, summarise
from critlab.analysis.statistics.crossed import crossed_variance, image_covariance
from critlab.analysis.statistics.ratio import share
from critlab.analysis.tables.results import Results
from critlab.analysis.test_images import image_sample, least_sd
from critlab.report.text.study.methods import methods_text
from critlab.study import Run
from image_limited import image_limited, with_images
from synthetic import synthetic_results
from verdict_cases import ALL, EVERY_CONTROL, always, reshaped_by_role


def one_point(at: int) -> float:
    """Damage at the last point alone, which then is the only judged one."""
    return 0.06 * (at == 40)


def quoted(verdict: Verdict) -> Iterator[Summary]:
    """Every mean that sentences on other explanations and on interventions quote."""
    effects = [note for note in verdict.notes if isinstance(note, InterventionEffect)]
    names = ("effect", "damage", "excess", "removed", "twin", "against_intervened")
    for one in (*verdict.confounds, *effects):
        yield from (found for name in names if (found := getattr(one, name, None)) is not None)


def intervals(verdict: Verdict) -> dict[float, set[tuple[float | None, float | None]]]:
    """By the mean, which tells damages of random numbers apart: the intervals that the verdict quotes for it."""
    found: dict[float, set[tuple[float | None, float | None]]] = {}
    for one in verdict.damages:
        if one.estimate is not None:
            found.setdefault(round(one.estimate, 12), set()).add((one.low, one.high))
    for mean in quoted(verdict):
        if round(mean.mean, 12) in found:
            found[round(mean.mean, 12)].add((mean.low, mean.high))
    return found


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("kind", ["removal", "window"])
def test_a_verdict_quotes_one_interval_for_one_damage(kind: str, seeds: int) -> None:
    at = (0, 5, 10, 20, 40) if kind == "removal" else (0, 4, 8, 40)
    controls = EVERY_CONTROL if kind == "removal" else {**EVERY_CONTROL, "equal_total": False}
    verdict = synthetic_results(seeds, at, damage=one_point, kind=kind, controls=controls).verdict()
    found = intervals(verdict)
    named = {round(mean.mean, 12) for mean in quoted(verdict)} & found.keys()
    assert len(named) >= 4, "lasting damage, delay, harm and what a restart repairs are quoted twice"
    assert all(len(known) == 1 for known in found.values())


def test_one_interval_for_one_damage_where_images_limit_the_study() -> None:
    verdict = image_limited(20, at=(0, 40), controls=ALL).verdict()
    named = {one.name: one for one in verdict.damages}
    assert named["lasting_damage"].limited_by == "images"
    means = {one.name: one.effect for one in verdict.confounds}
    for found, damage in ((means["learning rate"], named["harm"]), (means["delay"], named["delay"])):
        assert found is not None
        assert (found.mean, found.low, found.high) == (damage.estimate, damage.low, damage.high)


def test_a_mean_over_several_points_has_the_means_of_their_limits() -> None:
    verdict = synthetic_results(controls=EVERY_CONTROL).verdict()
    equal = next(one for one in verdict.confounds if one.name == "equal total")
    named = [one for one in verdict.damages if one.name == "equal_total" and one.at in equal.at]
    assert len(named) == len(equal.at) > 1
    assert equal.effect is not None
    for limit in ("low", "high"):
        assert getattr(equal.effect, limit) == pytest.approx(sum(getattr(one, limit) for one in named) / len(named))


def test_points_of_a_curve_hold_seeds_and_images() -> None:
    """As the crossed variance by hand; without the bits each number is that of the seeds alone, to the last digit."""
    results = image_limited(5, at=(0, 10, 40), controls=ALL)
    bare = Results(results.study, results.rows, results.outcomes)
    with_it, without = curve(results), curve(bare)
    for point, plain in zip(with_it.tested, without.tested, strict=True):
        sample = image_sample(results, point.terms)
        assert sample is not None
        values = [one.damage for one in point.seeds]
        assert plain.damages == summarise(values, least_sd(bare))
        assert (plain.low, plain.high) == (plain.damages.low, plain.damages.high)
        assert point.damage.stderr == pytest.approx(math.hypot(plain.damage.stderr, math.sqrt(sample.variance)))
        assert point.high is not None
        assert plain.high is not None
        assert point.high - point.damage.value > 3 * (plain.high - plain.damage.value)
        assert (point.low, point.high) == (point.damages.low, point.damages.high)
        assert point.score_high is not None
        assert plain.score_high is not None
        assert point.score_high > plain.score_high
        assert point.controls.image_variance > 0


def planted(results: Results, truth: float, images: int, state: int) -> Results:
    """Each image is lost with the probability of the damage, by all seeds together; seeds differ by single images."""
    random = np.random.default_rng(state)
    hard = random.random(images) < truth + 0.1

    def correct(run: Run, seed: int) -> NDArray[np.bool_]:
        own = np.random.default_rng([state, seed, run.role == "deficit"]).random(images)
        # a hard image is lost always, another one is lost or, in the control, too, with one tenth
        lost: NDArray[np.bool_] = (own < 0.1) | (hard if run.role == "deficit" else np.zeros(images, bool))
        return ~lost

    return with_images(results, correct)


def test_the_interval_of_a_point_covers_the_damage_on_all_images() -> None:
    """With 80 test images, at least 93 % of 300 intervals hold the damage; those of the seeds alone far fewer."""
    images, truth = 80, 0.9 * 0.3
    results = synthetic_results(4, (0, 10), controls={"delay": False, "clocks": []}, statistics={"final_epochs": 1})
    held = alone = 0
    for state in range(300):
        found = planted(results, 0.2, images, state)
        point = curve(found).tested[0]
        assert point.low is not None
        assert point.high is not None
        held += point.low <= truth <= point.high
        plain = summarise([one.damage for one in point.seeds], point.least_sd)
        assert plain.low is not None
        assert plain.high is not None
        alone += plain.low <= truth <= plain.high
    assert held >= 0.93 * 300
    assert alone < 0.8 * 300


def test_damaged_points_count_the_error_over_images() -> None:
    """Every seed loses the same few of few images: the seeds agree, but other images might not be lost."""
    results = image_limited(5, images=60, lost=0.04, flipped=0.0, state=2, at=(0, 10, 20, 40), controls=ALL)
    bare = Results(results.study, results.rows, results.outcomes)
    floor = least_sd(results)
    assert damaged_points(curve(bare), floor) == 3
    assert damaged_points(curve(results), floor) == 0


def test_a_control_at_chance_has_an_interval_over_images_too() -> None:
    results = image_limited(4, images=50, at=(0, 10), controls=ALL)
    scores = [one.score for one in curve(results).points[0].seeds]
    guard = AtChance(curve(results).points[0].controls, 0.1, 0.01)
    assert guard.lead.high is not None
    plain = summarise(scores, least_sd(results, 1))
    assert plain.high is not None
    assert guard.lead.high > plain.high - 0.1


def test_the_covariance_over_images_is_that_of_each_mean_and_of_their_sum() -> None:
    random = np.random.default_rng(3)
    shared = random.normal(size=(1, 300))
    first = random.normal(size=(4, 300)) + shared
    second = random.normal(size=(4, 300)) + 0.5 * shared + random.normal(size=(1, 300))
    found = image_covariance(np.stack([first, second]))
    one, other, both = (float(crossed_variance(values).image) for values in (first, second, first + second))
    assert np.diag(found) == pytest.approx([one, other])
    assert found.sum() == pytest.approx(both)
    assert found[0, 1] == pytest.approx(0.5 / 300, rel=0.5)
    single = image_covariance(first[None, :1])
    assert single[0, 0] == pytest.approx(float(crossed_variance(first[:1]).image))


def test_shares_hold_seeds_and_images() -> None:
    """Of 1,000 shares with errors over seeds and images at least 93 % hold the truth; of the seeds alone far fewer."""
    random = np.random.default_rng(5)
    images, true, held, alone = 200, 0.5, 0, 0
    for _ in range(1000):
        on_images = random.normal(size=(2, 1, images)) * np.array([[[0.2]], [[0.3]]])
        noise = 0.2 * random.normal(size=(2, 5, images)) + 0.002 * random.normal(size=(2, 5, 1))
        values = np.array([[[true * 0.1]], [[0.1]]]) + on_images + noise
        part, whole = values.mean(-1)
        found = share(part, whole, image=image_covariance(values))
        plain = share(part, whole)
        held += found.low <= true <= found.high
        alone += plain.low <= true <= plain.high
    assert held >= 930
    assert alone < 850


def quantities(results: Results, damages: NDArray[np.float64], others: NDArray[np.float64]) -> Sequence[Quantity]:
    """Damages ``(points, seeds)`` of the study's deficit and of its flip, as their curves have them."""
    found = []
    for arm, values in ((None, damages), ("vertical_flip", others)):
        own = damage_of(curve(results, arm))
        known = {at: dict(enumerate(map(float, row))) for at, row in zip(own.terms, values, strict=True)}
        found.append(Quantity(known, own.terms))
    return found


@pytest.mark.parametrize("seeds", [3, 10])
def test_intervals_hold_at_points_that_were_chosen_for_their_damage(seeds: int) -> None:
    """Nine points with equal damage, of which the largest is judged, in 400 studies."""
    at, points, truth = (0, *range(2, 20, 2)), 9, 0.04
    results = synthetic_results(seeds, at, controls={"deficits": [{"name": "vertical_flip"}], "delay": False})
    random, quoting = np.random.default_rng(seeds), Quoting(results, ())
    held = {"excess": 0, "share": 0, "plain share": 0, "plain excess": 0}
    for _ in range(400):
        clean = random.normal(0, 0.01, (1, seeds))
        own, other = (truth + clean + random.normal(0, 0.01, (points, seeds)) for _ in range(2))
        whole, part = quantities(results, own, other)
        judged = [at[1:][int(own.mean(1).argmax())]]
        excess, found = quoting.mean(whole - part, judged), quoting.share(part, whole, judged)
        plain = quoting.share(part, whole, judged, chosen=False)
        alone = summarise(list((whole - part).averaged(judged).values()))
        assert excess is not None
        assert found is not None
        assert plain is not None
        held["share"] += found.low <= 1 <= found.high
        held["plain share"] += plain.low <= 1 <= plain.high
        held["excess"] += excess.low is not None and excess.high is not None and excess.low <= 0 <= excess.high
        held["plain excess"] += alone.low is not None and alone.high is not None and alone.low <= 0 <= alone.high
    assert held["excess"] >= 0.93 * 400
    assert held["share"] >= 0.93 * 400
    assert held["plain share"] < 0.93 * 400, "without the choice of the point the share is held too rarely"
    assert held["plain excess"] < 0.93 * 400


def test_means_without_the_deficit_are_those_of_their_seeds() -> None:
    """All points share the clean run, so the choice of points says nothing about the flip's damage."""
    results = synthetic_results(controls={"deficits": [{"name": "vertical_flip"}], **ALL})
    flip = next(one for one in results.verdict().confounds if one.name == "negative control vertical_flip")
    points = {point.at: {one.seed: one.damage for one in point.seeds} for point in curve(results, "vertical_flip")}
    means = [sum(points[at][seed] for at in flip.at) / len(flip.at) for seed in results.study.seeds]
    plain = summarise(means, least_sd(results))
    assert flip.effect is not None
    assert (flip.effect.low, flip.effect.high) == pytest.approx((plain.low, plain.high))


def test_a_sequential_study_quotes_at_the_level_of_its_look() -> None:
    controls = {"deficits": [{"name": "vertical_flip"}], **ALL}
    fixed, added = (
        synthetic_results(3, controls=controls, parts=parts) for parts in ({}, {"seeds": {"first": 3, "most": 20}})
    )
    effects = [
        next(one.effect for one in results.verdict().confounds if one.name.startswith("negative control"))
        for results in (fixed, added)
    ]
    widths = [one.high - one.low for one in effects if one is not None and one.low is not None and one.high is not None]
    assert widths[1] > 1.5 * widths[0]


def window_restarted(gain: float) -> Results:
    """A window sweep on a schedule that restarts; clean runs gain ``gain`` by a restart. The damage falls in a step."""
    results = synthetic_results(
        5,
        (0, 4, 8, 12),
        lambda at: (0.06, 0.05, 0.01, 0.0)[at // 4],
        0.002,
        kind="window",
        controls={"deficits": [{"name": "vertical_flip"}], "delay": True, "clocks": None},
        optimizer={"clock": "since_removal"},
        negative=always(0.02),
    )
    return reshaped_by_role(results, "restarted_control", gain)


def test_closing_and_judged_points_have_the_control_of_the_named_damage() -> None:
    """The first control of such a sweep restarts too; a gain of its own must not move what the lasting damage does."""
    without, with_it = (window_restarted(gain).verdict() for gain in (0.0, 0.05))
    assert without.closing is not None
    assert with_it.closing == without.closing
    assert 4 < with_it.closing.epoch < 8
    assert with_it.damaged_points == without.damaged_points
    flips = [
        next(one for one in verdict.confounds if one.name.startswith("negative control"))
        for verdict in (without, with_it)
    ]
    assert flips[0] == flips[1]
    assert flips[1].effect is not None
    assert flips[1].effect.mean == pytest.approx(0.02, abs=0.005)
    lasting = {one.at: one for one in with_it.damages if one.name == "lasting_damage"}
    for one in with_it.confounds:
        if one.damage is not None and one.at:
            assert one.damage.mean == pytest.approx(np.mean([lasting[at].estimated for at in one.at]))


def test_the_methods_say_which_intervals_hold_the_choice_of_test_images() -> None:
    whole = image_limited(3, at=(0, 40), controls=ALL)
    partly = with_images(whole, lambda run, seed: None if seed == 2 else np.arange(50) % 9 > seed)
    bare = Results(whole.study, whole.rows, whole.outcomes)
    texts = [methods_text(one, "0") for one in (whole, partly, bare)]
    assert "of shares of damage contain the choice of test images; all others hold" in texts[0]
    assert "which it is not for all runs" in texts[1]
    assert "Intervals do not contain the choice of test images." in texts[2]
    assert all("the points of a curve hold for each point alone" in text for text in texts)


def test_a_named_damage_is_the_sum_of_the_scores_of_its_runs() -> None:
    results = synthetic_results(3)
    for one in results.verdict().damages:
        for seed, damage in one.seeds.items():
            scores = (sign * results.final_scores[f"{run}-seed{seed}"][0] for sign, run in one.terms)
            assert sum(scores) == pytest.approx(damage)
