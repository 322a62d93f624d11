"""The first line of a command that trains, before data are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from critlab.engine.context import RunOptions
from critlab.engine.planning import timing
from critlab.engine.planning.opening import opening
from critlab.study.runs.origin import Numerics
from synthetic import synthetic_study


def test_it_says_what_and_how_many_epochs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    study = synthetic_study(3, (0, 5, 10), parts={"precision": "float32"})
    kinds = len(study.runs)
    said = opening(study, None, RunOptions(workers=1))
    assert said.startswith(f"synthetic-removal: {kinds} kinds of run, 3 seeds, ")
    assert said.endswith("epochs in all; the time left follows with the first epochs")
    epochs = int(said.split(" epochs in all")[0].rsplit(" ", 1)[1])
    assert 3 * 18 < epochs < study.epochs(), "shared epochs count once"
    timing.remember(study, Numerics(precision="float32"), 60 / epochs)
    assert opening(study, None, RunOptions(workers=1)).endswith(
        "in all, about 1 min 00 s at the pace of an earlier run"
    )
