"""Files that vanish while a study runs: status 0 means that everything was read back from the store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import critlab
from critlab._core.errors import StoreError
from critlab.analysis.tables.reading import read_results
from critlab.engine.context import RunOptions
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.run import ROUNDS, run_study, work_off
from critlab.store import Store
from inline import table
from studies import small

pytestmark = pytest.mark.slow  # every test trains in worker processes, or with the trainer of another package

CHEAP = {"weights": {"every": 2}}


@pytest.fixture
def cleaner(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Calls each function of this list at the end of one round of work, before the store is read again."""
    waiting: list[Any] = []

    def then_cleaned(work: Any, context: Any, executor: Any, display: Any, interruption: Any) -> Any:
        ended = work_off(work, context, InlineExecutor, display, interruption)
        if waiting:
            waiting.pop(0)()
        return ended

    monkeypatch.setattr("critlab.engine.run.work_off", then_cleaned)
    return waiting


def first(folder: Path) -> Path:
    return sorted(path for path in folder.rglob("*") if path.is_file())[0]


def some(store: Path) -> None:
    first(store / "epochs").unlink()
    first(store / "readings").unlink()


DELETED: dict[str, Callable[[Path], Any]] = {
    "an epoch and a reading": some,
    "the records of all epochs": lambda store: shutil.rmtree(store / "epochs"),
    "the study's record": lambda store: shutil.rmtree(store / "studies"),
    "the whole store": shutil.rmtree,
}


@pytest.mark.parametrize("what", DELETED)
def test_what_vanishes_is_made_again(
    cleaner: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    study, store = small(seeds=1, precision=None, measures=CHEAP), Store(tmp_path / "s")
    cleaner.append(lambda: DELETED[what](store.root))
    report = run_study(study, store, RunOptions(workers=1, precision="float32"))
    assert report.status == 0
    assert {outcome.status for outcome in read_results(study, store).outcomes} == {"done"}
    told = capsys.readouterr().err
    said = "disappeared from the store while this command ran; repeating this work" in told
    assert said == (what != "the study's record")
    undisturbed = Store(tmp_path / "undisturbed")
    assert run_study(study, undisturbed, RunOptions(executor="inline", precision="float32")).status == 0
    assert table(study, store) == table(study, undisturbed)


def test_what_vanishes_again_and_again_is_status_1(
    cleaner: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, store = small(seeds=1, measures=CHEAP), Store(tmp_path / "s")
    cleaner += [lambda: some(store.root)] * (ROUNDS + 1)
    report = run_study(study, store, RunOptions(workers=1))
    assert (report.status, bool(report.outcome.vanished)) == (1, True)
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "disappeared" in line][-1] == (
        f"{store.root}: 1 epoch and 1 reading disappeared from the store while this command ran; stopping here: "
        "find out which program deletes files there, then repeat the command"
    )
    cleaner += [lambda: some(store.root)] * (ROUNDS + 1)
    with pytest.raises(StoreError, match="disappeared from the store"):
        critlab.run(study, store.root, workers=1)
    assert run_study(study, store, RunOptions(workers=1)).status == 0
