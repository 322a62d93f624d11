"""Layer shares of the Fisher information and how far they move."""

from __future__ import annotations

from dataclasses import replace

import pytest

from critlab.analysis.plasticity import layer_shares, share_shifts
from critlab.analysis.results import Results
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
