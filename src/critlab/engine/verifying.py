"""Looking a store over: every file against its digest, every name against what it is made from; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from critlab.digest import digest
from critlab.engine.belongings import belongings
from critlab.errors import StoreError, StudyError
from critlab.store import Store
from critlab.store.inspection import STATES, Place, check, places
from critlab.study.origin import state_name
from critlab.study.study import Study
from critlab.study.tree import ROOT, extended


class Finding(NamedTuple):
    """A file, by its place in the store, and what there is to say about it."""

    file: str
    what: str


@dataclass
class Verification:
    """What was looked at and what was found.

    Args:
        store: the folder.
        study: whose files were looked at; None for all.
        files: how many.
        bytes: of how many bytes.
        wrong: what fails its check or contradicts what it is made from, or is not there although others rest on it.
        orphans: what nothing leads to: left by work that was broken off, or not critlab's.
        set_aside: what failed its check earlier and lies in quarantine.
        missing: epochs that the study still lacks; None for a whole store.
    """

    store: str
    study: str | None
    files: int = 0
    bytes: int = 0
    wrong: list[Finding] = field(default_factory=list)
    orphans: list[Finding] = field(default_factory=list)
    set_aside: list[Finding] = field(default_factory=list)
    missing: int | None = None

    def document(self) -> dict[str, Any]:
        """The findings as one JSON document."""
        lists = {name: [one._asdict() for one in getattr(self, name)] for name in ("wrong", "orphans", "set_aside")}
        counts = {"files": self.files, "bytes": self.bytes, "missing": self.missing}
        return {"schema_version": 1, "store": self.store, "study": self.study, **counts, **lists}


class _Epoch(NamedTuple):
    """What later checks need of an epoch's record."""

    place: Place
    parent: str | None
    epoch: int
    kept: bool


def verify(store: Store, study: Study | None = None) -> Verification:
    """Re-hashes every file of ``store``, or those of ``study``, and derives every name again from what it names.

    Raises:
        StudyError: there is no such store, or the study was never run in it.
    """
    if not store.root.is_dir():
        raise StudyError(f"--store: received {store.root}, where there is no store")
    if study is None:
        return _Look(store, None, frozenset()).over(Verification(str(store.root), None))
    owned = belongings(store, study)
    look = _Look(store, owned.files, owned.roots)
    found = look.over(Verification(str(store.root), study.name))
    found.missing = sum(kind == "epochs" and name not in look.epochs for kind, name in owned.files)
    return found


class _Look:
    """One look over a store: first file by file, then what rests on what."""

    def __init__(self, store: Store, wanted: frozenset[tuple[str, str]] | None, roots: frozenset[str]) -> None:
        self.store, self.wanted = store, wanted
        self.epochs: dict[str, _Epoch] = {}
        self.read: list[tuple[Place, str]] = []
        self.states: dict[tuple[str, str], Place] = {}
        self.failures: list[Place] = []
        self.roots = set(roots)

    def over(self, found: Verification) -> Verification:
        for place in places(self.store):
            mine = self.wanted is None or place.kind == "marker" or (place.kind, place.name) in self.wanted
            if not mine:
                continue
            found.files, found.bytes = found.files + 1, found.bytes + place.size
            self._file(place, found)
        self._chains(found)
        self._orphans(found)
        return found

    def _finding(self, place: Place, what: str) -> Finding:
        return Finding(str(place.path.relative_to(self.store.root)), what)

    def _file(self, place: Place, found: Verification) -> None:
        if place.kind == "quarantine":
            found.set_aside.append(self._finding(place, "failed its check and was put aside"))
        elif place.kind == "unfinished":
            found.orphans.append(self._finding(place, "was never finished"))
        elif place.kind == "foreign":
            found.orphans.append(self._finding(place, "is not critlab's"))
        elif place.kind == "misplaced":
            found.wrong.append(self._finding(place, "no file of that name belongs here; it was renamed or moved"))
        else:
            try:
                self._take(place, check(place))
            except FileNotFoundError:
                return
            except (StoreError, ValueError) as error:
                found.wrong.append(self._finding(place, f"{error}"))
            except (KeyError, TypeError, AttributeError) as error:
                found.wrong.append(self._finding(place, f"does not hold what it should: {error}"))

    def _take(self, place: Place, body: Mapping[str, Any]) -> None:
        """Keeps what later checks need, and derives the record's name."""
        if place.kind == "epochs":
            self.epochs[place.name] = self._epoch(place, body)
        elif place.kind == "readings":
            self.read.append((place, str(body["state"])))
            if "spec" in body and digest("reading", body["state"], body["spec"], body["probe"]) != place.name:
                raise StoreError("its name is not that of its state, measure and images")
        elif place.kind in STATES:
            self.states[place.kind, place.name] = place
        elif place.kind == "failures":
            self.failures.append(place)
        elif place.kind == "figures" and digest("figure", body["figure"], body["scale"], body["version"]) != place.name:
            raise StoreError("its name is not that of its figure, scale and version")

    def _epoch(self, place: Place, body: Mapping[str, Any]) -> _Epoch:
        """Derives path and name from origin, parent and recipe."""
        origin, path, parent = digest("origin", body["origin"]), str(body["path"]), str(body["parent"])
        if extended(parent, digest("recipe", body["recipe"])) != path:
            raise StoreError("its path is not that of its parent and its recipe")
        if state_name(origin, path) != place.name:
            raise StoreError("its name is not that of its origin and its path")
        self.roots.add(state_name(origin, ROOT))
        above = None if parent == ROOT else state_name(origin, parent)
        return _Epoch(place, above, int(body["epoch"]), bool(body.get("kept", False)))

    def _chains(self, found: Verification) -> None:
        """Every epoch rests on the one before, and every state that is kept has its checkpoint."""
        for name, one in self.epochs.items():
            before = self.epochs.get(one.parent) if one.parent else None
            if one.parent and before is None:
                what = f"rests on the epoch before, {one.parent}, whose record is missing or damaged"
                found.wrong.append(self._finding(one.place, what))
            elif one.epoch != (before.epoch if before else 0) + 1:
                found.wrong.append(self._finding(one.place, f"says that it is epoch {one.epoch}, and follows another"))
            if one.kept and ("checkpoints", name) not in self.states:
                what = "keeps its state, whose checkpoint is missing or damaged; it is trained again when it is needed"
                found.wrong.append(self._finding(one.place, what))

    def _orphans(self, found: Verification) -> None:
        for place, state in self.read:
            if state not in self.epochs and state not in self.roots:
                found.orphans.append(self._finding(place, "reads a state that has no record"))
        for (kind, name), place in self.states.items():
            if kind == "checkpoints" and name not in self.epochs:
                found.orphans.append(self._finding(place, "is a state that has no record"))
            if kind == "inside" and name in self.epochs:
                found.orphans.append(self._finding(place, "is inside an epoch that is over"))
        found.orphans += [
            self._finding(place, "is a failure that was mended") for place in self.failures if place.name in self.epochs
        ]
