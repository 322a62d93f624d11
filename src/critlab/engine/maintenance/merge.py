"""Put the files of several stores into one: what they share must agree, and nothing is written where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from critlab._core.errors import StoreDamaged, StoreError, StoreNewer, StudyError
from critlab._core.terminal.progress import Progress
from critlab._core.terminal.text import one_line, say
from critlab.engine.maintenance.merge_studies import agreed_records
from critlab.engine.maintenance.study_files import recorded
from critlab.engine.maintenance.verification import Finding, Lack
from critlab.engine.records.look_record import joined_looks
from critlab.engine.records.standing import write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store
from critlab.store.disk.locks import reading, writing
from critlab.store.inspection import STATES, Place, check, checked_content, has_begun, places
from critlab.store.marker import MARKER, check_marker, mark
from critlab.store.merging import differing, same_state, says_more

BESIDE_RESULTS = ("commands", "examples")
"""Kinds on which no result depends: the first of two files stays."""

ORDER = (*STATES, "readings", "epochs", "failures", "figures", "looks", *BESIDE_RESULTS)
"""The kinds of files in the order of writing: a record comes after what it promises.

Records of studies come first, without the claim that all is there, and are written again at the end.
"""

PROVISIONAL = ("inside", "failures")
"""Kinds that say how far an unfinished epoch came: the first of two files stays, and none once the epoch is there."""

MOST_NAMED = 3
"""How many contradictions a message names."""

Key = tuple[str, str]


@dataclass(frozen=True)
class Merged:
    """What a merge did.

    Args:
        stores: the folders that were merged.
        into: the folder that holds everything now.
        files: how many files were written; study records are not counted.
        bytes: of how many bytes.
        known: files that were there already, or in an earlier one of the stores.
        left_out: files that fail their check; they stay where they are.
        complete: the merged studies of which all is there.
        lacking: the others, with what they lack.
        unread: studies with code of a user's own, of which only the same call or ``critlab status`` can say what lacks.
    """

    stores: tuple[str, ...]
    into: str
    files: int
    bytes: int
    known: int
    left_out: tuple[Finding, ...]
    complete: tuple[str, ...]
    lacking: tuple[Lack, ...]
    unread: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The account as one JSON document."""
        lists = {name: [one._asdict() for one in getattr(self, name)] for name in ("left_out", "lacking")}
        names = {name: list(getattr(self, name)) for name in ("stores", "complete", "unread")}
        counts = {name: getattr(self, name) for name in ("files", "bytes", "known")}
        return {"schema_version": 1, **names, "into": self.into, **counts, **lists}


def merge(stores: Sequence[Store], into: Store | None = None) -> Merged:
    """Put every record, measurement, state and look of ``stores`` into one store; the others stay as they are.

    What two stores both have must agree in everything but the seconds, the machine and whether a state was kept. A
    merge that was broken off, also by a kill, has lost nothing: repeat it to complete it.

    Args:
        stores: which; two at least, or one with ``into``.
        into: where everything goes, a new or an existing store; None is the first of ``stores``.

    Raises:
        StudyError: a folder is no store, or is given twice; or two stores hold different studies of one name.
        StoreError: two stores contradict each other, or a newer critlab wrote one of them; nothing was written.
        StoreUnwritable: the disk is full, or the folder may not be written.

    Cost: reads every file once; records that several stores have are read from each.
    """
    sources, target = _places_of(stores, into)
    with ExitStack() as held:
        for source in sources:
            held.enter_context(reading(source.root, say))
        survey = _Survey(target, sources)
        records = agreed_records([target, *sources])
        locks = held.enter_context(writing(target.root, say))
        held.enter_context(locks.waited("merge") if locks else nullcontext())
        mark(target.root)
        target.remove_unfinished()
        for record in records:
            if not target.has("studies", record.key):
                # so that files which a kill leaves here belong to a study
                write_record(target, replace(record, complete=""))
        files, size = survey.write()
        for record in records:
            write_record(target, record)
        complete, lacking, unread = _studies(target, {record.name for record in records})
    names = tuple(str(store.root) for store in stores)
    return Merged(names, str(target.root), files, size, survey.known, tuple(survey.left_out), complete, lacking, unread)


def _places_of(stores: Sequence[Store], into: Store | None) -> tuple[list[Store], Store]:
    """The stores that are read, and the one that is written.

    Raises:
        StudyError: a folder is no store, is given twice, or lies in another one.
        StoreNewer: a newer critlab wrote one.
    """
    if len(stores) < 2 and (into is None or not stores):
        raise StudyError(f"stores: received {len(stores)}; give at least two, or one with --into")
    for store in stores:
        _refuse_other_folder(store)
    target = stores[0] if into is None else into
    target.check_place()
    if target.root.exists() and target not in stores and has_begun(target.root):
        _refuse_other_folder(target)
    real = [store.root.resolve() for store in stores]
    for place, folder in enumerate(real):
        if folder in real[:place]:
            raise StudyError(f"stores: received {stores[place].root} twice; give each store once")
    folders = dict.fromkeys([*real, target.root.resolve()])
    for inner in folders:
        if outer := next((one for one in folders if one in inner.parents), None):
            raise StudyError(f"stores: received {inner}, which lies in {outer}; keep stores in folders of their own")
    return [store for store, folder in zip(stores, real, strict=True) if folder != target.root.resolve()], target


def _refuse_other_folder(store: Store) -> None:
    if not store.root.is_dir():
        raise StudyError(f"stores: received {store.root}, which is not a store: folder not found")
    try:
        check_marker(store.root / MARKER)
    except (FileNotFoundError, StoreDamaged):
        # critlab 0.1.0 made none
        if not any((store.root / room).is_dir() for room in ("epochs", "studies", "figures")):
            raise StudyError(f"stores: received {store.root}, which is not a store: it has no {MARKER}") from None


class _Contradiction(NamedTuple):
    one: Place
    other: Place
    what: str


class _Survey:
    """What is to be written into ``target``, found before anything is.

    Raises:
        StoreError: two stores contradict each other, or a newer critlab wrote a file.
    """

    def __init__(self, target: Store, sources: Sequence[Store]) -> None:
        self.target, self.known = target, 0
        self.left_out: list[Finding] = []
        self.contradictions: list[_Contradiction] = []
        self.here = {(place.kind, place.name): place for place in _merged(target)}
        self.take: dict[Key, Place] = {}
        self.looks: dict[str, Mapping[str, Any]] = {}
        for source in sources:
            with Progress(f"comparing {one_line(str(source.root))}") as shown:
                for place in _merged(source):
                    shown.advance()
                    self._look(place)
        self._refuse()

    def _look(self, place: Place) -> None:
        key = (place.kind, place.name)
        before = self.take.get(key) or self.here.get(key)
        if before is None:
            self.take[key] = place
        elif place.kind in (*PROVISIONAL, *BESIDE_RESULTS):
            self.known += 1
        else:
            self._compare(key, before, place)

    def _compare(self, key: Key, before: Place, place: Place) -> None:
        """Keeps the one of two files that says more; of two records of looks, what both say."""
        theirs = self._sound(place)
        if theirs is None:
            return
        try:
            ours = _checked(before)
            what = "its arrays" if place.kind in STATES and not same_state(before, place) else ""
        except (StoreDamaged, FileNotFoundError):  # what is there is worth nothing, and is written again
            self.take[key] = place
            return
        if place.kind == "looks":
            known = self.looks.get(place.name, ours)
            self.looks[place.name] = {**known, "looks": joined_looks(known["looks"], theirs["looks"])}
        elif place.kind in STATES or not says_more(theirs, ours):
            self.known += 1
        else:
            self.take[key] = place
        if what := what or ("" if place.kind == "looks" else ", ".join(differing(ours, theirs))):
            self.contradictions.append(_Contradiction(before, place, what))

    def _sound(self, place: Place) -> Mapping[str, Any] | None:
        """The body of a record that passes its check; None, and a finding, where it does not."""
        try:
            return _checked(place)
        except FileNotFoundError:
            return None
        except StoreDamaged as error:
            self.left_out.append(Finding(str(place.path), f"{error}"))
            return None

    def _refuse(self) -> None:
        if not self.contradictions:
            return
        named = [
            f"{one.one.path} and {one.other.path} differ in {one_line(one.what, 200)}"
            for one in self.contradictions[:MOST_NAMED]
        ]
        more = len(self.contradictions) - MOST_NAMED
        raise StoreError(
            f"merged nothing: {'; '.join(named)}{f'; and {more:,} more' if more > 0 else ''}; results of one name must "
            "be equal: check with critlab verify which store was changed, or made on another kind of machine"
        )

    def write(self) -> tuple[int, int]:
        """Write what the target lacks; how many files of how many bytes."""
        files, size = 0, 0
        with Progress("merging", len(self.take)) as shown:
            for place in self._ordered():
                shown.advance()
                try:
                    content = checked_content(place)
                except FileNotFoundError:
                    continue
                except StoreDamaged as error:
                    self.left_out.append(Finding(str(place.path), f"{error}"))
                    continue
                suffix = ".safetensors" if place.kind in STATES else ".json"
                self.target.put_file(self.target.path(place.kind, place.name, suffix), content)
                files, size = files + 1, size + len(content)
        for name, body in self.looks.items():
            if self.target.read("looks", name) != body:
                self.target.write("looks", name, body)
        return files, size

    def _ordered(self) -> Iterable[Place]:
        """The files to write; epochs come after those that they follow, so that a sound store is left at any time."""
        trained = {name for kind, name in (*self.here, *self.take) if kind == "epochs"}
        wanted = [one for one in self.take.values() if not (one.kind in PROVISIONAL and one.name in trained)]
        return sorted(wanted, key=lambda one: (ORDER.index(one.kind), _epoch(one) if one.kind == "epochs" else 0))


def _merged(store: Store) -> Iterator[Place]:
    return (place for place in places(store) if place.kind in ORDER) if store.root.is_dir() else iter(())


def _checked(place: Place) -> Mapping[str, Any]:
    """As :func:`check`; where a newer critlab wrote the file, the error names it."""
    try:
        return check(place)
    except StoreNewer as error:
        raise StoreNewer(f"{place.path}: {error}") from None


def _epoch(place: Place) -> int:
    try:
        return cast(int, _checked(place).get("epoch", 0))
    except (FileNotFoundError, StoreDamaged):
        return 0


def _studies(store: Store, names: set[str]) -> tuple[tuple[str, ...], tuple[Lack, ...], tuple[str, ...]]:
    """Which of the studies of these names are complete, which lack something, and of which that cannot be said."""
    complete, lacking, unread = list[str](), list[Lack](), list[str]()
    for one in recorded(store):
        if not isinstance(one.record, StudyRecord) or one.record.name not in names or one.record.replaced:
            continue
        if one.owner is None:
            unread.append(one.record.name)
            continue
        work = one.owner.run.missing()
        if work.tasks:
            lacking.append(Lack(one.record.name, work.trained, work.readings))
        else:
            complete.append(one.record.name)
            write_record(store, replace(one.record, complete=one.owner.run.complete()))
    return tuple(dict.fromkeys(complete)), tuple(lacking), tuple(dict.fromkeys(unread))
