"""Sweeps over switch times: their runs, their points, and what of a study does not fit them."""

from __future__ import annotations

from typing import Any

import pytest

import critlab
from critlab._core.errors import StudyError
from critlab.sequential.cost import largest
from critlab.sequential.when import asked_when
from critlab.study import Study, WindowOverride
from critlab.study.runs.estimands import named_contrasts
from critlab.study.runs.missing_contrasts import missing_contrasts
from critlab.study.runs.recipe import recipes
from critlab.study.runs.stages import Look, in_play, judged
from critlab.study.runs.tree import build
from critlab.study.sweeps import TimingSweep
from studies import small

ONSET: dict[str, Any] = {"kind": "onset", "at": [2, 4], "total": 8}
SWITCH_OFF: dict[str, Any] = {**ONSET, "kind": "switch_off"}


def windows(study: Study) -> dict[object, tuple[int, int]]:
    return {run.at: (run.window.start, run.window.stop) for run in study.runs if not run.clean}


def test_both_sweeps_have_never_on_and_always_on() -> None:
    onset, off = small(sweep=ONSET), small(sweep=SWITCH_OFF)
    assert windows(onset) == {0: (0, 8), 2: (2, 8), 4: (4, 8)}
    assert windows(off) == {2: (0, 2), 4: (0, 4), "never": (0, 8)}
    for study in (onset, off):
        assert [(run.name, run.total) for run in study.runs if run.clean] == [("control-of-8", 8)]
        assert {run.total for run in study.runs} == {8}
        assert study.sweep.points == (0, 2, 4, "never")
        # 8 + 8 epochs of the ends, and the rest of each fork
        assert build(study).epochs == 16 + 6 + 4
        assert Study.read(study.model_dump(mode="json"), "again") == study


def test_named_ends_are_the_same_sweep() -> None:
    for sweep in (ONSET, SWITCH_OFF):
        named = small(sweep={**sweep, "at": [0, 2, 4, "never"]})
        assert windows(named) == windows(small(sweep=sweep))


def test_a_run_is_on_in_its_window_alone() -> None:
    study = small(deficit=None, switch={"batch": 20}, sweep=SWITCH_OFF)
    run = next(run for run in study.runs if run.at == 4)
    assert [bool(recipe.switches) for recipe in recipes(run, study)] == [True] * 4 + [False] * 4


def test_each_run_is_compared_with_never_on_and_nothing_else() -> None:
    study = small(sweep=SWITCH_OFF, controls={})
    assert {(one.name, one.kind) for one in named_contrasts(study)} == {("equal_total", "context")}
    assert [one.at for one in named_contrasts(study)] == [2, 4, "never"]
    assert missing_contrasts(study) == ()
    assert {run.role for run in study.runs} == {"control", "deficit"}


def test_the_constructors_make_the_studies_of_a_file() -> None:
    switch = WindowOverride(mixup=0.2)
    parts: dict[str, Any] = {"total": 8, "seeds": 2, "setup": small(), "switch": switch}
    onset = critlab.onset_sweep(None, at=range(2, 5, 2), **parts)
    off = critlab.switch_off_sweep(None, at=[2, 4], **parts)
    assert (onset.name, off.name) == ("mixup-onset", "mixup-switch-off")
    assert windows(onset) == {0: (0, 8), 2: (2, 8), 4: (4, 8)}
    assert windows(off) == {2: (0, 2), 4: (0, 4), "never": (0, 8)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sweep": {**ONSET, "at": [9]}}, "sweep.at: received 9; must be below 8, the epochs of the training"),
        ({"sweep": {**ONSET, "at": [7]}}, "sweep.at: received 7; must be at most 5"),
        ({"sweep": {**ONSET, "at": [4, 2]}}, "sweep.at: received 2 after 4; must be increasing"),
        ({"sweep": {"kind": "onset", "at": [2], "recovery": 3}}, "sweep.recovery: received 3; all runs of this sweep"),
        ({"sweep": {"kind": "switch_off", "at": [2]}}, "sweep.total: required, but missing"),
        (
            {"sweep": ONSET, "statistics": {"present": 3}},
            "statistics.present: received 3; must be .* 0, 2, 4, 8",
        ),
        ({"sweep": ONSET, "statistics": {"tolerance": 0.0}}, "statistics.tolerance: received 0.0"),
        ({"sweep": ONSET, "statistics": {"tolerance": float("nan")}}, "statistics.tolerance: .*finite number"),
        ({"statistics": {"present": 3}}, "statistics.present: received 3, but the sweep does not ask when"),
    ],
)
def test_what_does_not_fit_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message) as raised:
        small(**changes)
    assert "\n" not in str(raised.value)


def test_the_present_time_becomes_a_point() -> None:
    study = asked_when(small(sweep=ONSET), present=3, tolerance=0.02)
    assert windows(study) == {0: (0, 8), 2: (2, 8), 3: (3, 8), 4: (4, 8)}
    assert (study.statistics.present, study.statistics.tolerance) == (3, 0.02)
    assert Study.read(study.model_dump(mode="json"), "again") == study
    assert asked_when(small(sweep=ONSET), present=8).sweep == small(sweep=ONSET).sweep
    added = asked_when(small(sweep={**ONSET, "at": {"first": [2, 4], "most": 2}}), present=5)
    assert isinstance(added.sweep, TimingSweep)
    assert added.sweep.adaptive is not None
    assert (added.sweep.adaptive.first, added.sweep.adaptive.most) == ((2, 4, 5), 3)
    assert Study.read(added.model_dump(mode="json"), "again") == added


@pytest.mark.parametrize(
    ("sweep", "present", "tolerance", "message"),
    [
        (ONSET, 7, None, "--present: received 7; must be from 0 to 5, or 8 for never"),
        (ONSET, -1, None, "--present: received -1"),
        (ONSET, None, float("nan"), "--tolerance: received nan; must be a fraction"),
        (ONSET, None, 0.0, "--tolerance: received 0"),
        (
            {"kind": "removal", "at": [1], "recovery": 4},
            None,
            None,
            "sweep.kind: received 'removal'; .*onset",
        ),
    ],
)
def test_a_question_that_does_not_fit_is_refused(
    sweep: dict[str, Any], present: int | None, tolerance: float | None, message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        asked_when(small(sweep=sweep), present, tolerance)


def test_seeds_and_then_points_are_added() -> None:
    study = small(seeds={"first": 3, "most": 4}, sweep={**ONSET, "at": {"first": [2, 5], "most": 3}})

    def look(stage: Study, answer: str, place: int | None = None) -> Look:
        return Look(judged(stage), stage.seeds, stage.sweep.points, 0.01, True, answer, place=place)

    first = in_play(study, [])
    assert (first.seeds, first.sweep.points) == ((0, 1, 2), (0, 2, 5, "never"))
    looks = [look(first, "undecided", 3)]
    second = in_play(study, looks)
    assert (second.seeds, second.sweep.points) == ((0, 1, 2, 3), (0, 2, 5, "never"))
    looks.append(look(second, "decided", 3))
    third = in_play(study, looks)
    assert (third.seeds, third.sweep.points) == ((0, 1, 2, 3), (0, 2, 3, 5, "never"))
    looks.append(look(third, "decided", 4))
    last = in_play(study, looks)
    assert last.sweep.points == third.sweep.points, "the budget is spent"
    whole = largest(first)
    assert (len(whole.seeds), len(whole.sweep.points)) == (4, 5)
    assert Study.read(third.model_dump(mode="json"), "again") == third
