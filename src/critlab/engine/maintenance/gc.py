"""Move files that no study needs to the trash; keep those that a study with an unreadable record may need."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from critlab._core.errors import StoreError, StudyError
from critlab.engine.maintenance.study_files import StudyFiles, owned, recorded, study_files
from critlab.engine.records.standing import standing, write_record
from critlab.store import Store
from critlab.store.disk import trash
from critlab.store.disk.atomic import abandoned
from critlab.store.disk.locks import Locks, freeing
from critlab.store.inspection import STATES, Place, check, places
from critlab.store.marker import require_marker
from critlab.study.runs.tree import ROOT
from critlab.study.study import Study

MADE = ("epochs", "readings", "failures", *STATES, "looks")
"""The kinds of files that a study makes, except its record; figures of theories belong to none, and stay."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ASIDE = re.compile(r"[0-9a-f]{64}\.(json|safetensors)(\.\d+)?")
_RECORD_ASIDE = re.compile(r"\.json(\.\d+)?$")


@dataclass(frozen=True)
class Garbage:
    """What can go, or went.

    Args:
        studies: the names of the studies whose files stay.
        places: the files that they do not need.
        orphans: of these, the files that no record names which can be read.
        applied: whether the files lie in the trash now.
        kept: bytes that stay.
        trash: files and bytes in the trash.
    """

    studies: tuple[str, ...]
    places: tuple[Place, ...]
    orphans: tuple[Place, ...]
    applied: bool
    kept: int
    trash: tuple[int, int]

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

    def document(self, root: Path) -> dict[str, Any]:
        """The account as one JSON document."""
        files, size = self.trash
        return {
            "schema_version": 2,
            "studies": list(self.studies),
            "applied": self.applied,
            "files": len(self.places),
            "bytes": self.bytes,
            "bytes_kept": self.kept,
            "kinds": {kind: {"files": files, "bytes": size} for kind, (files, size) in self.kinds().items()},
            "orphans": [str(place.path.relative_to(root)) for place in self.orphans],
            "trash": {"files": files, "bytes": size},
        }


def collect(store: Store, studies: Collection[Study] = (), apply: bool = False, orphans: bool = False) -> Garbage:
    """Finds what none of ``studies`` needs in ``store``, and moves it to the trash where ``apply`` says so.

    A study needs its records and readings, the states that are kept, and places to go on from where it is not done.

    Args:
        store: the store.
        studies: those whose files stay; all that were run in the store where none is named.
        apply: move the files to the trash; no process may use the store meanwhile.
        orphans: also the files that no record names which can be read.

    Raises:
        StudyError: there is no such store, a study was never run in it, or a study uses code of a user's own and no
            study is named.
        StoreError: the folder has no marker of a store; there are files that no record names, and ``orphans`` is not
            given; or a process works in the store.
    """
    if not store.root.is_dir():
        raise StudyError(f"--store: received {store.root}, which is not a store")
    if any(True for _ in places(store)):
        require_marker(store.root)
    with freeing(store.root) if apply else nullcontext():
        look = _Look(store, studies)
        free, stray, kept = look.over()
        if stray and not orphans:
            raise StoreError(_refusal(store, stray, look.unknown, look.own_code))
        if apply:
            _free(store, look.leaving, [*stray, *free])
    return Garbage(look.studies, (*free, *stray), tuple(stray), apply, kept, _in_trash(store))


def empty_trash(store: Store) -> tuple[int, int]:
    """Deletes what lies in the trash of ``store``, and says how many files of how many bytes.

    Raises:
        StudyError: there is no such store.
        StoreError: the folder has no marker of a store.
    """
    if not store.root.is_dir():
        raise StudyError(f"--store: received {store.root}, which is not a store")
    require_marker(store.root)
    found = _in_trash(store)
    trash.empty(store.root)
    return found


def _in_trash(store: Store) -> tuple[int, int]:
    sizes = [size for _, size in trash.discarded(store.root)]
    return len(sizes), sum(sizes)


class _Look:
    """What every recorded study owns, and whose files stay."""

    def __init__(self, store: Store, studies: Collection[Study]) -> None:
        self.store = store
        self.unknown: list[str] = []
        self.own_code: list[str] = []
        self.damaged: set[Path] = set()
        self.leaving: list[StudyFiles] = []
        keepers = [one for study in studies for one in _named(store, study)]
        named = {owner.record.key for owner in keepers}
        for one in recorded(store):
            stays = one.record is not None and (one.record.key in named if studies else not one.record.replaced)
            self.own_code += [one.own_code] if one.own_code else []
            if one.owner is not None:
                (keepers if stays else self.leaving).append(one.owner)
            elif one.own_code and not studies:
                raise StudyError(
                    f"STUDY: {one.why}, and gc does not run code that only a store names; "
                    "name the studies to keep: critlab gc STUDY ..."
                )
            elif not stays:
                self.damaged |= {one.place.path} if one.record is None else set()
                self.unknown.append(f"{one.place.path.relative_to(store.root)}: {one.why}")
        self.needed = frozenset[tuple[str, str]]().union(*(one.files - set(_spare(one, store)) for one in keepers))
        self.known = self.needed.union(*(one.files for one in (*keepers, *self.leaving)))
        self.studies = tuple(dict.fromkeys(owner.run.study.name for owner in keepers))

    def over(self) -> tuple[list[Place], list[Place], int]:
        """Return the files that can be freed, those without a record, and the bytes that stay.

        Damaged records are of no use where every file of a study is named by another record; others may be.
        """
        dead = set(abandoned(self.store.root))
        free, stray, records, kept = list[Place](), list[Place](), list[Place](), 0
        for place in places(self.store):
            file = (place.kind, place.name)
            if place.path in dead or (place.kind == "quarantine" and _ASIDE.fullmatch(place.name)):
                free.append(place)
            elif not _is_made(place) or file in self.needed:
                kept += place.size
            elif file in self.known:
                free.append(place)
            else:
                (stray if place.kind in MADE else records).append(place)
        for place in records:
            if stray:
                stray.append(place)
            elif place.kind == "quarantine" or place.path in self.damaged:
                free.append(place)
            else:
                kept += place.size
        return free, stray, kept


def _named(store: Store, study: Study) -> list[StudyFiles]:
    """What a named study needs: all that it has, and where it was never run, all that it grew from.

    Raises:
        StudyError: it was never run in this store.
    """
    found = standing(store, study)
    if question := found.question(study, store):
        raise StudyError(question)
    if found.record is None:
        return [study_files(store, study)]
    return [owned(record.run(study, store), record) for record in found.same or found.relatives]


def _is_made(place: Place) -> bool:
    """Whether a file is one that a study makes, by its place and its name; whatever else lies in a store stays."""
    if place.kind == "quarantine":
        return _RECORD_ASIDE.search(place.name) is not None
    return place.kind == "studies" or (place.kind in MADE and _DIGEST.fullmatch(place.name) is not None)


def _spare(owner: StudyFiles, store: Store) -> Iterator[tuple[str, str]]:
    """Return the files of a study that it no longer needs: intermediate states, and resolved failures."""
    run = owner.run
    for seed in run.study.seeds:
        for path, node in run.tree.nodes.items():
            state = run.ids.state(seed, path)
            if path == ROOT or not store.has("epochs", state):
                continue
            yield from (("inside", state), ("failures", state))
            over = all(store.has("epochs", run.ids.state(seed, child)) for child in node.children)
            if path not in run.retained and over and store.has_state(state):
                record = store.read("epochs", state)
                if record is not None and not record.get("kept", True):
                    yield ("checkpoints", state)


def _refusal(store: Store, stray: Collection[Place], unknown: Collection[str], own_code: Collection[str]) -> str:
    """What a person reads where there are files that no record names."""
    counts = Counter(place.kind for place in stray)
    what = ", ".join(f"{count:,} in {kind}" for kind, count in counts.items())
    causes = [f"its record is not usable: {one}" for one in unknown]
    if own_code:
        causes.append(
            f"if {', '.join(dict.fromkeys(own_code))} was edited, these files hold the results of the earlier code; "
            "--orphans frees them"
        )
    if counts.keys() == {"readings"}:
        causes.append("if critlab run --remeasure was used, these are the earlier readings; --orphans frees them")
    causes = causes or ["their study has no record"]
    return "\n  ".join(
        [
            f"{store.root}: freed nothing: a study may need the files that no readable record names ({what})",
            *causes,
            "run their study again to rewrite its record, or name the study: critlab gc STUDY ...; "
            "to list these files, "
            "use --orphans; to free them, --orphans --apply",
        ]
    )


def _free(store: Store, leaving: Collection[StudyFiles], free: Collection[Place]) -> None:
    """Moves the files to the trash, each before those that it rests on, so that a sound store is left at any time."""
    if Locks(store.root).held(place.name for place in free):
        raise StoreError(f"{store.root}: another process is using these files; wait for it or stop it first")
    records = {place.path for place in free if place.kind == "studies"}
    for owner in leaving:
        paths = {store.path("studies", name) for name in (owner.record.key, owner.record.name)}
        if paths & records:
            # from now on no command expects its files
            write_record(store, replace(owner.record, replaced=True))
            records |= paths
    depth = {
        owner.run.ids.state(seed, path): node.epoch
        for owner in leaving
        for seed in owner.run.study.seeds
        for path, node in owner.run.tree.nodes.items()
    }
    ranks = {kind: rank for rank, kind in enumerate(MADE)}

    def rank(place: Place) -> tuple[int, int]:
        deep = -(depth.get(place.name) or _epoch(place)) if place.kind == "epochs" else 0
        return ranks.get(place.kind, len(ranks)), deep

    rest = sorted((place for place in free if place.kind != "studies"), key=rank)
    trash.discard(store.root, [*(place.path for place in rest), *sorted(records)])


def _epoch(place: Place) -> int:
    """Which epoch a record is of; 0 where it does not say."""
    try:
        epoch = check(place).get("epoch")
    except (StoreError, FileNotFoundError):
        return 0
    return epoch if isinstance(epoch, int) else 0
