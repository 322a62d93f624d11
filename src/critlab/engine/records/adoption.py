"""What names a user's own code in a store that has named it by less before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from critlab._core.errors import StoreError
from critlab.engine.records.own_code import code_files, differing, own_codes, places
from critlab.engine.records.standing import read_record
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.study_run import StudyRun
from critlab.store import Store
from critlab.store.inspection import Place, check
from critlab.study.runs.origin import Numerics
from critlab.study.study import Study

Adopted = Mapping[str, str]


class Settled(NamedTuple):
    """How a store names a study's own code from now on.

    Args:
        recorded: for the study's record; None where the study has no code of a user's own.
        remarks: what a person should know, a sentence or two each.
    """

    recorded: Mapping[str, Mapping[str, str]] | None
    remarks: list[str]


def settle(study: Study, store: Store, record: StudyRecord | None, fingerprint: str, numerics: Numerics) -> Settled:
    """How ``store`` names the own code of ``study``.

    All of the user's code that may change a result names it. Stores of critlab 0.1.0 hold results that are named by the
    text of a function alone. Where there are such results of ``study`` and that text is what it was, they stay in use,
    for the code as it is now; later edits give new names.

    Args:
        study: the question.
        store: what is known.
        record: the study's record; None where there is none.
        fingerprint: content hash of the images in use.
        numerics: how numbers are computed.
    """
    codes = own_codes(study)
    if not codes:
        return Settled(None, [])
    files = {name: sha for code in codes for name, sha in code.files().items()}
    known = dict(_adopted_before(store))
    adopted = {code.digest: known[code.digest] for code in codes if code.digest in known}
    remarks = [f"{code.unread}" for code in codes if code.unread and not (record and record.code)]
    taken = set(known.values())
    # code that the study did not have before has named nothing, and critlab 0.1.0 had no metrics of a user's own
    asked = None if record is None else json.dumps(dict(record.study))
    before = [code for code in codes if asked is None or code.path in asked]
    metrics = {code.digest for code in study.task.codes()}
    named = [code for code in before if code.digest not in {*known, *metrics}]
    new = [code for code in named if code.text and code.text not in taken]
    open_ = {code.digest: code.text for code in new}
    if (record is None or record.code is None) and open_ and _are_there(study, store, fingerprint, numerics, open_):
        adopted |= open_
        remarks.append(
            f"the results of {study.name!r} in this store come from critlab 0.1.0, which named them by the text of "
            f"{', '.join(code.path for code in new)} alone; critlab assumes that no other code was edited since; "
            "if other code was edited, use another --store"
        )
    elif record is not None and record.code is not None:
        if edited := differing(record.code["files"], files):
            remarks.append(
                f"{places(study, edited)} was edited since the last run of {study.name!r} in this store: critlab "
                "trains the affected runs again under new names and keeps the results of the earlier code"
            )
    elif record is not None and before:
        remarks.append(f"the code of {', '.join(code.path for code in before)} was edited: training again")
    kept = {**(record.adopted if record else {}), **adopted}
    return Settled({"files": files, "adopted": kept}, remarks)


def code_remark(study: Study, store: Store) -> str:
    """What a command that only reads a store says of a study's own code, in one line; empty where it is as it was run.

    Results of other code are never read as those of the present code, except where critlab 0.1.0 named them by the text
    of one function.

    Raises:
        StudyError: the store holds another study of that name.
        StoreError: its record is damaged, or newer than this critlab can read.
    """
    codes, record = own_codes(study), read_record(store, study)
    if not codes or record is None:
        return ""
    if record.code is None:
        paths = ", ".join(code.path for code in codes)
        return f"the results of {study.name!r} are named by the text of {paths} alone; other edits are not noticed here"
    edited = differing(record.code["files"], code_files(study))
    if not edited:
        return ""
    return (
        f"{places(study, edited)} was edited since {study.name!r} was last run in this store: results that it can "
        "change are not shown; use critlab run to train with the present code"
    )


def study_bodies(store: Store) -> Iterator[Mapping[str, Any]]:
    """The bodies of all records of studies in ``store`` that can be read."""
    for path in sorted((store.root / "studies").glob("*.json")):
        try:
            yield check(Place(path, "studies", path.stem, 0))
        except (OSError, StoreError):
            continue  # it is reported where that record is read


def _adopted_before(store: Store) -> Iterator[tuple[str, str]]:
    """What any study in ``store`` adopted."""
    for body in study_bodies(store):
        code = body.get("code")
        found = code.get("adopted") if isinstance(code, Mapping) else None
        yield from ((str(key), str(value)) for key, value in found.items()) if isinstance(found, Mapping) else ()


def _are_there(study: Study, store: Store, fingerprint: str, numerics: Numerics, adopted: Adopted) -> bool:
    """Whether ``store`` has an epoch of ``study`` under these names."""
    run = StudyRun.assemble(study, StudyIds(study, fingerprint, numerics, adopted), store)
    return run.has_epoch_of(run.tree.nodes)
