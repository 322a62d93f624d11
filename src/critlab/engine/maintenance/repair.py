"""Finding the damaged checkpoints of a study, so that its next run makes them again from the nearest good state."""

from __future__ import annotations

from critlab._core.errors import StoreDamaged
from critlab.engine.study_run import StudyRun
from critlab.store.inspection import Place, check
from critlab.study.runs.parts import within
from critlab.study.runs.tree import ROOT


def set_aside_damaged(run: StudyRun) -> list[str]:
    """Hashes every checkpoint of a study, or of a part of it, and puts those aside that fail their check.

    An epoch whose record says that its checkpoint stays is then trained again, and must give the recorded loss.

    Returns:
        The names of the states whose checkpoints were damaged.

    Raises:
        StoreError: a checkpoint cannot be read, or a newer critlab wrote it.
    """
    found, store = [], run.store
    for seed in run.study.seeds:
        for path in within(run.paths, seed, run.tree):
            state = run.ids.state(seed, path)
            if path != ROOT and store.has_state(state):
                try:
                    check(Place(store.path("checkpoints", state, ".safetensors"), "checkpoints", state, 0))
                except FileNotFoundError:
                    continue
                except StoreDamaged:
                    store.load_state(state)
                    found.append(state)
    return found
