"""What the store remembers of a study: the question, the images it was asked of, and how numbers are computed.

A record is named by the study's name and by a digest of all that names its states. So two studies of one name keep two
records, and a study that grows keeps the record of what it was: no record ever takes the place of another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from critlab._core.digest import digest
from critlab._core.errors import StoreDamaged, StoreError, StudyError
from critlab._core.user_code.identity import NOTHING
from critlab.engine.records.measure_versions import versions_before
from critlab.engine.records.own_code import own_codes
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.study_run import StudyRun
from critlab.store import Store
from critlab.store.inspection import Place, check
from critlab.store.marker import mark
from critlab.store.store import slug
from critlab.study.runs.origin import Numerics
from critlab.study.sameness import Difference, differences, grown, told
from critlab.study.study import Study

_FIELDS = (
    "study",
    "fingerprint",
    "numerics",
    "provenance",
    "decision",
    "code",
    "turn",
    "replaced",
    "complete",
    "chance",
    "constants",
    "versions",
    "rehearsed",
)


@dataclass(frozen=True)
class StudyRecord:
    """The body of a study's record.

    Args:
        study: the question, as plain values.
        fingerprint: content hash of the images in use.
        numerics: decided once, by the first run.
        provenance: versions and machine of the latest run.
        decision: on what grounds the numerics were chosen: ``why``, and ``seconds_per_image`` where steps were timed.
        code: ``files``, the digest of each module of the user's own, and ``adopted``, see
            :class:`~critlab.engine.records.study_ids.StudyIds`; None where none is known, as in critlab 0.1.0.
        turn: of the records of one name, the one that was run last has the highest.
        replaced: whether another study took over its name (``--replace``), or gc began to free its files.
        complete: digest of the names of all that it needs, once all of it was there; else empty.
        versions: of the measures whose readings are kept from an earlier version, which; None where not recorded
            yet, as in a record of critlab 0.1.0.
        others: fields that this critlab does not know; they stay.
        chance: the share of the test labels that are the most frequent one; None where it is not known.
        constants: of another task than classification, what the best constant answer reaches on the test labels, by
            metric; None where it is not known.
        rehearsed: digest of the user's own code, and of how it trains, that was tried before the first epoch; None
            where none was.
    """

    study: Mapping[str, Any]
    fingerprint: str
    numerics: Numerics
    provenance: Mapping[str, Any]
    decision: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, Mapping[str, str]] | None = None
    turn: int = 0
    replaced: bool = False
    complete: str = ""
    versions: Mapping[str, int] | None = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    chance: float | None = None
    rehearsed: str | None = None
    constants: Mapping[str, float] | None = None

    @property
    def adopted(self) -> Mapping[str, str]:
        """The digests of own code that the store was found to name otherwise."""
        return (self.code or {}).get("adopted", NOTHING)

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.study.get("name", ""))

    @property
    def key(self) -> str:
        """The record's own name: the study's, and 12 characters of the digest of all that names its states."""
        identity = digest("study", self.study, self.fingerprint, self.numerics.model_dump())
        return f"{_short(self.name)}-{identity[:12]}"

    def ids(self, study: Study) -> StudyIds:
        """The names of everything that ``study`` makes.

        Where the record lacks its own code or the versions of its measures, these are named as critlab 0.1.0 did.
        """
        adopted = self.adopted
        if self.code is None:
            adopted = {code.digest: code.text for code in own_codes(study) if code.text}
        versions = versions_before(study) if self.versions is None else self.versions
        return StudyIds(study, self.fingerprint, self.numerics, adopted, versions)

    def run(self, study: Study, store: Store, checkpoint_bytes: int | None = None) -> StudyRun:
        """The run of ``study`` in ``store`` as this record says; reads no file."""
        return StudyRun.assemble(study, self.ids(study), store, checkpoint_bytes)

    def body(self) -> dict[str, Any]:
        """The JSON values of the record."""
        own = {
            "study": dict(self.study),
            "fingerprint": self.fingerprint,
            "numerics": self.numerics.model_dump(),
            "provenance": dict(self.provenance),
            "decision": dict(self.decision),
            "turn": self.turn,
            "replaced": self.replaced,
            "complete": self.complete,
        }
        known = {
            "code": self.code,
            "chance": self.chance,
            "constants": None if self.constants is None else dict(self.constants),
            "rehearsed": self.rehearsed,
            "versions": None if self.versions is None else dict(self.versions),
        }
        return {**self.others, **own, **{name: value for name, value in known.items() if value is not None}}


class Damaged(NamedTuple):
    """A study's record that cannot be read: its file, by its place in the store, and why."""

    file: str
    why: str


class Standing(NamedTuple):
    """What a store holds under the name of a study.

    Args:
        same: records of the same question, the one that was run last first.
        relatives: records from which the study grew or was cut back, the one that was run last first.
        strangers: records of other questions, each with the differing keys.
        damaged: records of that name that cannot be read.
    """

    same: list[StudyRecord]
    relatives: list[StudyRecord]
    strangers: list[tuple[StudyRecord, list[Difference]]]
    damaged: list[Damaged]

    @property
    def record(self) -> StudyRecord | None:
        """The record that says how the study's numbers are computed; None where the store has none."""
        return next(iter((*self.same, *self.relatives)), None)

    def question(self, study: Study, store: Store) -> str:
        """What to ask a person where the name stands for another study; empty where it does not."""
        if any(not one.replaced for one in self.same) or self.relatives or not self.strangers:
            return ""
        return (
            f"name: {store.root} already has a different study {study.name!r}; the two differ in "
            f"{told(self.strangers[0][1])}; rename this study, or replace the other one: "
            "critlab run --replace"
        )


def standing(store: Store, study: Study) -> Standing:
    """What ``store`` holds under the name of ``study``; changes nothing.

    Raises:
        StoreError: a record is newer than this critlab can read, or the system cannot read it.
    """
    found = Standing([], [], [], [])
    for record in _records(store, study.name):
        if isinstance(record, Damaged):
            found.damaged.append(record)
            continue
        differing = differences(record.study, study)
        if not differing:
            found.same.append(record)
        elif not record.replaced and grown(differing):
            found.relatives.append(record)
        elif not record.replaced:
            found.strangers.append((record, differing))
    found.same.sort(key=lambda one: (one.replaced, -one.turn))
    found.relatives.sort(key=lambda one: -one.turn)
    return found


def read_record(store: Store, study: Study) -> StudyRecord | None:
    """The record of ``study``, or of the study that it grew from; None where it has never been run in this store.

    Raises:
        StudyError: the store holds another study of that name.
        StoreError: its record is damaged, or newer than this critlab can read.
    """
    found = standing(store, study)
    if found.record is not None:
        return found.record
    if question := found.question(study, store):
        raise StudyError(question)
    if found.damaged:
        file, why = found.damaged[0]
        raise StoreError(f"{store.root / file}: {why}; critlab run of {study.name!r} rewrites it")
    return None


def write_record(store: Store, record: StudyRecord) -> None:
    """Writes the record of a study; an equal one that an earlier critlab wrote under the study's name alone goes."""
    body = record.body()
    if _body(store, record.key) != body:
        store.write("studies", record.key, body)
    for place, before in all_records(store, re.escape(slug(record.name))):
        if isinstance(before, StudyRecord) and before.key == record.key != place.name:
            place.path.unlink(missing_ok=True)


def enter(store: Store, study: Study, record: StudyRecord, replaces: bool = False) -> StudyRecord:
    """Writes the record of a study that is about to be run, and gives it as it was written.

    Args:
        store: the store.
        study: the question.
        record: its record.
        replaces: take over the name where it stands for another study; that study keeps its record and its files
            until gc frees them.

    Raises:
        StudyError: the name stands for another study.
        StoreUnwritable: the disk is full, or the folder may not be written.
    """
    found = standing(store, study)
    question = found.question(study, store)
    if question and not replaces:
        raise StudyError(question)
    every = [*found.same, *found.relatives, *(other for other, _ in found.strangers)]
    last = max((one.turn for one in every), default=0)
    known = next((one for one in found.same if one.key == record.key), None)
    if known is None:
        entered = replace(record, turn=last + 1)
    else:
        stays = known.turn == last and not known.replaced
        turn = known.turn if stays else last + 1
        entered = replace(record, turn=turn, complete=known.complete, others={**known.others, **record.others})
    mark(store.root)
    write_record(store, entered)
    if question:
        for other, _ in found.strangers:
            write_record(store, replace(other, replaced=True))
    _set_aside(store, study.name)
    return entered


def joined(one: StudyRecord, other: StudyRecord) -> StudyRecord:
    """One record from two of one key, of two stores that become one; where they disagree, ``one`` counts."""
    adopted = {**other.adopted, **one.adopted}
    code = one.code if one.code is not None else other.code
    return replace(
        one,
        code=None if code is None else {**code, "adopted": adopted},
        turn=max(one.turn, other.turn),
        replaced=one.replaced and other.replaced,
        complete=one.complete or other.complete,
        versions=one.versions if one.versions is not None else other.versions,
        others={**other.others, **one.others},
        chance=one.chance if one.chance is not None else other.chance,
        rehearsed=one.rehearsed or other.rehearsed,
    )


def all_records(store: Store, files: str = "") -> Iterator[tuple[Place, StudyRecord | Damaged]]:
    """Every record of a study in ``store`` with its place, those that cannot be read included; changes nothing.

    Args:
        store: the store.
        files: a regular expression that the name of the record must fit; all where it is empty.

    Raises:
        StoreError: a record is newer than this critlab can read, or the system cannot read it.
    """
    for path in sorted((store.root / "studies").glob("*.json")):
        if files and not re.fullmatch(files, path.stem):
            continue
        place = Place(path, "studies", path.stem, 0)
        try:
            record = _read(path.stem, check(place))
            if path.stem not in (record.key, slug(record.name)):
                raise StoreDamaged(f"record {path.stem}: its name does not match the study in it")
        except FileNotFoundError:
            continue
        except (StoreDamaged, StudyError) as error:
            yield place, Damaged(str(path.relative_to(store.root)), f"{error}")
        else:
            yield place, record


def _records(store: Store, name: str) -> Iterator[StudyRecord | Damaged]:
    """The records of the studies called ``name``; what cannot be read goes by its file's name."""
    for _, record in all_records(store, _files(name)):
        if isinstance(record, Damaged) or record.name == name:
            yield record


def _set_aside(store: Store, name: str) -> None:
    """Moves the damaged records of that name to quarantine; what they said is in the record of the run that begins."""
    for place, damaged in all_records(store, _files(name)):
        if isinstance(damaged, Damaged):
            store.set_aside_file(place.path, damaged.why)


def _body(store: Store, key: str) -> Mapping[str, Any] | None:
    try:
        return check(Place(store.path("studies", key), "studies", slug(key), 0))
    except (FileNotFoundError, StoreDamaged):
        return None


def _read(key: str, body: Mapping[str, Any]) -> StudyRecord:
    """The record that a body holds; what an earlier critlab did not write is as if nothing were known of it."""
    turn, complete = body.get("turn", 0), body.get("complete", "")
    fits = isinstance(turn, int) and isinstance(complete, str) and isinstance(body.get("decision", {}), Mapping)
    if not fits or not isinstance(body.get("replaced", False), bool):
        raise StoreDamaged(f"record {key}: has invalid content; critlab did not write it")
    return StudyRecord(
        body["study"],
        body["fingerprint"],
        Numerics.read(body["numerics"], f"the record of {body['study'].get('name', key)}"),
        body["provenance"],
        body.get("decision", {}),
        body.get("code"),
        turn,
        body.get("replaced", False),
        complete,
        body.get("versions"),
        {name: value for name, value in body.items() if name not in _FIELDS},
        body.get("chance"),
        body.get("rehearsed"),
        body.get("constants"),
    )


def _files(name: str) -> str:
    """The regular expression that the names of that study's records fit."""
    return rf"{re.escape(slug(name))}|{re.escape(_short(name))}-[0-9a-f]{{12}}"


def _short(name: str) -> str:
    """A study's name as the beginning of a file name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:60]
