"""The first line of a command that trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from critlab.engine.planning import timing
from critlab.engine.planning.opening import opening
from critlab.engine.tasks.missing_work import MissingWork
from critlab.study.runs.origin import Numerics
from synthetic import synthetic_study


def test_it_says_what_and_how_many_epochs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    study, numerics = synthetic_study(3, (0, 5, 10)), Numerics(precision="float32")
    kinds = f"synthetic-removal: {len(study.runs)} kinds of run, 3 seeds, "
    work = MissingWork(trained=1100, replayed=100, readings=7)
    assert opening(study, work, numerics, 2) == f"{kinds}1,200 epochs left; the time left follows with the first epochs"
    timing.remember(study, numerics, 0.1)
    assert (
        opening(study, work, numerics, 2) == f"{kinds}1,200 epochs left, about 1 min 00 s at the pace of an earlier run"
    )
    assert opening(study, MissingWork(readings=7), numerics, 2) == f"{kinds}7 readings to take"
