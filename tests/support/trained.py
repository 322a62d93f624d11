"""Stores of finished studies, each trained once in a session, by whichever of the test processes needs it first."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path

import pytest

from critlab.study import Study


class TrainedStores:
    """The store of a finished study, made by the first who asks; others copy it, and change nothing in it."""

    def __init__(self, temporary: pytest.TempPathFactory) -> None:
        base = temporary.getbasetemp()
        # the processes of one session have folders beside each other
        self.folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
        self.folder.mkdir(exist_ok=True)

    def __call__(self, study: Study) -> Path:
        from critlab.store import Store
        from inline import Inline

        text = json.dumps(study.model_dump(mode="json"), sort_keys=True)
        store = self.folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not store.exists():
                made = store.with_suffix(".part")
                assert not Inline(study, Store(made)).run().failures
                made.rename(store)
        return store
