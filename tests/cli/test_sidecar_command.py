"""``critlab sidecar``: one clear line for each mistake, and one document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import critlab
from command import Command
from critlab.hooks.sensitivity.options import SensitivityOptions
from planted_forks import TOTAL, Planted, harm

PLANTED = Planted(first=0.2, deviation=0.001)
training = critlab.ForkPlan(
    deficits=[harm],
    evaluate=PLANTED.evaluate,
    advance=PLANTED.advance,
    load=lambda saved: PLANTED.load(saved["state"]),
    total=TOTAL,
    deprived=1,
    clean=1,
    options=SensitivityOptions(forecasts=False),
)
PLAN = "test_sidecar_command:training"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none", PLAN, "--once"], "CHECKPOINT_DIR: received none, which does not exist; give a folder"),
        (["saved", "nowhere:training", "--once"], "nowhere"),
        (["saved", "planted_forks:harm", "--once"], "failed: TypeError"),
        (["saved", "planted_forks:Planted", "--once"], "must be a critlab.ForkPlan"),
    ],
)
def test_mistakes_are_named_in_one_line(critlab: Command, arguments: list[str], said: str) -> None:
    Path("saved").mkdir()
    answer = critlab("sidecar", *arguments)
    assert answer.status == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_one_document_and_the_kept_answers(critlab: Command) -> None:
    Path("saved").mkdir()
    torch.save({"state": PLANTED.start(), "epoch": 1}, "saved/first.pt")
    answer = critlab("sidecar", "saved", PLAN, "--once", "--json", "--store", "kept")
    document = json.loads(answer.out)
    assert (answer.status, document["schema_version"]) == (0, 1)
    assert [row["answer"] for row in document["answers"]] == ["open"]
    assert document["closings"]["harm"]["high"] is None
    assert Path("kept/critlab-sidecar.jsonl").is_file()
    again = critlab("sidecar", "saved", PLAN, "--once", "--store", "kept")
    assert again.out == "harm: open at epoch 1\n"
