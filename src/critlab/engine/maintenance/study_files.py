"""What belongs to a study: kind and name of every file that may be known of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from critlab._core.digest import digest
from critlab._core.errors import StudyError
from critlab._core.imports import is_path
from critlab.engine.records.look_record import looks_name
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import Damaged, StudyRecord, all_records, read_record
from critlab.store import Store
from critlab.store.inspection import STATES, Place
from critlab.store.store import slug
from critlab.study.measurement import TEST, interval, scheduled_measures
from critlab.study.study import Study
from critlab.study.tree import ROOT, Tree, build


@dataclass(frozen=True)
class StudyFiles:
    """A study in a store.

    Args:
        study: the question.
        record: what the store remembers of it.
        names: the names of everything that it makes.
        tree: its tree.
        files: kind and name of its files, its record included.
        roots: the names of its untrained networks, which have no record.
    """

    study: Study
    record: StudyRecord
    names: StudyIds
    tree: Tree
    files: frozenset[tuple[str, str]]
    roots: frozenset[str]

    def whole(self) -> str:
        """The digest by which the study's record says that all of it was there once."""
        return whole(self.study, self.names, self.tree)


@dataclass(frozen=True)
class Recorded:
    """A study's record in a store, and what can be said of it without running code on a store's word.

    Args:
        place: where the record lies.
        record: what it says; None where it is damaged.
        owner: what belongs to its study; None where that cannot be said.
        why: why not.
        own_code: the code of a user's own that the study uses.
    """

    place: Place
    record: StudyRecord | None = None
    owner: StudyFiles | None = None
    why: str = ""
    own_code: str = ""


def study_files(store: Store, study: Study) -> StudyFiles:
    """What belongs to ``study`` in ``store``.

    Raises:
        StudyError: it was never run there.
    """
    record = read_record(store, study)
    if record is None:
        raise StudyError(f"{study.name}: no results in {store.root}")
    return owned(study, record)


def owned(study: Study, record: StudyRecord) -> StudyFiles:
    """What belongs to ``study``, whose numbers are computed as ``record`` says."""
    names = record.names(study)
    tree = build(study, names.adopted)
    files = {("studies", record.key), ("studies", slug(record.name)), ("looks", looks_name(study, names))}
    for seed in study.seeds:
        for path, node in tree.nodes.items():
            state = names.state(seed, path)
            # also the tests that are not due: results show every test that the store has
            measures = {*scheduled_measures(study, node), *((TEST,) if path != ROOT else ())}
            files |= {("readings", names.reading(seed, path, measure)) for measure in measures}
            if path != ROOT:
                files |= {(kind, state) for kind in ("epochs", "failures", *STATES)}
    roots = frozenset(names.state(seed, ROOT) for seed in study.seeds)
    return StudyFiles(study, record, names, tree, frozenset(files), roots)


def whole(study: Study, names: StudyIds, tree: Tree) -> str:
    """The digest of the names of all that ``study`` needs; another one where a version of a measure has changed."""
    origins = [names.origin_digest(seed) for seed in study.seeds]
    read = [[*names.read_with(measure), interval(study, measure)] for measure in (TEST, *study.measures)]
    # which tests are due depends on the final epochs, except where there is a test after every epoch
    final = [study.statistics.final_epochs] if study.evaluation.every > 1 else []
    return digest("whole", origins, sorted(tree.ends.values()), read, *final)


def recorded(store: Store) -> Iterator[Recorded]:
    """Every record of a study in ``store``, and what belongs to that study.

    Raises:
        StoreError: a record is newer than this critlab can read.
    """
    for place, record in all_records(store):
        if isinstance(record, Damaged):
            yield Recorded(place, why=record.why)
        elif own := next(_own_code(record.study), ""):
            yield Recorded(place, record, why=f"the study {record.name!r} uses {own}, your own code", own_code=own)
        else:
            try:
                study = Study.read(json.loads(json.dumps(record.study)), f"{place.path}")
            except StudyError as error:
                yield Recorded(place, record, why=f"{error}")
            else:
                yield Recorded(place, record, owned(study, record))


def _own_code(value: Any) -> Iterator[str]:
    """Every ``package.module:name`` in a study's plain values."""
    if isinstance(value, str) and is_path(value):
        yield value
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in items:
        yield from _own_code(item)
