"""States in memory: as on disk, never older than what lies there, and never more than they may take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from critlab.engine.tasks.checkpoint_cache import CheckpointCache
from critlab.engine.tasks.missing_work import Task
from critlab.store import Store
from inline import Inline, table
from studies import small

NAME, OTHER = "a" * 64, "b" * 64


def arrays(value: float, count: int = 8) -> dict[str, Any]:
    return {"weight": np.full(count, value)}


def stored(root: Path, **states: float) -> Store:
    store = Store(root)
    for name, value in states.items():
        store.save_state(name, arrays(value))
    return store


def test_what_was_stored_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path, **{NAME: 1.0})
    recent, kept = CheckpointCache(store), arrays(1.0)
    recent.keep(NAME, kept)
    monkeypatch.setattr(Store, "load_state", lambda *_: pytest.fail("read"))
    assert recent.load(NAME) is kept


def test_what_was_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recent = CheckpointCache(stored(tmp_path, **{NAME: 1.0}))
    first = recent.load(NAME)
    assert first is not None
    monkeypatch.setattr(Store, "load_state", lambda *_: pytest.fail("read"))
    assert recent.load(NAME) is first


def test_a_file_that_changed_or_went_is_believed(tmp_path: Path) -> None:
    store = stored(tmp_path, **{NAME: 1.0})
    recent = CheckpointCache(store)
    recent.keep(NAME, arrays(1.0))
    store.save_state(NAME, arrays(2.0))
    found = recent.load(NAME)
    assert found is not None
    np.testing.assert_array_equal(found["weight"], arrays(2.0)["weight"])
    path = store.path("checkpoints", NAME, ".safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert recent.load(NAME) is None
    store.drop_state(NAME)
    assert recent.load(NAME) is None
    recent.keep(OTHER, arrays(1.0))
    assert recent.bytes == 64, "what has no file is not kept"


def test_the_oldest_are_forgotten_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path, **{NAME: 1.0, OTHER: 2.0})
    recent = CheckpointCache(store, most_bytes=100)
    recent.keep(NAME, arrays(1.0))
    recent.keep(OTHER, arrays(2.0))
    assert recent.bytes == 64
    assert recent.load(OTHER) is not None
    monkeypatch.setattr(Store, "load_state", lambda *_: None)
    assert recent.load(NAME) is None


@pytest.mark.slow
def test_forks_of_one_worker_read_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, forks = small(seeds=1, measures={"weights": {"every": 2}}), []
    whole = Inline(study, Store(tmp_path / "whole"))
    whole.run()

    def without_reading(task: Task) -> None:
        forks.append(task.start)

    once = Inline(study, Store(tmp_path / "once"))
    monkeypatch.setattr(Store, "load_state", _only_inside)
    once.run(without_reading)
    assert len(set(forks)) > 1
    monkeypatch.undo()
    assert table(study, once.store) == table(study, whole.store)


def _only_inside(store: Store, name: str, kind: str = "checkpoints") -> None:
    assert kind == "inside", "a state was read"
