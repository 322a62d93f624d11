"""What belongs to a study: kind and name of every file that may be known of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from critlab.engine.names import Names
from critlab.engine.study_record import read_record
from critlab.entry import is_path
from critlab.errors import StoreError, StudyError
from critlab.store import Store
from critlab.store.inspection import STATES, check, places
from critlab.store.store import slug
from critlab.study.measurement import due
from critlab.study.study import Study
from critlab.study.tree import ROOT, Tree, build


@dataclass(frozen=True)
class Belongings:
    """A study in a store.

    Args:
        study: the question.
        names: the names of everything that it makes.
        tree: its tree.
        files: kind and name of its files.
        roots: the names of its untrained networks, which have no record.
    """

    study: Study
    names: Names
    tree: Tree
    files: frozenset[tuple[str, str]]
    roots: frozenset[str]


def belongings(store: Store, study: Study) -> Belongings:
    """What belongs to ``study`` in ``store``.

    Raises:
        StudyError: it was never run there.
    """
    record = read_record(store, study)
    if record is None:
        raise StudyError(f"{study.name}: nothing of it is in the store {store.root}")
    names = record.names(study)
    tree = build(study, names.adopted)
    files = {("studies", slug(study.name))}
    for seed in study.seeds:
        for path, node in tree.nodes.items():
            state = names.state(seed, path)
            files |= {("readings", names.reading(seed, path, measure)) for measure in due(study, node.epoch)}
            if path != ROOT:
                files |= {(kind, state) for kind in ("epochs", "failures", *STATES)}
    roots = frozenset(names.state(seed, ROOT) for seed in study.seeds)
    return Belongings(study, names, tree, frozenset(files), roots)


def recorded_studies(store: Store) -> list[Study]:
    """Every study that was run in ``store``; no code is run on a store's word.

    Raises:
        StudyError: a study names code of a user's own, or is not one that this critlab can read.
        StoreError: a study's record is damaged.
    """
    found = []
    for place in places(store):
        if place.kind != "studies":
            continue
        try:
            asked = check(place)["study"]
        except StoreError as error:
            raise StoreError(f"{place.path}: {error}; critlab run of that study writes it anew") from None
        if own := next(_own_code(asked), None):
            raise StudyError(
                f"STUDY: the study {asked.get('name')!r} in this store uses {own}, and a store's word runs no code; "
                "name the studies to keep: critlab gc STUDY ..."
            )
        found.append(Study.read(json.loads(json.dumps(asked)), f"{place.path}"))
    return found


def _own_code(value: Any) -> Iterator[str]:
    """Every ``package.module:name`` in a study's plain values."""
    if isinstance(value, str) and is_path(value):
        yield value
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in items:
        yield from _own_code(item)
