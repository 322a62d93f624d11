"""The rows of executors: each gives the same table, and a name that is none is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import critlab as laboratory
from command import Command
from critlab._core.errors import StudyError
from critlab.engine.context import RunOptions
from critlab.engine.executors import EXECUTORS
from critlab.engine.executors.finding import find_executor
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.run import run_study
from critlab.store import Store
from inline import table
from studies import small, written


@pytest.mark.slow
def test_every_executor_of_this_machine_gives_the_same_table(tmp_path: Path) -> None:
    study, threads = small(seeds=1, measures={"weights": {"every": 2}}), torch.get_num_threads()
    found = {}
    for name in ("inline", "processes"):
        report = run_study(study, Store(tmp_path / name), RunOptions(workers=1, executor=name))
        assert (report.status, report.outcome.failures) == (0, [])
        found[name] = table(study, Store(tmp_path / name))
    assert found["inline"] == found["processes"]
    assert torch.get_num_threads() == threads


def test_names_of_the_earlier_version_and_paths_are_taken() -> None:
    assert find_executor("local") is EXECUTORS["processes"]
    assert find_executor("critlab.engine.executors.inline:InlineExecutor") is InlineExecutor


def test_another_name_is_refused_before_anything_is_read_or_made(critlab: Command, tmp_path: Path) -> None:
    written(tmp_path)
    for option in ("--executor", "--engine"):
        answer = critlab("run", "study.toml", option, "inlin")
        assert (answer.status, answer.out, answer.problem.count("\n")) == (2, "", 1)
        assert "--engine: received 'inlin'" in answer.err
        assert "inline" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
    with pytest.raises(StudyError, match="--engine: received 'cloud'"):
        laboratory.run(small(), tmp_path / "store", engine="cloud")


@pytest.mark.slow
def test_python_and_one_process_alone(tmp_path: Path) -> None:
    study = small(seeds=1, sweep={"kind": "removal", "at": [0], "recovery": 1}, measures={})
    results = laboratory.run(study, tmp_path / "s", engine="inline", device="cpu")
    assert {outcome.status for outcome in results.outcomes} == {"done"}
