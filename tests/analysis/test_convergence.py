"""Whether a control has converged: where its learning rate falls, a rise is that of the rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from critlab.analysis.judgement.convergence import Where, comparison
from critlab.analysis.judgement.guards import Unconverged, unconverged
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Row
from critlab.hooks.own_loop.study import OwnSchedule
from critlab.learning_tasks.metric import ACCURACY
from critlab.report.text.judgement.guards import guard_text
from critlab.study.ingredients.measurement import convergence_window
from synthetic import synthetic_results, synthetic_study
from verdict_cases import trained_epochs

WSD: dict[str, Any] = {"lr_decay": 1.0, "clock": "wsd", "decay": 10}


def results(total: int = 40, every: int = 1, better: str = "higher", **optimizer: Any) -> Results:
    """Four seeds of one length whose control goes up from 30 % by 15 points in its last ten epochs alone."""
    parts = {"sweep": {"kind": "removal", "at": [0, 5, 10], "total": total}, "evaluation": {"every": every}}
    made = synthetic_results(4, parts=parts, optimizer=optimizer, controls={"delay": False})
    return rising(made, lambda epoch: 0.015 * max(epoch - total + 10, 0))


def rising(made: Results, by: Callable[[int], float]) -> Results:
    """The results with a score that depends on the epoch alone, but for a little of the seed."""

    def score(row: Row) -> float:
        return 0.3 + by(trained_epochs(row)) + 0.0005 * row.seed

    rows = (replace(row, value=score(row)) if row.quantity == "test_accuracy" else row for row in made.rows)
    return replace(made, rows=tuple(rows))


def thinned(made: Results, epochs: set[int]) -> Results:
    """Without the tests after other epochs."""
    return replace(made, rows=tuple(row for row in made.rows if row.quantity != "test_accuracy" or row.epoch in epochs))


def found(made: Results) -> Unconverged | None:
    """The same guard alone and in the verdict."""
    guard = unconverged(made)
    assert guard == next((one for one in made.verdict().guards if isinstance(one, Unconverged)), None)
    return guard


@pytest.mark.parametrize(
    ("optimizer", "where"),
    [
        ({"clock": "constant", "lr_decay": 1.0}, (27, 40, 3, "last_third")),
        ({"clock": "absolute", "lr_decay": 0.85}, (27, 40, 3, "last_third")),
        (WSD, (20, 30, 3, "one_rate")),
        ({**WSD, "decay": 1}, (26, 39, 3, "one_rate")),
        ({**WSD, "decay": 5, "warmup": 4}, (25, 35, 3, "one_rate")),
        ({**WSD, "clock": "wsd_restart"}, (20, 30, 3, "one_rate")),
        ({"clock": "step", "lr_decay": 1.0, "milestones": [30]}, (20, 30, 3, "one_rate")),
        ({"clock": "step", "lr_decay": 1.0, "milestones": [10, 20]}, (27, 40, 3, "last_third")),
        ({"clock": "polynomial", "lr_decay": 1.0, "power": 3.0}, (27, 40, 3, "last_third")),
        ({"clock": "polynomial", "lr_decay": 1.0}, None),
        ({"clock": "warmup_cosine", "lr_decay": 1.0}, None),
        ({"clock": "warmup_cosine_restart", "lr_decay": 1.0}, None),
        ({"clock": "cosine_restart", "lr_decay": 0.9}, None),
        ({"clock": "one_cycle", "lr_decay": 1.0}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_scores_are_compared_where_the_rate_hardly_falls(
    optimizer: dict[str, Any], where: tuple[int, int, int, Where] | None
) -> None:
    sweep = {"kind": "removal", "at": [0, 5, 10], "total": 40}
    study = synthetic_study(4, optimizer=optimizer, controls={}, parts={"sweep": sweep})
    compared = comparison(study, range(1, 41))
    assert (None if compared is None else tuple(compared)[1:]) == where


def test_the_rise_of_a_decay_at_the_end_does_not_ask_for_more_training() -> None:
    assert found(results(**WSD)) is None
    assert found(results(clock="warmup_cosine", lr_decay=1.0)) is None
    constant = found(results(clock="constant", lr_decay=1.0))
    assert constant is not None
    assert constant.rise.mean == pytest.approx(0.015 * 9)


def test_a_rise_at_the_stable_rate_does() -> None:
    guard = found(rising(results(**WSD), lambda epoch: 0.01 * epoch))
    assert guard is not None
    assert (guard.start, guard.end, guard.where) == (20, 30, "one_rate")
    assert guard.rise.mean == pytest.approx(0.01 * 10)
    text = guard_text(guard)
    assert text.startswith("The control has not converged: its accuracy rises by 10.0 points [9.9, 10.1], n = 4 ")
    assert text.endswith("from epoch 20 to 30, at one learning rate. Train for longer.")


def test_where_lower_is_better_the_stable_phase_counts_too() -> None:
    made = rising(results(**WSD), lambda epoch: -0.005 * epoch)
    vars(made)["metric"] = replace(ACCURACY, better="lower")
    guard = unconverged(made)
    assert guard is not None
    assert guard.rise.mean == pytest.approx(0.005 * 10)
    assert "its accuracy falls by 5.0 points" in guard_text(guard)


def test_the_stable_phase_is_judged_from_the_tests_that_lie_in_it() -> None:
    steady = rising(results(**WSD), lambda epoch: 0.01 * epoch)
    guard = found(thinned(steady, {8, 17, 28, 38, 39, 40}))
    assert guard is not None
    assert (guard.start, guard.end) == (17, 28)
    assert guard.rise.mean == pytest.approx(0.11)
    assert found(thinned(steady, {28, 38, 39, 40})) is None, "one test in it shows no rise"
    assert found(thinned(steady, {22, 28, 38, 39, 40})) is None, "less than a third of it apart"


def test_tests_of_a_finished_study_stay_where_they_were() -> None:
    window = convergence_window(results(**WSD).study)
    assert window is not None
    assert (window.start, window.width) == (27, 3)


def test_a_loop_of_ones_own_is_told_what_critlab_does_not_know() -> None:
    made = results(clock="constant", lr_decay=1.0)
    unknown = replace(made, study=made.study.model_copy(update={"optimizer": OwnSchedule(name="sgd")}))
    guard = unconverged(unknown)
    assert guard is not None
    assert (guard.start, guard.end, guard.where) == (27, 40, "unknown_rate")
    text = guard_text(guard)
    assert text.startswith("The control may not have converged: its accuracy rises by 13.5 points")
    assert text.endswith("Unless your loop lowers the learning rate there, train for longer.")
    longer = guard_text(replace(guard, longer=True))
    assert "there, longer runs may end higher for that reason alone. Train for longer, or give critlab.probe" in longer
