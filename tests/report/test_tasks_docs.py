"""docs/how_to/tasks.md: a study of every task runs as printed, and is judged in the unit of its metric."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import Command
from task_files import STUDIES, write_files

WORDS = {
    "ill": "points of accuracy",
    "rare": "points of balanced accuracy",
    "findings": "points of F1",
    "houses": "mean absolute error",
    "scenes": "points of mean IoU",
    "text": "nats per token",
    "prices": "k$ of ninth decile",
}
"""What damage is measured in."""


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_of_every_task_runs_from_its_file_alone(
    name: str, critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    write_files()
    Path("study.toml").write_text(STUDIES[name])
    told = critlab("run", "study.toml", "--engine", "inline", "--device", "cpu", "--json")
    assert told.status == 0, told.err
    verdict = json.loads(told.out)
    assert verdict["answer"] in ("present", "damage_only", "absent", "undecided")
    lasting = next(one for one in verdict["damages"] if one["name"] == "lasting_damage")
    assert lasting["estimate"] > 0, "the deficit of the page leaves damage, whichever way the metric is better"
    page = critlab("report", "study.toml", "--out", "page.html")
    assert page.status == 0, page.err
    said = " ".join(page.out.split())
    assert WORDS[name] in said
    if "accuracy" not in WORDS[name]:
        assert "accuracy" not in said, "no study speaks of a metric that it does not have"
    text = Path("page.html").read_text(encoding="utf-8")
    assert f'<th scope="col">{WORDS[name][0].upper()}{WORDS[name][1:]}' in text
