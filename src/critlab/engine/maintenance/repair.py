"""Finding the damaged checkpoints of a study, so that its next run makes them again from the nearest good state."""

from __future__ import annotations

from collections.abc import Collection

from critlab._core.errors import StoreDamaged
from critlab.engine.records.study_ids import StudyIds
from critlab.store import Store
from critlab.store.inspection import Place, check
from critlab.study.tree import ROOT, Tree


def set_aside_damaged(tree: Tree, seeds: Collection[int], names: StudyIds, store: Store) -> list[str]:
    """Hashes every checkpoint of a study, and puts those aside that fail their check.

    An epoch whose record says that its checkpoint stays is then trained again, and must give the recorded loss.

    Args:
        tree: the study's tree.
        seeds: its seeds.
        names: the names of its states.
        store: where they are.

    Returns:
        The names of the states whose checkpoints were damaged.

    Raises:
        StoreError: a checkpoint cannot be read, or a newer critlab wrote it.
    """
    found = []
    for seed in seeds:
        for path in tree.nodes:
            state = names.state(seed, path)
            if path != ROOT and store.has_state(state):
                try:
                    check(Place(store.path("checkpoints", state, ".safetensors"), "checkpoints", state, 0))
                except FileNotFoundError:
                    continue
                except StoreDamaged:
                    store.load_state(state)
                    found.append(state)
    return found
