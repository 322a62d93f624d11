"""After which epochs networks are tested: the final ones of every run, and every so many before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab._core.errors import StudyError
from critlab.engine.records.study_ids import StudyIds
from critlab.study.ingredients.measurement import TEST, convergence_window, scheduled_measures
from critlab.study.ingredients.window import Window
from critlab.study.runs.origin import Numerics
from critlab.study.runs.run import final_epochs
from critlab.study.runs.tree import build
from critlab.study.study import Study
from studies import small


def swept(every: int, at: Any = (0, 4, 8), recovery: int = 9, final: int = 3, **changes: Any) -> Study:
    sweep = {"kind": "removal", "at": list(at), "recovery": recovery}
    statistics = {"final_epochs": final}
    return small(sweep=sweep, statistics=statistics, evaluation={"every": every}, measures={}, **changes)


def epochs_tested(study: Study, name: str) -> list[int]:
    tree = build(study)
    nodes = (tree.nodes[path] for path in tree.paths(name))
    return [node.epoch for node in nodes if TEST in scheduled_measures(study, node)]


def test_the_final_epochs_are_tested_and_every_fifth_before() -> None:
    study = swept(5)
    assert [run.total for run in study.runs] == [9, 13, 17]
    clean, early, late = (epochs_tested(study, run.name) for run in study.runs)
    # the clean run of 9 epochs is judged for convergence from epoch 6 on
    assert clean == [5, 6, 7, 8, 9]
    assert early == [5, 10, 11, 12, 13]
    assert late == [5, 10, 15, 16, 17]


def test_a_test_after_every_epoch() -> None:
    study = swept(1)
    for run in study.runs:
        assert epochs_tested(study, run.name) == list(range(1, run.total + 1))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True).map(sorted),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_what_counts_for_one_run_is_tested_for_all(every: int, at: list[int], recovery: int, final: int) -> None:
    study = swept(every, [0, *at], recovery, min(final, recovery))
    tree, counted = build(study), set[str]()
    for run in study.runs:
        paths = tree.paths(run.name)
        last = run.final_epochs(study.statistics.final_epochs)
        assert set(last) == set(range(run.total - study.statistics.final_epochs + 1, run.total + 1))
        counted |= {paths[epoch] for epoch in last}
    assert {path for path, node in tree.nodes.items() if node.final} == counted
    for path, node in tree.nodes.items():
        due = TEST in scheduled_measures(study, node)
        window = convergence_window(study)
        start = window is not None and path == tree.paths(window.run.name)[window.start]
        assert due == (path in counted or start or (node.epoch > 0 and node.epoch % every == 0))


def test_a_state_may_be_final_for_one_run_and_not_for_another() -> None:
    """The deficit that is never removed ends on the way of none; a window that opens late is clean where others end."""
    sweep = {"kind": "window", "onsets": [0, 6], "length": 2, "recovery": 4}
    study = small(sweep=sweep, statistics={"final_epochs": 2}, evaluation={"every": 100}, measures={})
    tree = build(study)
    clean = min((run for run in study.runs if run.clean), key=lambda run: run.total)
    late = next(run for run in study.runs if not run.clean and run.window.start == 6)
    assert clean.total == 6
    shared = tree.paths(clean.name)[5:]
    assert shared == tree.paths(late.name)[5:7], "the late window begins where the short clean run ends"
    assert all(tree.nodes[path].final for path in shared)
    assert epochs_tested(study, late.name) == [4, 5, 6, 11, 12]


def test_final_epochs_lie_after_the_window() -> None:
    assert list(final_epochs(10, Window(0, 8), 3)) == [9, 10]
    assert list(final_epochs(10, Window(0, 10), 3)) == [8, 9, 10]
    assert list(final_epochs(10, Window(4, 4), 3)) == [8, 9, 10]
    assert list(final_epochs(2, Window(0, 0), 3)) == [1, 2]


def test_how_often_a_network_is_tested_names_nothing() -> None:
    names = [StudyIds(swept(every), "f", Numerics()) for every in (1, 4)]
    path = build(swept(1)).ends[swept(1).runs[0].name]
    assert len({one.reading(0, path, TEST) for one in names}) == 1
    assert len({one.origin_digest(0) for one in names}) == 1
    assert "every" not in small().model_dump(mode="json")["evaluation"], "earlier records have the same content"
    assert swept(4).model_dump(mode="json")["evaluation"]["every"] == 4
    assert Study.read(small().model_dump(mode="json"), "again").evaluation.every == 1


@pytest.mark.parametrize("every", [0, -1, 2.5, "often", True])
def test_a_wrong_distance_is_refused_in_one_line(every: Any) -> None:
    with pytest.raises(StudyError, match=r"evaluation\.every: received") as error:
        swept(every)
    assert str(error.value).count("\n") <= 1
