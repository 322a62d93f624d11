"""Looking a store over: every file against its digest, every name against what it is made from; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from critlab._core.digest import digest
from critlab._core.errors import StoreError, StudyError
from critlab.engine.maintenance.study_files import StudyFiles, recorded, study_files
from critlab.engine.maintenance.verification import Finding, Lack, Verification
from critlab.engine.records.command_record import command_name
from critlab.engine.records.examples_record import examples_name
from critlab.engine.records.look_record import name_of as looks_named
from critlab.engine.records.makers import Maker, by_arm, maker, tally
from critlab.engine.records.standing import standing
from critlab.store import Store
from critlab.store.inspection import STATES, Kind, Place, check, places
from critlab.study.ingredients.measurement import scheduled_measures
from critlab.study.runs.origin import state_name
from critlab.study.runs.tree import ROOT, after_frozen, extended
from critlab.study.study import Study


class _Epoch(NamedTuple):
    """What later checks need of an epoch's record; ``frozen`` epochs lie between it and its parent."""

    place: Place
    parent: str | None
    epoch: int
    frozen: int
    kept: bool
    diverged: bool


def verify(store: Store, study: Study | None = None) -> Verification:
    """Re-hashes every file of ``store``, or those of ``study``, and derives every name again from what it names.

    It also looks whether studies have what they need. Processes may work in the store meanwhile.

    Raises:
        StudyError: there is no such store, or the study was never run in it.
    """
    if not store.root.is_dir():
        raise StudyError(f"--store: received {store.root}, which is not a store")
    found = Verification(str(store.root), study.name if study else None)
    if study is None:
        return _Look(store, None, found).over()
    known = standing(store, study)
    if known.record is None and known.damaged:
        found.wrong += [Finding(file, f"{why}; critlab run rewrites it") for file, why in known.damaged]
        return found
    return _Look(store, study_files(store, study), found).over()


class _Look:
    """One look over a store: first file by file, then what rests on what, and what studies have."""

    def __init__(self, store: Store, owner: StudyFiles | None, found: Verification) -> None:
        self.store, self.owner, self.found = store, owner, found
        self.epochs: dict[str, _Epoch] = {}
        self.made: dict[str, Maker] = {}
        self.read: dict[str, tuple[Place, str]] = {}
        self.states: dict[tuple[str, str], Place] = {}
        self.looks: dict[str, Place] = {}
        self.failures: list[Place] = []
        self.failed: set[tuple[str, str]] = set()
        self.roots = set(owner.roots) if owner else set[str]()

    def over(self) -> Verification:
        for place in places(self.store):
            mine = self.owner is None or place.kind == "marker" or (place.kind, place.name) in self.owner.files
            if mine:
                self.found.files, self.found.bytes = self.found.files + 1, self.found.bytes + place.size
                self._file(place, self.found)
        self._chains(self.found)
        self._orphans(self.found)
        if self.owner is not None:
            self._study(self.owner)
            self.found.made = by_arm(self.owner.run, self.made)
        else:
            self._studies()
            self.found.made = {"all studies": tally(self.made.values())}
        return self.found

    def _finding(self, place: Place, what: str) -> Finding:
        return Finding(str(place.path.relative_to(self.store.root)), what)

    def _file(self, place: Place, found: Verification) -> None:
        if place.kind == "quarantine":
            found.set_aside.append(self._finding(place, "failed its check and was moved to quarantine"))
        elif place.kind == "unfinished":
            found.orphans.append(self._finding(place, "was never finished"))
        elif place.kind == "foreign":
            found.orphans.append(self._finding(place, "is not critlab's"))
        elif place.kind == "misplaced":
            found.wrong.append(
                self._finding(place, "a file of this name does not belong here; it was renamed or moved")
            )
        else:
            try:
                self._take(place, check(place))
            except FileNotFoundError:
                return
            except (StoreError, ValueError) as error:
                self._wrong(place, f"{error}")
            except (KeyError, TypeError, AttributeError) as error:
                self._wrong(place, f"has invalid content: {error}")

    def _wrong(self, place: Place, what: str) -> None:
        self.failed.add((place.kind, place.name))
        self.found.wrong.append(self._finding(place, what))

    def _take(self, place: Place, body: Mapping[str, Any]) -> None:
        """Keeps what later checks need, and derives the record's name."""
        if place.kind == "epochs":
            self.epochs[place.name] = self._epoch(place, body)
            if (found := maker(body)) is not None:
                self.made[place.name] = found
        elif place.kind == "readings":
            self.read[place.name] = place, str(body["state"])
            if "spec" in body and digest("reading", body["state"], body["spec"], body["probe"]) != place.name:
                raise StoreError("its name does not match its state, measure and images")
        elif place.kind in STATES:
            self.states[place.kind, place.name] = place
        elif place.kind == "failures":
            self.failures.append(place)
        elif place.kind == "figures" and digest("figure", body["figure"], body["scale"], body["version"]) != place.name:
            raise StoreError("its name does not match its figure, scale and version")
        elif place.kind == "commands" and command_name(body) != place.name:
            raise StoreError("its name does not match what is in it")
        elif place.kind == "examples" and examples_name(body["asked"]) != place.name:
            raise StoreError("its name does not match the data and the deficits in it")
        elif place.kind == "looks":
            if looks_named(body["question"]) != place.name:
                raise StoreError("its name does not match the question in it")
            self.looks[place.name] = place

    def _epoch(self, place: Place, body: Mapping[str, Any]) -> _Epoch:
        """Derives path and name from origin, parent, frozen epochs after it, and recipe."""
        origin, path, parent = digest("origin", body["origin"]), str(body["path"]), str(body["parent"])
        frozen = int(body.get("frozen", 0))
        before = after_frozen(parent, frozen)
        if extended(before, digest("recipe", body["recipe"])) != path:
            raise StoreError("its path does not match its parent and its recipe")
        if state_name(origin, path) != place.name:
            raise StoreError("its name does not match its origin and its path")
        self.roots.add(state_name(origin, ROOT))
        above = None if parent == ROOT else state_name(origin, parent)
        kept, diverged = bool(body.get("kept", False)), body["status"] == "diverged"
        return _Epoch(place, above, int(body["epoch"]), frozen, kept, diverged)

    def _chains(self, found: Verification) -> None:
        """Every epoch rests on the one before, and every state that is kept has its checkpoint."""
        left = list(self.epochs)
        for name in left:
            one = self.epochs[name]
            if one.parent and one.parent not in self.epochs and self._is_there_now("epochs", one.parent):
                left.append(one.parent)
            before = self.epochs.get(one.parent) if one.parent else None
            wrong = []
            if one.parent and before is None:
                wrong.append(f"follows epoch record {one.parent}, which is missing or damaged")
            elif one.epoch != (before.epoch if before else 0) + one.frozen + 1:
                wrong.append(f"is epoch {one.epoch}, but its parent is not the epoch before")
            if one.kept and ("checkpoints", name) not in self.states and not self._is_there_now("checkpoints", name):
                wrong.append("should have a checkpoint, which is missing or damaged; critlab run restores it")
            if wrong and one.place.path.exists():
                found.wrong += [self._finding(one.place, what) for what in wrong]

    def _is_there_now(self, kind: Kind, name: str) -> bool:
        """Whether a file that was not met is there by now: processes may work in the store while one looks."""
        path = self.store.path(kind, name, ".safetensors" if kind in STATES else ".json")
        if (kind, name) in self.failed:
            return False
        try:
            place = Place(path, kind, name, path.lstat().st_size)
            self._take(place, check(place))
        except (OSError, StoreError, ValueError, KeyError, TypeError, AttributeError):
            return False
        return True

    def _orphans(self, found: Verification) -> None:
        for place, state in self.read.values():
            if state not in self.epochs and state not in self.roots:
                found.orphans.append(self._finding(place, "measures a state without a record"))
        for (kind, name), place in self.states.items():
            if kind == "checkpoints" and name not in self.epochs:
                found.orphans.append(self._finding(place, "is a checkpoint of a state without a record"))
            if kind == "inside" and name in self.epochs:
                found.orphans.append(self._finding(place, "is a checkpoint inside an epoch that is complete"))
        found.orphans += [
            self._finding(place, "is a failure of an epoch that has succeeded since")
            for place in self.failures
            if place.name in self.epochs
        ]

    def _studies(self) -> None:
        """What every recorded study lacks, and whether there are epochs that no record names."""
        named, asked, whole = set[str](), set[str](), True
        try:
            known = list(recorded(self.store))
        except StoreError as error:
            # the record is among what is wrong; whose the files are, only a newer critlab can say
            self.found.unread.append(Finding("studies", f"{error}; what studies have was not looked at"))
            return
        for one in known:
            file = str(one.place.path.relative_to(self.store.root))
            if one.owner is not None:
                named |= {name for kind, name in one.owner.files if kind == "epochs"}
                asked |= {name for kind, name in one.owner.files if kind == "looks"}
                if not one.owner.record.replaced:
                    self._study(one.owner)
            else:
                whole = False
                if one.record is not None:
                    self.found.unread.append(Finding(file, f"{one.why}; critlab verify STUDY checks it completely"))
        if whole:
            lost = self.looks.keys() - asked
            self.found.orphans += [self._finding(self.looks[name], "is of no recorded study") for name in sorted(lost)]
        stray = len(self.epochs.keys() - named)
        if stray and whole:
            what = f"{stray:,} belong to no recorded study; run their study to record it again"
            # where studies are recorded, these are left from one of another name or an earlier question
            (self.found.orphans if named else self.found.wrong).append(Finding("epochs", what))

    def _study(self, owner: StudyFiles) -> None:
        """What a study lacks: wrong where it was complete, or where an epoch has no reading at all; else to be done."""
        run = owner.run
        complete = owner.record.complete == run.complete()
        epochs, readings, beyond = list[str](), list[str](), set[str]()
        measured = {state for _, state in self.read.values()}
        for seed in run.study.seeds:
            beyond.clear()
            for path, node in run.tree.nodes.items():
                state = run.ids.state(seed, path)
                if node.parent in beyond or (path != ROOT and self._diverged(state)):
                    beyond.add(path)
                elif path != ROOT and state not in self.epochs and not self._is_there_now("epochs", state):
                    epochs.append(state)
                else:
                    due_now = [run.ids.reading(seed, path, measure) for measure in scheduled_measures(run.study, node)]
                    lost = [
                        name for name in due_now if name not in self.read and not self._is_there_now("readings", name)
                    ]
                    readings += lost
                    if lost == due_now and path != ROOT and state not in measured and not complete:
                        self._missing("epochs", state, "has no measurement, although the epoch's record is complete")
        if epochs or readings:
            self.found.lacking.append(Lack(run.study.name, len(epochs), len(readings)))
        if complete:
            for kind, names in (("epochs", epochs), ("readings", readings)):
                for name in names:
                    what = f"is missing, although {run.study.name!r} was complete; critlab run restores it"
                    self._missing(kind, name, what)

    def _missing(self, kind: str, name: str, what: str) -> None:
        if (kind, name) not in self.failed:
            self.found.wrong.append(Finding(str(self.store.path(kind, name).relative_to(self.store.root)), what))

    def _diverged(self, state: str) -> bool:
        return state in self.epochs and self.epochs[state].diverged
