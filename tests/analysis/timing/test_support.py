"""Below the fewest seeds, and where seeds are copies, no statement about the time of a switch is made."""

from __future__ import annotations

import json

import numpy as np
import pytest

from critlab.analysis.statistics.summary import Floats
from critlab.analysis.timing import Timing, TimingTable, judge_timing
from critlab.analysis.timing.costs import Costs
from critlab.analysis.timing.support import table_support
from critlab.analysis.timing.tradeoffs import tradeoffs
from critlab.report.charts.timing import timing_chart
from critlab.report.documents.timing_document import timing_values
from critlab.report.text.timing.timing import TimingWords, cheapest_text, timing_lines, tradeoff_lines

TIMES = (0, 5, 10, 20)
WORDS = TimingWords("mixup", "accuracy", fraction=True)
PEAK = np.array([0.5, 0.7, 0.6, 0.55])


def table(
    seeds: int, curve: Floats = PEAK, spread: float = 0.002, holes: tuple[tuple[int, int], ...] = ()
) -> TimingTable:
    random = np.random.default_rng(3)
    values = curve[:, None] + random.normal(0, 0.05, seeds) + random.normal(0, spread, (len(TIMES), seeds))
    for place in holes:
        values[place] = np.nan
    return TimingTable(TIMES, tuple(range(seeds)), values, 20)


def judged(given: TimingTable, least_sd: float = 0.0) -> Timing:
    return judge_timing(given, tolerance=0.01, present=10, least_sd=least_sd)


def check_nothing_is_known(timing: Timing) -> None:
    """No statement, document, row or chart excludes or finds anything."""
    assert (timing.matters, timing.none_better, timing.plateaus, timing.decided) == (None, None, (), False)
    assert (timing.best.low, timing.best.high) == (0, 20)
    for cost in (timing.never, timing.present):
        assert cost is not None
        assert (cost.low, cost.high, cost.worse) == (None, None, False)
    assert {(one.low, one.high, one.deficit_high, one.worse) for one in timing.points} == {(None, None, None, False)}
    first, *rest = lines = timing_lines(timing, WORDS)
    assert first.startswith("Undecided: the best time of mixup is not known. ")
    assert rest[0].endswith("No loss and no gain is excluded.")
    assert not any(word in line for line in lines for word in ("more than", "plateau", "Plateau", "No effect"))
    document = json.loads(json.dumps(timing_values(timing), allow_nan=False))
    assert document["reason"] == timing.reason != ""
    assert {point["worse"] for point in document["points"]} == {None}
    assert document["never"]["high"] is document["plateau"] is document["points"][0]["chance_best"] is None
    costs = Costs({time: 60.0 - time for time in TIMES}, 1.0, 2.0)
    assert cheapest_text(timing, costs, WORDS) == (
        "The cheapest time on the plateau is not known, because no plateau is found."
    )
    rows = tradeoffs({"accuracy": timing}, costs)
    assert {row.beaten for row in rows} == {row.near["accuracy"] for row in rows} == {None}
    assert tradeoff_lines(rows, {"accuracy": timing}, {"accuracy": WORDS}) == [
        "Which times are best in all of accuracy and cost is not known."
    ]
    chart = timing_chart(timing, WORDS)
    assert "without intervals" in chart.caption
    assert "shaded" not in chart.caption
    marks = [layer["mark"]["type"] for layer in chart.panels[0].spec["layer"]]
    assert marks == ["line", "point", "rule"], "the curve, its points, and the present time"


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("curve", [PEAK, np.full(4, 0.5)], ids=["peak", "flat"])
def test_one_and_two_seeds_know_nothing(seeds: int, curve: Floats) -> None:
    timing = judged(table(seeds, curve))
    check_nothing_is_known(timing)
    first, _, present = timing_lines(timing, WORDS)
    assert first.endswith(f"It needs at least 3 seeds (n = {seeds}).")
    assert present.startswith("The present time, epoch 10, costs ")
    assert " points of accuracy [no interval] against the best time." in present


def test_fewer_seeds_never_exclude_more() -> None:
    limits = []
    for seeds in (1, 2, 3, 6, 12):
        never = judged(table(seeds, np.full(4, 0.5), spread=0.01)).never
        assert never is not None
        limits.append(never.high)
    assert limits[:2] == [None, None]
    known = [one for one in limits if one is not None]
    assert len(known) == 3
    assert known == sorted(known, reverse=True)


def test_a_seed_with_one_time_compares_nothing() -> None:
    holes = tuple((place, seed) for seed in (1, 2) for place in (1, 2, 3))
    check_nothing_is_known(timing := judged(table(3, holes=holes)))
    assert timing.reason == "few_pairs"
    assert "at least 3 seeds that have results at the same times" in timing_lines(timing, WORDS)[0]


def test_three_seeds_in_a_chain_have_no_spread() -> None:
    chain = tuple((place, seed) for seed in range(3) for place in range(4) if place not in (seed, seed + 1))
    check_nothing_is_known(timing := judged(table(3, holes=chain)))
    assert timing.reason == "few_pairs"


def test_a_time_that_shares_no_seed_with_the_others_is_not_compared() -> None:
    alone = (*((place, 5) for place in (0, 1, 3)), *((2, seed) for seed in range(5)))
    timing = judged(table(6, holes=alone))
    assert timing.reason == ""
    assert not table_support(table(6, holes=alone).values).compared[2]
    point = timing.points[2]
    assert (point.seeds, point.deficit_high, point.low, point.worse) == (1, None, None, False)
    assert timing.present is not None
    assert (timing.present.estimate, timing.present.high) == (None, None)
    assert not timing.decided
    lines = timing_lines(timing, WORDS)
    assert lines[0].startswith("Turn mixup on at epoch 5 [")
    assert (
        "The cost of the present time, epoch 10, is not known: no run of it can be compared with the other times."
        in lines
    )


def test_never_without_a_shared_seed_excludes_no_gain() -> None:
    alone = (*((place, 5) for place in range(3)), *((3, seed) for seed in range(5)))
    timing = judged(table(6, np.full(4, 0.5), holes=alone))
    assert timing.none_better is None
    lines = timing_lines(timing, WORDS)
    assert "The gain over never is not known" in lines[2]
    assert not any(line.startswith("A gain over never") for line in lines)


@pytest.mark.parametrize("seeds", [3, 8])
@pytest.mark.parametrize("curve", [PEAK, np.full(4, 0.5)], ids=["peak", "flat"])
def test_copies_of_one_training_know_nothing(seeds: int, curve: Floats) -> None:
    copies = TimingTable(TIMES, tuple(range(seeds)), np.tile(curve[:, None], seeds), 20)
    check_nothing_is_known(timing := judged(copies))
    assert timing.reason == "equal_seeds"
    assert f"All {seeds} seeds have the same score at each time" in timing_lines(timing, WORDS)[0]


def test_equal_scores_that_rounding_explains_are_no_copies() -> None:
    copies = TimingTable(TIMES, (0, 1, 2), np.tile(PEAK[:, None], 3), 20)
    timing = judged(copies, least_sd=0.001)
    assert (timing.reason, timing.best.epoch, timing.matters) == ("", 5, True)


def test_seeds_that_differ_by_their_own_level_alone_are_no_copies() -> None:
    """A switch that does nothing leaves each seed with one score: that is known, and not by chance."""
    timing = judged(TimingTable(TIMES, (0, 1, 2), np.tile([0.4, 0.5, 0.3], (4, 1)), 20))
    assert (timing.reason, timing.matters, timing.decided) == ("", False, True)


def test_no_plateau_is_claimed_where_no_loss_is_excluded() -> None:
    timing = judged(table(3, np.full(4, 0.5), spread=0.03))
    assert timing.plateau == (timing.best.epoch, timing.best.epoch)
    assert timing.plateaus == ()
    assert timing_values(timing)["plateau"] is None
    lines = timing_lines(timing, WORDS)
    assert lines[1] == (
        "No plateau is found: at no time is a loss of more than 2.0 points, twice the tolerance, excluded."
    )
    assert "No plateau is found." in timing_chart(timing, WORDS).caption
