"""Freeing what no study needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from critlab.engine.belongings import Belongings, belongings, recorded_studies
from critlab.engine.keeping import kept_paths, state_bytes
from critlab.errors import StoreError, StudyError
from critlab.store import Store
from critlab.store.atomic import abandoned
from critlab.store.inspection import STATES, Place, places
from critlab.store.locks import WRITER, Locks
from critlab.study.study import Study
from critlab.study.tree import ROOT

MADE = ("epochs", "readings", "failures", "studies", *STATES)
"""The kinds of files that a study makes; figures of theories belong to none, and stay."""


@dataclass(frozen=True)
class Garbage:
    """What can go, or went.

    Args:
        studies: the names of the studies whose files stay.
        places: the files that they do not need.
        applied: whether the files are gone.
        kept: bytes that stay.
    """

    studies: tuple[str, ...]
    places: tuple[Place, ...]
    applied: bool
    kept: int

    @property
    def bytes(self) -> int:
        """Bytes that can go, or went."""
        return sum(place.size for place in self.places)

    def kinds(self) -> dict[str, tuple[int, int]]:
        """Files and bytes by kind."""
        found: dict[str, tuple[int, int]] = {}
        for place in self.places:
            files, size = found.get(place.kind, (0, 0))
            found[place.kind] = (files + 1, size + place.size)
        return found

    def document(self) -> dict[str, Any]:
        """The account as one JSON document."""
        return {
            "schema_version": 1,
            "studies": list(self.studies),
            "applied": self.applied,
            "files": len(self.places),
            "bytes": self.bytes,
            "bytes_kept": self.kept,
            "kinds": {kind: {"files": files, "bytes": size} for kind, (files, size) in self.kinds().items()},
        }


def collect(store: Store, studies: Collection[Study] = (), apply: bool = False) -> Garbage:
    """Finds what none of ``studies`` needs in ``store``, and frees it where ``apply`` says so.

    A study needs its records and readings, the states that are kept, and places to go on from where it is not done.

    Args:
        store: the store.
        studies: those whose files stay; all that were run in the store where none is named.
        apply: remove the files.

    Raises:
        StudyError: there is no such store, or a study was never run in it.
        StoreError: a process is at work on something that would be freed.
    """
    if not store.root.is_dir():
        raise StudyError(f"--store: received {store.root}, where there is no store")
    owners = [belongings(store, study) for study in studies or recorded_studies(store)]
    needed = frozenset().union(*(owner.files for owner in owners)) - set().union(*(_spare(o, store) for o in owners))
    dead = set(abandoned(store.root))
    free, kept = [], 0
    for place in places(store):
        useless = place.kind in MADE and (place.kind, place.name) not in needed
        if useless or place.kind == "quarantine" or place.path in dead:
            free.append(place)
        else:
            kept += place.size
    if apply:
        _free(store, free)
    return Garbage(tuple(owner.study.name for owner in owners), tuple(free), apply, kept)


def _spare(owner: Belongings, store: Store) -> Iterator[tuple[str, str]]:
    """What belongs to a study and has done its service: states that only served to go on from, and mended failures."""
    study, names, tree = owner.study, owner.names, owner.tree
    kept = kept_paths(tree, len(study.seeds), state_bytes(study))
    for seed in study.seeds:
        for path, node in tree.nodes.items():
            state = names.state(seed, path)
            if path == ROOT or not store.has("epochs", state):
                continue
            yield from (("inside", state), ("failures", state))
            over = all(store.has("epochs", names.state(seed, child)) for child in node.children)
            if path not in kept and over and store.has_state(state):
                record = store.read("epochs", state)
                if record is not None and not record.get("kept", True):
                    yield ("checkpoints", state)


def _free(store: Store, free: Collection[Place]) -> None:
    if (store.root / WRITER).exists() or Locks(store.root).held(place.name for place in free):
        raise StoreError(f"{store.root}: a process is at work on what would be freed; wait for it, or stop it first")
    for place in free:
        place.path.unlink(missing_ok=True)
