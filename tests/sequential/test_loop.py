"""The loop above the engine: seeds until the answer is decided, points until the closing is narrow."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from critlab.analysis.statistics.sequential import look_level
from critlab.analysis.tables.reading import read_results
from critlab.engine.context import RunOptions
from critlab.engine.records.look_record import now_in_play
from critlab.sequential.cost import largest
from critlab.sequential.loop import run_study_to_answer
from critlab.store import Store
from critlab.study.runs.tree import build
from planted import planted
from studies import small

SEEDS = {"first": 3, "most": 6}
QUICK: dict[str, Any] = {"at": [0, 1, 2], "recovery": 1, "seeds": SEEDS}
COUNTS = (3, 4, 5, 6)


def nothing(deprived: int) -> float:
    return 0.0


def large(deprived: int) -> float:
    return 0.3 * (deprived > 0)


def late(deprived: int) -> float:
    return 0.3 * (deprived >= 9)


def record(store: Path) -> bytes:
    """The one record of looks in a store."""
    (file,) = (store / "looks").rglob("*.json")
    return file.read_bytes()


@pytest.mark.slow
def test_a_large_damage_needs_the_first_seeds_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = planted(large, tmp_path, **QUICK)
    assert results.study.seeds == (0, 1, 2)
    (look,) = results.looks
    assert (look.answer, look.decided, look.planned) == (results.verdict().answer, True, True)
    assert look.level == look_level(COUNTS)
    assert "continuing" not in capsys.readouterr().err


@pytest.mark.slow
def test_where_nothing_decides_the_budget_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = planted(nothing, tmp_path, deviation=0.2, **QUICK)
    assert [len(look.seeds) for look in results.looks] == [*COUNTS]
    assert not any(look.decided for look in results.looks)
    assert results.study.seeds == (0, 1, 2, 3, 4, 5)
    assert "continuing with 4 seeds (at most 6)" in capsys.readouterr().err
    again = planted(nothing, tmp_path, deviation=0.2, **QUICK)
    assert again.looks == results.looks, "no new look"
    assert again.to_csv() == results.to_csv()
    more = planted(nothing, tmp_path, deviation=0.2, **{**QUICK, "seeds": {"first": 3, "most": 8}})
    assert [len(look.seeds) for look in more.looks] == [*COUNTS, 8]
    assert [look.planned for look in more.looks] == [True] * 4 + [False], "the design was changed"
    assert more.looks[:4] == results.looks


@pytest.mark.slow
def test_points_are_added_where_the_closing_lies(tmp_path: Path) -> None:
    points = {"first": [0, 6, 18], "most": 7}
    results = planted(late, tmp_path, at=points, recovery=1, seeds=3, closing_width=3)
    assert [look.points for look in results.looks][:2] == [(0, 6, 18), (0, 6, 12, 18)]
    assert results.study.sweep.points == (0, 6, 9, 12, 18)
    assert results.looks[-1].width is not None
    assert results.looks[-1].width <= 3
    assert {look.level for look in results.looks} == {0.025}, "the same seeds"
    reread = read_results(now_in_play(results.study, Store(tmp_path)), Store(tmp_path))
    assert reread.to_csv() == results.to_csv()


@pytest.mark.slow
def test_seeds_added_to_any_study_are_a_look_that_is_accounted_for(tmp_path: Path) -> None:
    first = planted(nothing, tmp_path, **{**QUICK, "seeds": 3})
    assert [(look.level, look.planned) for look in first.looks] == [(0.025, True)]
    grown = planted(nothing, tmp_path, **{**QUICK, "seeds": 5})
    assert [look.planned for look in grown.looks] == [True, False]
    assert grown.looks[1].level < 0.01
    assert planted(nothing, tmp_path, **{**QUICK, "seeds": 5}).looks == grown.looks
    assert planted(nothing, tmp_path, **{**QUICK, "seeds": 3}).looks == grown.looks, "seen before"
    other = planted(nothing, tmp_path, name="another", **{**QUICK, "seeds": 4})
    assert [look.planned for look in other.looks] == [True], "another study"


@pytest.mark.slow
def test_a_finished_study_from_before_looks_were_recorded_counts_as_one(tmp_path: Path) -> None:
    planted(nothing, tmp_path, **{**QUICK, "seeds": 3})
    shutil.rmtree(tmp_path / "looks")
    grown = planted(nothing, tmp_path, **{**QUICK, "seeds": 5})
    assert (len(grown.looks[0].seeds), grown.looks[0].level) == (3, 0.025)
    assert [look.planned for look in grown.looks] == [True, False]
    assert grown.verdict().looks.unplanned == 1
    assert planted(nothing, tmp_path, **{**QUICK, "seeds": 5}).looks == grown.looks


def test_the_largest_study_has_the_whole_budget(tmp_path: Path) -> None:
    made = planted(
        nothing, tmp_path, at={"first": [0, 2], "most": 3}, recovery=1, seeds=SEEDS, smallest_damage=0.9
    ).study
    whole = largest(made)
    assert (len(whole.seeds), len(whole.sweep.points)) == (6, 3)
    assert whole.epochs() > made.epochs()


KILLED = """
import os, signal, sys
from pathlib import Path
import planted
from critlab.sequential import loop
score, add, counts = planted.scoring, loop.add_look, {"evaluate": 0, "look": 0}
def dies(what):
    counts[what] += 1
    if sys.argv[2] == what and counts[what] == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
def scoring(*given):
    evaluate = score(*given)
    def counted(state):
        dies("evaluate")
        return evaluate(state)
    return counted
def add_look(*given):
    dies("look")
    return add(*given)
planted.scoring, loop.add_look = scoring, add_look
planted.planted(lambda k: 0.0, Path(sys.argv[1]), 0.2, at=[0, 1, 2], recovery=1, seeds={"first": 3, "most": 5})
"""


def started(store: Path, *dies: str) -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": ":".join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", KILLED, str(store), *dies], env=environment, text=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    store = tmp_path_factory.mktemp("undisturbed")
    results = planted(nothing, store, deviation=0.2, **{**QUICK, "seeds": {"first": 3, "most": 5}})
    return {"looks": record(store), "table": results.to_csv().encode()}


@pytest.mark.slow
@pytest.mark.parametrize("dies", [("evaluate", "7"), ("evaluate", "20"), ("look", "1"), ("look", "2")])
def test_killed_in_the_middle_it_gives_the_same_looks(
    undisturbed: Mapping[str, bytes], tmp_path: Path, dies: tuple[str, str]
) -> None:
    assert started(tmp_path, *dies).wait() == -signal.SIGKILL
    results = planted(nothing, tmp_path, deviation=0.2, **{**QUICK, "seeds": {"first": 3, "most": 5}})
    assert record(tmp_path) == undisturbed["looks"]
    assert results.to_csv().encode() == undisturbed["table"]


@pytest.mark.slow
def test_two_processes_at_once_give_the_same_looks(undisturbed: Mapping[str, bytes], tmp_path: Path) -> None:
    both = [started(tmp_path, "never", "0") for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert record(tmp_path) == undisturbed["looks"]


@pytest.mark.slow
def test_points_are_added_by_critlab_s_own_training_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A short training on random labels is a worse start than new weights, and no further point is needed."""
    study = small(
        seeds=3,
        data={"name": "sample", "train": 200, "test": 500},
        model={"name": "mlp", "hidden": [32]},
        optimizer={"name": "sgd", "lr": 0.05, "batch": 20, "clock": "constant"},
        deficit={"name": "random_labels"},
        sweep={"kind": "removal", "at": {"first": [0, 4, 16], "most": 6}, "recovery": 2},
        statistics={"final_epochs": 1, "smallest_damage": 0.0, "closing_width": 2},
        augment=None,
        measures={},
    )
    store, means = Store(tmp_path), RunOptions(executor="inline")
    report, stage, results = run_study_to_answer(study, store, means, print)
    assert report.status == 0
    assert results is not None
    assert (stage.sweep.points, results.verdict().answer) == ((0, 2, 4, 16), "present")
    assert [look.points for look in results.looks] == [(0, 4, 16), (0, 2, 4, 16)]
    assert results.looks[-1].width == 2, "as narrow as the study wants it"
    assert report.trained == build(stage).epochs * 3
    assert "adding removal epoch 2" in capsys.readouterr().out
    again, same, _ = run_study_to_answer(study, store, means, print)
    assert (again.trained, same) == (0, stage)
