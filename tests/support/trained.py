"""What is dear to make, made once in a session by whichever of the test processes needs it first."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from critlab.study import Study


def made_once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The file or folder ``name`` that ``make(path)`` makes; the first who asks makes it, and nobody changes it."""
    base = temporary.getbasetemp()
    # the processes of one session have folders beside each other
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once"
    folder.mkdir(exist_ok=True)
    place, part = folder / name, folder / f"{name}.part"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            make(part)
            part.rename(place)
    return place


class TrainedStores:
    """The store of a finished study; copy it before you change anything in it."""

    def __init__(self, temporary: pytest.TempPathFactory) -> None:
        self.temporary = temporary

    def __call__(self, study: Study) -> Path:
        from critlab.store import Store
        from inline import Inline

        def train(folder: Path) -> None:
            assert not Inline(study, Store(folder)).run().failures

        text = json.dumps(study.model_dump(mode="json"), sort_keys=True)
        return made_once(self.temporary, hashlib.sha256(text.encode()).hexdigest()[:16], train)
