"""Why a verdict is undecided and what would decide it: seeds, test images, failed runs, and two kinds of damage."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.seeds_needed import images_needed, seeds_needed, stopped_by_images
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.statistics.simultaneous import SPENT
from critlab.analysis.tables.table import Status
from critlab.sequential.loop import look_at
from synthetic import saturating, synthetic_results, synthetic_study
from verdict_cases import ALL, equal_alone, few_images, never, of_role

BOTH = {**ALL, "equal_total": True}
FLAT: dict[str, Any] = {"damage": never, "noise": 0.001}


def planted(
    mean: float, sd: float, image: float = 0.0, n: int = 5, kind: Any = "critical", images: int = 400
) -> Damage:
    """A damage of ``n`` seeds with this mean, deviation over seeds, and standard error from test images."""
    stderr = math.sqrt(sd**2 / n + image**2)
    seeds = dict.fromkeys(range(n), mean)
    return Damage("harm", 40, None, kind, seeds, stderr=stderr, image_stderr=image, images=images)


def power(mean: float, sd: float, image: float, n: int, share: float) -> float:
    """The share of sets of ``n`` new seeds on the same test images that show a mean above 0.01."""
    random = np.random.default_rng(n)
    values = mean + sd * random.standard_normal((20_000, n))
    by_seeds = values.var(-1, ddof=1) / n
    freedom = np.minimum((n - 1) * (1 + image**2 / by_seeds) ** 2, 1e6)
    low = values.mean(-1) - stats.t.ppf(1 - share, freedom) * np.sqrt(by_seeds + image**2)
    return float((low > 0.01).mean())


@pytest.mark.parametrize(("mean", "sd", "image"), [(0.02, 0.01, 0.0), (0.03, 0.02, 0.005), (0.025, 0.012, 0.004)])
def test_the_seeds_needed_have_the_power_that_they_promise(mean: float, sd: float, image: float) -> None:
    needed = seeds_needed([planted(mean, sd, image)], 0.01)
    assert needed is not None
    assert 0.75 < power(mean, sd, image, needed, 0.025 * SPENT) < 0.9
    assert power(mean, sd, image, max(needed - 3, 3), 0.025 * SPENT) < 0.8


def test_seeds_do_not_narrow_what_test_images_leave_open() -> None:
    blocked = planted(0.02, 0.005, 0.01)
    assert seeds_needed([replace(blocked, image_stderr=0.0)], 0.01) is not None, "if it came from seeds"
    assert seeds_needed([blocked], 0.01) is None
    assert stopped_by_images([blocked], 0.01, answers=("present",))
    assert not stopped_by_images([planted(0.02, 0.03, 0.01)], 0.01, answers=("present",)), "the mean may still move"
    assert not stopped_by_images([planted(0.02, 0.03)], 0.01), "nothing is known of the images"
    assert not stopped_by_images([blocked, planted(0.02, 0.02)], 0.01), "another damage may decide"
    lasting = planted(0.02, 0.005, 0.01, kind="lasting")
    assert stopped_by_images([planted(0.004, 0.001), lasting], 0.01), "neither damage_only nor absent"
    assert not stopped_by_images([planted(0.004, 0.001), lasting], 0.01, answers=("present",)), "excluded by seeds"


def test_the_images_needed_are_enough_and_not_many_more() -> None:
    needed = images_needed([planted(0.02, 0.005, 0.01)], 0.01)
    assert needed is not None
    for images, enough in ((needed, True), (0.8 * needed, False)):
        part = 0.01 * math.sqrt(400 / images)
        error = math.sqrt(0.005**2 / 5 + part**2)
        freedom = 4 * (1 + part**2 / (0.005**2 / 5)) ** 2
        half = (stats.t.ppf(1 - 0.025 * SPENT, freedom) + stats.norm.ppf(0.8)) * error
        assert (half <= 0.01) == enough
    assert images_needed([planted(0.02, 0.02, 0.01)], 0.01) is None, "five seeds are too few on any number of images"
    assert images_needed([planted(0.02, 0.005, images=0)], 0.01) is None


def test_a_study_that_test_images_limit_asks_for_them_and_for_no_seeds() -> None:
    results = few_images(10)
    verdict = results.verdict()
    assert {one.limited_by for one in verdict.damages if one.kind != "context"} == {"images"}
    assert (verdict.answer, verdict.reasons) == ("undecided", ("images",))
    assert verdict.seeds_needed is None
    assert not verdict.seeds_may_decide
    assert not look_at(results).more_seeds, "a sequential design stops"
    assert verdict.images_needed is not None
    assert 1000 < verdict.images_needed < 2500
    assert (
        f"About {verdict.images_needed:,} test images would be needed with these seeds (now 400)." in verdict.lines()[0]
    )
    assert "seeds would" not in verdict.lines()[0]
    assert few_images(10, images=2 * verdict.images_needed).verdict().answer == "present"


def test_no_damage_is_not_shown_on_few_test_images_either() -> None:
    verdict = few_images(10, lost=0.03, gained=0.03).verdict()
    assert max(abs(one.estimated) for one in verdict.damages) < 0.01
    assert verdict.reasons == ("images",)
    assert not verdict.seeds_may_decide


def test_a_missing_control_leaves_present_alone_to_be_reached() -> None:
    verdict = few_images(10, controls={"delay": True}).verdict()
    assert verdict.reasons == ("missing_control", "images")
    assert not verdict.seeds_may_decide
    assert "To measure harm" in verdict.lines()[0]


def test_where_the_seeds_still_disagree_more_of_them_are_tried() -> None:
    verdict = few_images(3).verdict()
    assert (verdict.answer, verdict.reasons) == ("undecided", ("noise",))
    assert verdict.seeds_needed is None, "from the present means, no number of seeds decides"
    assert verdict.seeds_may_decide, "the means may still move"


@pytest.mark.slow
def test_a_design_that_test_images_stop_would_not_have_decided() -> None:
    stopped = [state for state in range(40) if few_images(4, lost=0.026, state=state).verdict().reasons == ("images",)]
    assert len(stopped) > 3
    assert {few_images(20, lost=0.026, state=state).verdict().answer for state in stopped} == {"undecided"}


def test_damage_at_equal_length_that_is_clear_alone_but_not_together_asks_for_seeds() -> None:
    results = equal_alone()
    verdict = results.verdict()
    assert [one.name for one in verdict.evidence] == ["equal_total"]
    assert (verdict.answer, verdict.reasons) == ("undecided", ("together",))
    assert verdict.seeds_may_decide
    assert look_at(results).more_seeds
    assert "Adjusted over the lasting damages too, it does not decide." in verdict.lines()[0]
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed > 4


def test_lasting_damage_without_runs_of_equal_length_names_none() -> None:
    """Over lasting damages alone the bound is Bonferroni's too, which is stricter than that of their intervals."""

    def last(at: int) -> float:
        return 0.0128 * (at == 40)

    verdict = synthetic_results(
        damage=last, noise=0.0014, restarted=never, delayed=last, controls=ALL, random_state=1
    ).verdict()
    assert verdict.reasons == ("together",)
    assert verdict.seeds_may_decide
    assert "Adjusted for the number of lasting damages (Bonferroni), it does not decide." in verdict.lines()[0]
    assert "equal length" not in verdict.lines()[0]


@pytest.mark.parametrize("state", ["failed", "diverged"])
def test_a_control_without_results_is_named(state: Status) -> None:
    verdict = synthetic_results(restarted=never, status=of_role("delay_control", state)).verdict()
    assert verdict.answer == "undecided"
    assert verdict.reasons == (("no_results",) if state == "failed" else ("no_results", "diverged"))
    assert [(one.name, one.at) for one in verdict.without_results] == [("beyond_delay", 40)]
    assert verdict.seeds_needed is None
    assert not verdict.seeds_may_decide
    text = verdict.lines()[0]
    assert "Beyond delay (removal epoch 40) has no results: in every seed, a run that it needs failed" in text
    assert ("Run the study again to repeat the runs that failed." in text) == (state == "failed")
    assert "equal length" not in text
    assert "seeds would" not in text


def test_a_control_without_results_leaves_present_to_be_found() -> None:
    gone = of_role("delay_control", "diverged", 3)
    verdict = synthetic_results(3, noise=0.02, status=gone).verdict()
    assert {"no_results", "diverged", "noise"} <= set(verdict.reasons)
    assert verdict.seeds_may_decide, "harm is open"
    alone = synthetic_results(3, noise=0.02, status=gone, controls={"delay": True}).verdict()
    assert "no_results" in alone.reasons
    assert not alone.seeds_may_decide, "nothing that could be critical has results"


def test_a_point_without_results_matters_for_absent_only() -> None:
    gone: dict[str, Status] = {f"blur-0-5-of-13-seed{seed}": "failed" for seed in range(5)}
    absent = synthetic_results(**FLAT, status=gone).verdict()
    assert absent.reasons == ("no_results",)
    assert [(one.name, one.at) for one in absent.without_results] == [("lasting_damage", 5)]
    assert synthetic_results(restarted=never, delayed=saturating(), status=gone).verdict().answer == "damage_only"


def test_a_control_whose_run_diverged_forbids_absent_where_absent_relies_on_it() -> None:
    one: dict[str, Status] = {"control-restarted-40-of-48-seed1": "diverged"}
    assert synthetic_results(**FLAT).verdict().answer == "absent"
    verdict = synthetic_results(**FLAT, status=one).verdict()
    assert (verdict.answer, verdict.reasons) == ("undecided", ("diverged",))
    assert synthetic_results(**FLAT, status=one, controls=BOTH).verdict().answer == "absent", "equal length shows it"
    damaged = synthetic_results(restarted=never, delayed=saturating(), status=one).verdict()
    assert damaged.answer == "damage_only", "which says nothing of longer training"
    every = synthetic_results(**FLAT, status=of_role("restarted_control", "diverged")).verdict()
    assert every.reasons == ("no_results", "diverged", "length")
    assert every.seeds_needed is None
    assert not every.seeds_may_decide


def few_done(verdict: Verdict) -> tuple[tuple[str, ...], int | None]:
    return verdict.reasons, verdict.seeds_needed


def test_seeds_that_failed_are_made_up_for() -> None:
    names = {run.name for run in synthetic_study().runs if run.deficit}
    every: dict[str, Status] = {f"{name}-seed{seed}": "failed" for name in names for seed in range(3)}
    everywhere = synthetic_results(5, status=every).verdict()
    assert few_done(everywhere) == (("few_seeds",), 6), "two of five are done"
    assert "Run the study again to repeat the runs that failed." in everywhere.lines()[0]
    for failed, needed in ((3, 6), (4, 7)):
        status: dict[str, Status] = {f"blur-0-40-of-48-seed{seed}": "failed" for seed in range(failed)}
        some = synthetic_results(5, **FLAT, status=status).verdict()
        assert few_done(some) == (("few_seeds_at_some_points",), needed)
        assert "Run the study again to repeat the runs that failed." in some.lines()[0]


def test_one_seed_that_lost_much_asks_for_ten() -> None:
    calm = planted(0.004, 0.001)
    assert seeds_needed([calm, planted(0.004, 0.001, kind="lasting")], 0.01) == 3
    much = replace(calm, seeds={0: 0.02, 1: 0.0, 2: 0.0, 3: 0.0, 4: 0.0})
    assert seeds_needed([much, planted(0.004, 0.001, kind="lasting")], 0.01) == 10
    assert seeds_needed([much, planted(0.03, 0.001, kind="lasting")], 0.01) == 3, (
        "damage_only does not look at single seeds"
    )


def test_no_seeds_are_asked_for_where_a_run_that_diverged_forbids_the_answer() -> None:
    gone: dict[str, Status] = {"blur-0-40-of-48-seed1": "diverged"}
    flat = synthetic_results(5, damage=never, noise=0.008, status=gone).verdict()
    assert {"diverged", "noise"} <= set(flat.reasons)
    assert flat.seeds_needed is None, "they would show that there is no damage, which the run forbids"
    assert flat.hardest is None
    worse = synthetic_results(5, (0, 40), lambda at: 0.06 * (at > 0), noise=0.02, status=gone).verdict()
    assert {"diverged", "noise"} <= set(worse.reasons)
    assert worse.seeds_needed is not None, "it does not forbid present"
