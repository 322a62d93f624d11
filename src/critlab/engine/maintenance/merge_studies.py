"""The records of studies in stores that become one: studies of one name must be one study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from critlab._core.errors import StudyError
from critlab.engine.records.standing import all_records
from critlab.engine.records.study_record import StudyRecord, joined
from critlab.store import Store
from critlab.study.sameness import grown, plain_differences, told


def agreed_records(stores: Sequence[Store]) -> list[StudyRecord]:
    """The records that the merged store has, those of the first store first.

    Args:
        stores: the target, which need not exist, and those that are merged into it.

    Raises:
        StudyError: two stores hold different studies of one name, or computed one study in different ways.
        StoreError: a record is newer than this critlab can read.
    """
    found: dict[str, StudyRecord] = {}
    present: dict[str, tuple[Store, StudyRecord]] = {}
    for store in stores:
        own = list(_records(store))
        for name, record in _leading(own).items():
            if name in present:
                _refuse_other(*present[name], store, record)
            present.setdefault(name, (store, record))
        for record in own:
            known = found.get(record.key)
            last = max((one.turn for one in found.values() if one.name == record.name), default=0)
            if known is not None:
                found[record.key] = joined(known, record)
            elif any(one.name == record.name for one in found.values()) and store is not stores[0]:
                found[record.key] = replace(record, turn=max(record.turn, last + 1))
            else:
                found[record.key] = record
    return list(found.values())


def _records(store: Store) -> Iterator[StudyRecord]:
    """Those that can be read; in the order in which they were run."""
    known = (record for _, record in all_records(store) if isinstance(record, StudyRecord))
    yield from sorted(known, key=lambda one: one.turn)


def _leading(records: Sequence[StudyRecord]) -> dict[str, StudyRecord]:
    """By name, the record of the study that was run last."""
    return {record.name: record for record in records if not record.replaced}


def _refuse_other(first: Store, one: StudyRecord, second: Store, other: StudyRecord) -> None:
    """Refuses two records of one name that are not of one study, or whose results cannot be joined."""
    found = plain_differences(one.study, other.study)
    where = f"{first.root} and {second.root}"
    if not grown(found):
        raise StudyError(
            f"merged nothing: {where} hold different studies {one.name!r}, which differ in {told(found)}; rename one "
            "of them and run it again under its new name"
        )
    if one.fingerprint != other.fingerprint:
        raise StudyError(f"merged nothing: {where} have trained {one.name!r} on different data; use the same data")
    if one.numerics != other.numerics:
        ways = f"{one.numerics.precision} and {other.numerics.precision}"
        raise StudyError(
            f"merged nothing: {where} have computed {one.name!r} in different ways ({ways}); give every part the same "
            "--precision"
        )
