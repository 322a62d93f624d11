"""What a store holds under the name of a study: its records read, entered and written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from critlab._core.errors import StoreDamaged, StoreError, StudyError
from critlab.engine.records.study_record import Damaged, StudyRecord, record_of, short_name
from critlab.store import Store
from critlab.store.inspection import Place, check
from critlab.store.marker import mark
from critlab.store.store import slug
from critlab.study.sameness import Difference, differences, grown, told
from critlab.study.study import Study


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
            record = record_of(path.stem, check(place))
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


def _files(name: str) -> str:
    """The regular expression that the names of that study's records fit."""
    return rf"{re.escape(slug(name))}|{re.escape(short_name(name))}-[0-9a-f]{{12}}"
