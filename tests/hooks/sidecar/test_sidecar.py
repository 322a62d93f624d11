"""The sidecar: answers from a folder of checkpoints, kept, and taken up again after a kill."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import critlab
from critlab._core.errors import StudyError
from critlab.hooks.sensitivity.options import SensitivityOptions
from critlab.hooks.sidecar.checkpoints import Folder
from critlab.hooks.sidecar.kept import NAME, KeptLines
from critlab.hooks.sidecar.sidecar import Sidecar, read_plan
from critlab.learning_tasks import Metric
from planted_forks import TOTAL, Planted, harm

PLANTED = Planted(first=0.1, closing=2.0, deviation=0.001)
QUIET = SensitivityOptions(forecasts=False)
SUPPORT = Path(__file__).parents[2] / "support"


def plan(**options: Any) -> critlab.ForkPlan:
    given = {name: one for name, one in PLANTED.functions.items() if name != "save"}
    given |= {"load": lambda saved: PLANTED.load(saved["state"]), "total": TOTAL, "deprived": 2, "clean": 2}
    return critlab.ForkPlan(**{"deficits": [harm], "options": QUIET, **given, **options})


def written(folder: Path, epochs: list[int]) -> Path:
    folder.mkdir(exist_ok=True)
    for epoch in epochs:
        torch.save({"state": PLANTED.start(), "epoch": epoch}, folder / f"run1-{epoch}.pt")
    return folder


def sidecar(folder: Path, given: critlab.ForkPlan | None = None, **options: Any) -> Sidecar:
    told: dict[str, Any] = {"store": None, "every": False, "say": lambda text: None, **options}
    return Sidecar(folder, given or plan(), **told)


def test_it_answers_log_spaced_checkpoints_and_keeps_the_answers(tmp_path: Path) -> None:
    folder = written(tmp_path / "checkpoints", [0, 1, 2, 3, 4, 6, 8, 12, 16, 24])
    first = sidecar(folder)
    answers = list(first.answers(once=True))
    assert [one.onset for one in answers] == [0, 1, 2, 4, 8, 16]
    document = json.loads(json.dumps(first.document()))
    assert document["closings"]["harm"]["answer"] == "closed"
    assert (document["closings"]["harm"]["low"], document["closings"]["harm"]["high"]) == (4, 8)
    again = sidecar(folder)
    assert list(again.answers(once=True)) == []
    assert again.document() == document
    whole = sidecar(folder, every=True)
    assert [one.onset for one in whole.answers(once=True)] == [3, 6, 12, 24]
    watch = critlab.Watch(nn.Linear(2, 2), on_closed=lambda *one: told.append(one))
    told: list[Any] = []
    watch.read_sidecar(folder)
    assert len(watch.course) == 10
    assert [name for name, _ in told] == ["harm"]


def test_forks_that_were_kept_are_not_trained_again(tmp_path: Path) -> None:
    folder = written(tmp_path, [0, 1])
    done = sidecar(folder)
    expected = [row for one in done.answers(once=True) for row in (one["harm"].differences,)]
    lines = (folder / NAME).read_bytes().splitlines(keepends=True)
    # a process that was killed in the third fork, while it wrote
    (folder / NAME).write_bytes(b"".join(lines[:2]) + lines[2][:7])
    trained: list[int] = []

    def advance(state: Any, epoch: int, deprive: Any) -> dict[str, float]:
        trained.append(epoch)
        return PLANTED.advance(state, epoch, deprive)

    again = sidecar(folder, plan(options=SensitivityOptions(forecasts=False, check=False)))
    again.plan = critlab.ForkPlan(**{**vars(again.plan), "advance": advance})
    again.kept = KeptLines(folder / NAME)
    found = [one["harm"].differences for one in again.answers(once=True)]
    assert found == expected
    assert len(trained) == 4 * (len(lines) - 2 - 2), (
        "every fork but the two that were kept, and no line is of an answer"
    )


def test_it_answers_in_the_metric_of_the_plan(tmp_path: Path) -> None:
    metric = Metric("distance", unit="mm", better="lower", smallest_damage=0.5)
    folder = written(tmp_path / "checkpoints", [0])
    given = plan(metric=metric, evaluate=lambda state: 100 * (1 - PLANTED.evaluate(state)))
    (answer,) = sidecar(folder, given).answers(once=True)
    assert " mm [" in answer.sentence
    document = json.loads(json.dumps(sidecar(folder, given).document()))
    assert (document["answers"][0]["metric"], document["answers"][0]["unit"]) == ("distance", "mm")
    watch = critlab.Watch(nn.Linear(2, 2))
    watch.read_sidecar(folder)
    assert not watch.asides
    assert watch.course.metric == metric
    # the same functions in accuracy are another plan, whose answers do not join these
    plain = sidecar(folder, plan(evaluate=lambda state: 100 * (1 - PLANTED.evaluate(state))))
    assert len(plain.course) == 0


def test_what_cannot_be_used_is_left_out_with_a_reason(tmp_path: Path) -> None:
    folder = written(tmp_path, [0])
    (folder / "run1-2.pt").write_bytes(b"half")
    torch.save({"weights": 1, "epoch": 1}, folder / "run1-1.pt")
    old = time.time() - 1000
    for path in folder.iterdir():
        os.utime(path, (old, old))
    one = sidecar(folder)
    assert [each.onset for each in one.answers(once=True)] == [0]
    assert "could not load the checkpoint" in one.document()["left_out"]["run1-1.pt"]
    assert "cannot be read" in one.document()["left_out"]["run1-2.pt"]
    (folder / "run1-0.pt").unlink()
    (folder / NAME).unlink()
    empty = sidecar(folder)
    assert list(empty.answers(once=True)) == []
    with pytest.raises(StudyError, match="no checkpoint could be forked: sensitivity: "):
        empty.refuse_unanswered()
    with pytest.raises(StudyError, match=r"CHECKPOINT_DIR: .* does not exist"):
        list(sidecar(tmp_path / "none").answers(once=True))


def test_epochs_are_read_from_names_and_contents(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "epoch=3-step=400.ckpt")
    torch.save({"epoch": 7}, tmp_path / "model_12.pt")
    torch.save({}, tmp_path / "model_9.pt")
    (tmp_path / "notes.txt").write_text("5")
    assert [(one.path.name, one.epoch) for one in Folder(tmp_path, plan()).checkpoints()] == [
        ("epoch=3-step=400.ckpt", 4),
        ("model_12.pt", 7),
        ("model_9.pt", 9),
    ]
    own = Folder(tmp_path, plan(epoch_of=lambda path, saved: 2 * len(path.name))).checkpoints()
    assert {one.epoch for one in own} == {20, 22, 42}


def test_a_plan_is_read_by_its_path() -> None:
    with pytest.raises(StudyError, match=r"gave Planted; must be a critlab.ForkPlan"):
        read_plan("planted_forks:Planted")


MODULE = """
import os, time
import critlab
from planted_forks import Planted, harm, TOTAL
from critlab.hooks.sensitivity.options import SensitivityOptions

planted = Planted(first=0.1, closing=3.0, deviation=0.02)


def advance(state, epoch, deprive):
    time.sleep(float(os.environ.get("SLOW", 0)))
    return planted.advance(state, epoch, deprive)


training = critlab.ForkPlan(
    deficits=[harm], evaluate=planted.evaluate, advance=advance, load=lambda saved: planted.load(saved["state"]),
    total=TOTAL, deprived=2, clean=1, options=SensitivityOptions(forecasts=False),
)
"""


def command(folder: Path, *arguments: str, slow: float = 0) -> subprocess.Popen[str]:
    call = [
        sys.executable,
        "-c",
        "from critlab.cli import main; main()",
        "sidecar",
        "saved",
        "own:training",
        *arguments,
    ]
    path = os.pathsep.join([str(Path(critlab.__file__).parents[1]), str(SUPPORT)])
    environment = {**os.environ, "PYTHONPATH": path, "SLOW": str(slow), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        call, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_killed_sidecar_starts_again_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(MODULE)
    kept = written(tmp_path / "saved", [0, 1, 2]) / NAME
    process = command(tmp_path, slow=0.1)
    deadline = time.time() + 60
    while time.time() < deadline and (not kept.exists() or kept.read_bytes().count(b"\n") < 3):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = kept.read_bytes()
    assert before.count(b"\n") >= 3
    assert b"answer:" not in before
    out, errors = command(tmp_path, "--once", "--json").communicate(timeout=120)
    document = json.loads(out)
    assert kept.read_bytes().startswith(before), errors
    # the same without the kill, in this process
    own = importlib.util.spec_from_file_location("own", tmp_path / "own.py")
    assert own
    assert own.loader
    module = importlib.util.module_from_spec(own)
    own.loader.exec_module(module)
    fresh = sidecar(written(tmp_path / "fresh", [0, 1, 2]), module.training)
    assert len(list(fresh.answers(once=True))) == 3
    rows = [[{**row, "spent": 0} for row in one["answers"]] for one in (document, fresh.document())]
    assert rows[0] == rows[1]
    assert [row["epoch"] for row in rows[0]] == [0, 1, 2]
    assert document["schema_version"] == 1
