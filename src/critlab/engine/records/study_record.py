"""What the store remembers of a study: the question, the images it was asked of, and how numbers are computed.

A record is named by the study's name and by a digest of all that names its states. So two studies of one name keep two
records, and a study that grows keeps the record of what it was: no record ever takes the place of another's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from critlab._core.digest import digest
from critlab._core.errors import StoreDamaged
from critlab._core.user_code.identity import NOTHING
from critlab.engine.records.measure_versions import versions_before
from critlab.engine.records.own_code import own_codes
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.study_run import StudyRun
from critlab.store import Store
from critlab.study.runs.origin import Numerics
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
        return f"{short_name(self.name)}-{identity[:12]}"

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


def record_of(key: str, body: Mapping[str, Any]) -> StudyRecord:
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


def short_name(name: str) -> str:
    """A study's name as the beginning of a file name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:60]
