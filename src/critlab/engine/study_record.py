"""What the store remembers of a study: the question, the images it was asked of, and how numbers are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from critlab.engine.names import Names
from critlab.store import Store
from critlab.study.origin import Numerics
from critlab.study.study import Study


@dataclass(frozen=True)
class StudyRecord:
    """The body of a study's record.

    Args:
        study: the question, as plain values.
        fingerprint: content hash of the images in use.
        numerics: decided once, by the first run.
        provenance: versions and machine of the latest run.
        decision: on what grounds the numerics were chosen: ``why``, and ``seconds_per_image`` where steps were timed.
    """

    study: Mapping[str, Any]
    fingerprint: str
    numerics: Numerics
    provenance: Mapping[str, Any]
    decision: Mapping[str, Any] = field(default_factory=dict)

    def names(self, study: Study) -> Names:
        """The names of everything that ``study`` makes."""
        return Names(study, self.fingerprint, self.numerics)


def read_record(store: Store, study: Study) -> StudyRecord | None:
    """The record of ``study``, None where it has never been run in this store."""
    body = store.read("studies", study.name)
    if body is None:
        return None
    numerics = Numerics.read(body["numerics"], f"the record of {study.name}")
    return StudyRecord(body["study"], body["fingerprint"], numerics, body["provenance"], body.get("decision", {}))


def write_record(store: Store, study: Study, record: StudyRecord) -> None:
    """Writes the record of ``study``."""
    body = {
        "study": dict(record.study),
        "fingerprint": record.fingerprint,
        "numerics": record.numerics.model_dump(),
        "provenance": dict(record.provenance),
        "decision": dict(record.decision),
    }
    if store.read("studies", study.name) != body:
        store.write("studies", study.name, body)
