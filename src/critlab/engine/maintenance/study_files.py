"""What belongs to a study: kind and name of every file that may be known of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab.engine.records.look_record import looks_name
from critlab.engine.records.standing import all_records, read_record
from critlab.engine.records.study_record import Damaged, StudyRecord
from critlab.engine.study_run import StudyRun
from critlab.store import Store
from critlab.store.inspection import STATES, Place
from critlab.store.store import slug
from critlab.study.ingredients.measurement import TEST, scheduled_measures
from critlab.study.runs.tree import ROOT
from critlab.study.study import Study


@dataclass(frozen=True)
class StudyFiles:
    """A study in a store.

    Args:
        run: the study, with the names of everything that it makes.
        record: what the store remembers of it.
        files: kind and name of its files, its record included.
        roots: the names of its untrained networks, which have no record.
    """

    run: StudyRun
    record: StudyRecord
    files: frozenset[tuple[str, str]]
    roots: frozenset[str]


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
    return owned(record.run(study, store), record)


def owned(run: StudyRun, record: StudyRecord) -> StudyFiles:
    """What belongs to the study of ``run``, which is what ``record`` says."""
    looks = ("looks", looks_name(run.study, run.ids))
    files = {("studies", record.key), ("studies", slug(record.name)), looks}
    for seed in run.study.seeds:
        for path, node in run.tree.nodes.items():
            state = run.ids.state(seed, path)
            # also the tests that are not due: results show every test that the store has
            measures = {*scheduled_measures(run.study, node), *((TEST,) if path != ROOT else ())}
            files |= {("readings", run.ids.reading(seed, path, measure)) for measure in measures}
            if path != ROOT:
                files |= {(kind, state) for kind in ("epochs", "failures", *STATES)}
    roots = frozenset(run.ids.state(seed, ROOT) for seed in run.study.seeds)
    return StudyFiles(run, record, frozenset(files), roots)


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
                yield Recorded(place, record, owned(record.run(study, store), record))


def _own_code(value: Any) -> Iterator[str]:
    """Every ``package.module:name`` in a study's plain values."""
    if isinstance(value, str) and is_path(value):
        yield value
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in items:
        yield from _own_code(item)
