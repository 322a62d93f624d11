"""The best time of a switch: layout, smoothing, comparisons and answer, against oracles and planted curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab.analysis.statistics.summary import Floats
from critlab.analysis.timing import Design, Timing, TimingTable, judge_timing, run_design
from critlab.analysis.timing.noise import additive_layout
from critlab.analysis.timing.smoothing import smooth_curve

TOTAL = 40
TIMES = tuple(range(0, TOTAL + 1, 5))


def planted(
    curve: Floats, times: tuple[int, ...] = TIMES, seeds: int = 5, noise: float = 1.0, key: int = 0
) -> TimingTable:
    random = np.random.default_rng(key)
    own = random.normal(0, 2, seeds)
    values = curve[list(times)][:, None] + own + random.normal(0, noise, (len(times), seeds))
    return TimingTable(times, tuple(range(seeds)), values, TOTAL)


def bump(at: float, width: float, height: float) -> Floats:
    found: Floats = height * np.exp(-0.5 * ((np.arange(TOTAL + 1.0) - at) / width) ** 2)
    return found


@settings(max_examples=25, deadline=None)
@given(key=st.integers(0, 10_000), holes=st.integers(0, 6))
def test_the_layout_is_the_least_squares_fit_of_times_and_seeds(key: int, holes: int) -> None:
    random = np.random.default_rng(key)
    values = random.normal(size=(5, 4))
    for place in random.permutation(20)[:holes]:
        values.flat[place] = np.nan
    rows, columns = np.nonzero(~np.isnan(values))
    design = np.zeros((len(rows), 9))
    design[np.arange(len(rows)), rows] = design[np.arange(len(rows)), 5 + columns] = 1
    layout = additive_layout(values)
    # the oracle has the weights that the layout chose
    weights = 1 / layout.sd[rows]
    fitted = np.linalg.lstsq(design * weights[:, None], values[rows, columns] * weights, rcond=None)[0]
    tried = np.unique(rows)
    if np.linalg.matrix_rank(layout.precision, tol=1e-6) == len(tried) - 1:
        ours, theirs = layout.mean[tried], fitted[tried]
        assert np.allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-8)
    assert layout.freedom == len(rows) - np.linalg.matrix_rank(design)


def test_the_noise_of_a_run_is_found() -> None:
    found = [additive_layout(planted(bump(20, 8, 5), key=key).values).sd.mean() for key in range(40)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("curve", ["two peaks", "step"])
def test_two_peaks_and_a_step_are_not_smoothed_away(curve: str) -> None:
    at = np.arange(TOTAL + 1.0)
    truth = bump(10, 4, 6) + bump(30, 4, 6) if curve == "two peaks" else np.where(at <= 20, 6.0, 0.0)
    table = planted(truth, seeds=6)
    smooth = smooth_curve(table.times, additive_layout(table.values), never=True, tolerance=1.0).mean
    wanted = truth[list(TIMES)]
    assert np.abs((smooth - smooth.mean()) - (wanted - wanted.mean())).max() < 1.3
    assert np.ptp(smooth) > 0.8 * np.ptp(wanted)
    if curve == "step":
        # all of the fall lies between two neighbouring times
        assert smooth[4] - smooth[5] > 0.75 * 6


def test_a_flat_curve_is_averaged_over_its_times() -> None:
    errors, plain = [], []
    for key in range(20):
        layout = additive_layout(planted(np.zeros(TOTAL + 1), key=key).values)
        errors.append(smooth_curve(TIMES, layout, never=False, tolerance=1.0).mean.std())
        plain.append(layout.mean.std())
    assert np.mean(errors) < 0.6 * np.mean(plain)


def test_a_peak_is_found_with_its_plateau_and_the_cost_of_other_times() -> None:
    timing = judge_timing(planted(bump(15, 6, 10), seeds=8), tolerance=1.0, present=35)
    assert timing.best.epoch == 15
    assert timing.best.low <= 15 <= timing.best.high
    assert timing.plateau.low <= 15 <= timing.plateau.high <= 20
    assert timing.matters
    assert timing.none_better is False
    assert timing.present is not None
    assert timing.present.worse
    assert timing.present.low is not None
    assert timing.present.high is not None
    assert timing.present.low < 9.96 < timing.present.high
    assert timing.points[-1].epoch == TOTAL
    assert timing.points[-1].worse


def test_less_is_better_is_the_same_question_with_the_other_sign() -> None:
    table = planted(bump(15, 6, 10), seeds=4)
    other = TimingTable(table.times, table.seeds, -table.values, table.never)
    up, down = judge_timing(table, tolerance=1.0, present=0), judge_timing(other, tolerance=1.0, goal="min", present=0)
    assert (up.best, up.plateau, up.present) == (down.best, down.plateau, down.present)
    assert [one.value for one in up.points] == [-one.value for one in down.points]
    for one in down.points:
        assert one.low is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high


def test_a_switch_that_changes_nothing_at_all_is_null() -> None:
    values = np.tile([0.4, 0.5, 0.3], (len(TIMES), 1))
    timing = judge_timing(TimingTable(TIMES, (0, 1, 2), values, TOTAL), tolerance=0.01)
    assert not timing.matters
    assert timing.none_better
    assert timing.decided
    assert timing.best == (TOTAL, 0, TOTAL)
    assert timing.plateau == (0, TOTAL)


def test_two_seeds_decide_nothing() -> None:
    timing = judge_timing(planted(bump(15, 6, 50), seeds=2), tolerance=1.0)
    assert not timing.matters
    assert not timing.decided
    assert timing.plateau == (timing.best.epoch, timing.best.epoch)
    assert (timing.best.low, timing.best.high) == (0, TOTAL)


def test_one_known_cell_is_enough_to_answer_something() -> None:
    timing = judge_timing(TimingTable.of({(5, 0): 0.5}, TIMES, TOTAL), tolerance=0.01)
    assert timing.best.epoch == 5
    assert timing.none_better is None
    assert timing.never is None


def test_tables_that_do_not_hold_together_are_refused() -> None:
    for build in (
        lambda: TimingTable((1, 1), (0,), np.zeros((2, 1))),
        lambda: TimingTable((1, 2), (0, 0), np.zeros((2, 2))),
        lambda: TimingTable((1, 2), (0,), np.zeros((1, 2))),
        lambda: TimingTable((1, 2), (0,), np.full((2, 1), np.inf)),
        lambda: TimingTable((1, 2), (0,), np.zeros((2, 1)), never=1),
        lambda: judge_timing(TimingTable((1,), (0,), np.zeros((1, 1))), tolerance=0.0),
        lambda: judge_timing(TimingTable((1,), (0,), np.zeros((1, 1))), tolerance=1.0, present=3),
        lambda: judge_timing(TimingTable.of({}, (1, 2)), tolerance=1.0),
    ):
        with pytest.raises(ValueError, match="received"):
            build()


def adaptive(truth: Floats, design: Design, key: int) -> tuple[Timing, dict[tuple[int, int], float]]:
    random = np.random.default_rng(key)
    noise = random.normal(0, 1, (TOTAL + 1, len(design.seeds)))
    cells: dict[tuple[int, int], float] = {}

    def train(asked: tuple[tuple[int, int], ...]) -> dict[tuple[int, int], float]:
        assert not set(asked) & set(cells)
        found = {(time, seed): float(truth[time] + noise[time, seed]) for time, seed in asked}
        cells.update(found)
        return found

    return run_design(design, train, tolerance=1.0, never=TOTAL), cells


@pytest.mark.slow
def test_further_seeds_go_to_the_times_that_may_be_the_best() -> None:
    design = Design.of(range(0, TOTAL + 1, 4), range(8), always=(0, TOTAL))
    timing, cells = adaptive(bump(16, 6, 8), design, key=1)
    runs = {time: sum(one == time for one, _ in cells) for time in design.candidates}
    assert max(runs, key=lambda time: runs[time]) in range(8, 25)
    assert runs[TOTAL] <= 4
    assert timing.best.low <= 16 <= timing.best.high
    assert len(cells) < 0.6 * len({time for time, _ in cells}) * len({seed for _, seed in cells})


@pytest.mark.slow
def test_a_switch_that_does_nothing_is_decided_early() -> None:
    design = Design.of(range(0, TOTAL + 1, 4), range(10), always=(0, TOTAL))
    timing, cells = adaptive(np.zeros(TOTAL + 1), design, key=2)
    assert timing.decided
    assert not timing.matters
    assert timing.plateau == (0, TOTAL)
    assert len({seed for _, seed in cells}) < 10


def test_the_level_holds_over_looks_that_further_seeds_add() -> None:
    few, many = (Design.of(TIMES, range(seeds)) for seeds in (3, 20))
    assert few.level == many.level < 0.006
    assert few.counts == (3,)
    assert many.counts[-1] == 20
