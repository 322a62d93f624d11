"""Layer shares of the Fisher information and how far they move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from critlab.analysis.information.plasticity import information_plasticity, layer_shares, share_shifts
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Row
from synthetic import LAYERS, synthetic_results


def test_shares_add_up_to_one() -> None:
    results = synthetic_results(2, (0, 5))
    sums: dict[tuple[str, int], float] = {}
    for share in layer_shares(results):
        sums[share.run, share.epoch] = sums.get((share.run, share.epoch), 0.0) + share.share
    assert len(sums) > 20
    assert list(sums.values()) == pytest.approx([1] * len(sums))


def test_shares_of_a_clean_run_are_the_known_ones() -> None:
    clean = [s for s in layer_shares(synthetic_results(1, (0, 5))) if s.arm == "control"]
    assert {s.layer: pytest.approx(s.share) for s in clean} == LAYERS


def test_shift_is_the_total_variation_between_removal_and_end() -> None:
    results = synthetic_results(1, (0, 5), controls={})
    (before,) = share_shifts(results)
    assert (before.removal, before.first, before.last) == (5, 6, 12)
    assert before.distance == pytest.approx(0)
    moved = tuple(
        replace(row, value=row.value * 3) if (row.epoch, row.layer) == (12, "head") and row.arm == "blur" else row
        for row in results.rows
    )
    (after,) = share_shifts(Results(results.study, moved, results.outcomes))
    head = next(s.share for s in layer_shares(results) if s.arm == "blur" and (s.epoch, s.layer) == (12, "head"))
    assert after.distance == pytest.approx(3 * head / (1 + 2 * head) - head)
    assert after.error > 0


def test_nothing_measured_gives_nothing() -> None:
    results = synthetic_results(1, (0, 5))
    assert layer_shares(Results(results.study, (), results.outcomes)) == ()
    assert share_shifts(Results(results.study, (), results.outcomes)) == ()


def noisy(results: Results, moved: float, random_state: int, noise: float = 0.05) -> Results:
    """Shares that do not move after removal but for ``moved`` from conv1 to head at the end; readings with noise."""
    random = np.random.default_rng(random_state)
    rows = []
    for row in results.rows:
        if row.quantity == "fisher_trace" and row.layer:
            last = row.epoch == max(r.epoch for r in results.by_run[row.run])
            change = {"conv1": -moved, "head": moved}.get(row.layer, 0.0) if last else 0.0
            true = 100 * (LAYERS[row.layer] + change)
            row = replace(row, value=true * (1 + noise * random.normal()), stderr=noise * true)
        rows.append(row)
    return Results(results.study, tuple(rows), results.outcomes)


def test_where_nothing_moves_the_distance_is_the_floor_and_the_excess_nothing() -> None:
    results = synthetic_results(40, (0, 4), controls={})
    found = [information_plasticity(noisy(results, 0.0, state))[0] for state in range(5)]
    assert [(point.arm, point.removal, point.distance.n) for point in found] == [("blur", 4, 40)] * 5
    distances, floors = np.mean([p.distance.mean for p in found]), np.mean([p.floor for p in found])
    assert distances == pytest.approx(floors, rel=0.1)
    assert sum(low <= 0 <= high for p in found if (low := p.excess.low) is not None and (high := p.excess.high)) >= 4


def test_a_known_move_is_found_within_the_floor() -> None:
    (point,) = information_plasticity(noisy(synthetic_results(40, (0, 4), controls={}), 0.2, 1))
    assert point.distance.mean == pytest.approx(0.2, abs=0.01)
    assert point.excess.mean == pytest.approx(point.distance.mean - point.floor)
    assert point.excess.low is not None
    assert 0.2 - point.floor - 0.01 <= point.excess.low
    assert point.floor < 0.05


def test_plasticity_is_told_for_every_arm_and_removal() -> None:
    results = synthetic_results(3, (0, 2, 4))
    found = information_plasticity(results)
    assert [(p.arm, p.removal) for p in found][:2] == [("blur", 2), ("blur", 4)]
    assert {p.removal for p in found} == {2, 4}
    assert all(len(p.shifts) == p.distance.n == 3 for p in found)
    (one, _) = information_plasticity(synthetic_results(1, (0, 2, 4), controls={}))
    assert one.distance.low is None
    assert information_plasticity(Results(results.study, (), results.outcomes)) == ()


def test_the_drift_of_a_run_whose_deficit_is_never_removed_is_subtracted() -> None:
    results = synthetic_results(3, (0, 4, "never"), controls={})
    never = {run.identifier(seed): seed for run in results.study.runs if run.at == "never" for seed in (0, 1, 2)}

    def shares(row: Row) -> Row:
        """All runs of a seed have the same shares, and they move in the last reading."""
        if row.quantity != "fisher_trace" or not row.layer:
            return row
        return replace(row, value=100 * LAYERS[row.layer] * (2 if row.epoch >= 12 and row.layer == "head" else 1))

    rows = tuple(shares(row) for row in results.rows)
    (alike,) = information_plasticity(Results(results.study, rows, results.outcomes))
    moved = pytest.approx(2 * LAYERS["head"] / (1 + LAYERS["head"]) - LAYERS["head"])
    assert alike.drift is not None
    assert alike.beyond_drift is not None
    assert [alike.distance.mean, alike.drift.mean, alike.beyond_drift.mean] == [moved, moved, pytest.approx(0)]
    frozen = tuple(
        replace(row, value=100 * LAYERS[row.layer]) if row.run in never and row.layer in LAYERS else row for row in rows
    )
    (removed,) = information_plasticity(Results(results.study, frozen, results.outcomes))
    assert removed.beyond_drift is not None
    assert removed.beyond_drift.mean == moved
    (alone,) = information_plasticity(synthetic_results(3, (0, 4), controls={}))
    assert alone.drift is None
    assert alone.beyond_drift is None


def test_the_error_of_a_share_holds_that_of_the_total() -> None:
    results = synthetic_results(1, (0, 4), controls={})
    (shift,) = share_shifts(noisy(results, 0.0, 0, noise=0.02))
    random = np.random.default_rng(0)
    made = 100 * np.array(list(LAYERS.values())) * (1 + 0.02 * random.normal(size=(20000, 2, 3)))
    shares = made / made.sum(-1, keepdims=True)
    assert shift.error == pytest.approx(np.abs(shares[:, 0] - shares[:, 1]).sum(-1).mean() / 2, rel=0.08)
