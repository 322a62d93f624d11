"""When to switch, from the results of a study: which run is which time, what is left out, and which time comes next."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from critlab._core.errors import StudyError
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Status
from critlab.analysis.test_images import least_sd
from critlab.report.documents.timing_document import timing_document
from critlab.report.text.timing.study_timing import study_timing_lines, timing_facts, timing_label
from synthetic import synthetic_results

TOTAL = 40


def planted(
    truth: Callable[[int], float],
    kind: str = "onset",
    at: tuple[int, ...] = (10, 20, 30),
    spread: float = 0.001,
    seeds: int = 4,
    **options: Any,
) -> Results:
    """Results in which a switch at a time gives this accuracy, with little noise; 40 is a switch that never comes."""
    made = synthetic_results(
        seeds,
        controls={},
        parts={"sweep": {"kind": kind, "at": list(at), "total": TOTAL}, **options.pop("parts", {})},
        **options,
    )
    random = np.random.default_rng(1)
    flips = {run.name: made.study.sweep.origin if run.clean else run.at for run in made.study.runs}
    finals = {
        run.identifier(seed): truth(TOTAL if flips[run.name] == "never" else int(flips[run.name] or 0))
        + random.normal(0, spread)
        for run in made.study.runs
        for seed in made.study.seeds
    }
    rows = (replace(row, value=finals[row.run]) if row.quantity == "test_accuracy" else row for row in made.rows)
    return replace(made, rows=tuple(rows))


def peak(time: int) -> float:
    return 0.8 - 0.002 * abs(time - 20)


@pytest.mark.parametrize("kind", ["onset", "switch_off"])
def test_the_times_are_those_of_the_switch(kind: str) -> None:
    found = planted(peak, kind).timing()
    assert found is not None
    timing = found.timing
    assert [(one.epoch, one.seeds) for one in timing.points] == [(0, 4), (10, 4), (20, 4), (30, 4), (40, 4)]
    for point in timing.points:
        assert point.value == pytest.approx(peak(point.epoch), abs=0.003)
    assert (timing.best.epoch, timing.none_better, found.decided) == (20, False, True)
    assert found.direction == ("on" if kind == "onset" else "off")
    assert found.reruns == 4 * 5 * TOTAL
    assert found.spent == 4 * (2 * TOTAL + 30 + 20 + 10)
    assert timing_label(found) == "epoch 20"


def test_a_time_between_two_tried_ones_comes_next_where_it_is_likely_to_be_better() -> None:
    found = planted(peak, at=(10, 30)).timing()
    assert found is not None
    assert found.candidate == 20
    flat = planted(lambda time: 0.8, at=(10, 30)).timing()
    assert flat is not None
    assert (flat.candidate, flat.timing.matters, timing_label(flat)) == (None, False, "no effect found")


def test_the_present_time_and_the_tolerance_are_the_studys() -> None:
    results = planted(peak, parts={"statistics": {"present": 30, "tolerance": 0.03}})
    found = results.timing()
    assert found is not None
    assert found.timing.tolerance == 0.03
    assert found.timing.present is not None
    assert found.timing.present.estimate == pytest.approx(0.02, abs=0.005)
    assert found.timing.plateau == (10, 30)
    assert any("The present time, epoch 30, costs" in line for line in study_timing_lines(results, found))


def test_runs_that_diverged_or_are_not_done_are_counted_and_left_out() -> None:
    names = [run.identifier(0) for run in planted(peak).study.runs if run.at == 20]
    state: dict[str, Status] = {names[0]: "diverged", names[0].replace("seed0", "seed1"): "missing"}
    results = planted(peak, status=state)
    found = results.timing()
    assert found is not None
    assert (found.diverged, found.missing, found.decided) == (1, 1, False)
    assert {one.epoch: one.seeds for one in found.timing.points} == {0: 4, 10: 4, 20: 2, 30: 4, 40: 4}
    lines = study_timing_lines(results, found)
    assert any(line.startswith("1 run diverged and is left out") for line in lines)
    assert any(line.startswith("1 run is not done") for line in lines)


@pytest.mark.parametrize("seeds", [1, 2])
def test_with_fewer_than_three_seeds_no_time_is_found_and_none_comes_next(seeds: int) -> None:
    results = planted(peak, at=(10, 30), seeds=seeds)
    found = results.timing()
    assert found is not None
    assert (found.timing.reason, found.candidate, found.decided) == ("few_seeds", None, False)
    assert timing_label(found) == "undecided"
    facts = {one.name: one.value for one in timing_facts(results.study, found)}
    assert (facts["Best time"], facts["Plateau"]) == ("not known", "not known")
    document = timing_document(results)
    assert document["answer"] == "undecided"
    assert document["sentence"].endswith(f"It needs at least 3 seeds (n = {seeds}).")
    json.dumps(document, allow_nan=False)


def test_runs_of_never_that_diverged_leave_its_gain_open() -> None:
    names = [run.identifier(0) for run in planted(peak).study.runs if run.clean]
    state: dict[str, Status] = {names[0].replace("seed0", f"seed{seed}"): "diverged" for seed in range(4)}
    found = planted(peak, status=state).timing()
    assert found is not None
    assert (found.timing.never, found.timing.none_better, found.diverged) == (None, None, 4)


def test_a_present_time_without_a_finished_run_has_no_cost() -> None:
    names = [run.identifier(0) for run in planted(peak).study.runs if run.at == 30]
    state: dict[str, Status] = {names[0].replace("seed0", f"seed{seed}"): "diverged" for seed in range(4)}
    results = planted(peak, status=state, parts={"statistics": {"present": 30}})
    found = results.timing()
    assert found is not None
    assert found.timing.present == (30, None, None, None, False)
    assert any(
        "The cost of the present time, epoch 30, is not known" in one for one in study_timing_lines(results, found)
    )


def test_without_a_run_there_is_no_answer() -> None:
    plain = planted(peak)
    every: dict[str, Status] = {run.identifier(seed): "missing" for run in plain.study.runs for seed in range(4)}
    assert planted(peak, status=every).timing() is None


def test_another_sweep_is_refused() -> None:
    with pytest.raises(StudyError, match=r"sweep.kind: received 'removal'; .*allowed: onset, switch_off"):
        synthetic_results(3).timing()


def test_seeds_that_agree_have_the_error_of_rounding() -> None:
    tied = planted(peak, spread=0.0)
    found = tied.timing()
    assert found is not None
    least = least_sd(tied, 1)
    assert least == 1 / 2000
    for one in found.timing.points:
        assert one.low is not None
        assert one.high is not None
        assert one.high - one.low > least
