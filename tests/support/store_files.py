"""The files of a store, for tests that damage them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from critlab.engine.records.standing import all_records, write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store


def some(store: Store, kind: str) -> list[Path]:
    return sorted(path for path in (store.root / kind).rglob("*") if path.is_file())


def incomplete(store: Store) -> None:
    """As if the studies in ``store`` had never been at their end."""
    for _, one in list(all_records(store)):
        assert isinstance(one, StudyRecord)
        write_record(store, replace(one, complete=""))
