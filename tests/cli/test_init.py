"""critlab init: a study file that runs as it is written, and never over another file."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import Command
from critlab.study import read_study


def test_the_file_is_a_study_with_the_controls_that_an_answer_needs(
    critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = critlab("init")
    assert (answer.status, answer.err) == (0, "")
    assert "critlab plan study.toml" in answer.out
    study = read_study("study.toml")
    assert study.name == "my-study"
    assert critlab("plan", "study.toml").status == 0


def test_a_file_that_exists_stays_as_it_is(critlab: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("mine")
    answer = critlab("init", str(mine))
    assert (answer.status, answer.out) == (2, "")
    assert "exists already" in answer.problem
    assert mine.read_text() == "mine"


def test_a_folder_in_the_place_of_the_file_is_refused(critlab: Command, tmp_path: Path) -> None:
    answer = critlab("init", str(tmp_path))
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert "is a folder" in answer.err
