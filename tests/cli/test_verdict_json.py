"""The verdict as JSON: of a finished study of an earlier version, before and after its missing control is trained."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from command import Command
from paths import GOLDEN


@pytest.mark.slow
def test_a_finished_study_names_its_missing_control_and_run_trains_only_that(critlab: Command, tmp_path: Path) -> None:
    with tarfile.open(GOLDEN / "store.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    (tmp_path / "removal.toml").write_bytes((GOLDEN / "removal.toml").read_bytes())

    def document(*command: str) -> tuple[dict[str, Any], str]:
        done = critlab(*command, "--store", "store", "--json")
        assert done.status == 0, done.err
        return json.loads(done.out), done.err

    before, _ = document("report", "removal.toml")
    assert before["answer"] == "undecided"
    (missing,) = [one for one in before["missing"] if one["key"] == "controls.delay"]
    assert (missing["name"], missing["epochs"]) == ("beyond_delay", 2)
    assert "delay" not in {one["name"] for one in before["damages"]}
    after, said = document("run", "removal.toml", "--engine", "inline")
    assert "training only the missing controls: delay-0-2-of-4" in said
    assert "4/4 epochs" in said, "two epochs of recovery for each of two seeds"
    assert {"delay", "beyond_delay"} <= {one["name"] for one in after["damages"]}
    assert not [one for one in after["missing"] if one["key"] == "controls.delay"]
    same = {(one["name"], one["at"]): one["seeds"] for one in after["damages"]}
    assert all(same[one["name"], one["at"]] == one["seeds"] for one in before["damages"])
    assert Path(before["page"]).read_text().startswith("<!doctype html>")
