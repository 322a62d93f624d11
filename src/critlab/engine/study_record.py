"""What the store remembers of a study: the question, the images it was asked of, and how numbers are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from critlab.engine.code import own_codes
from critlab.engine.names import Names
from critlab.own_code import NOTHING
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
        code: ``files``, the digest of each module of the user's own, and ``adopted``, see
            :class:`~critlab.engine.names.Names`; None where none is known, as in a record of critlab 0.1.0.
    """

    study: Mapping[str, Any]
    fingerprint: str
    numerics: Numerics
    provenance: Mapping[str, Any]
    decision: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, Mapping[str, str]] | None = None

    @property
    def adopted(self) -> Mapping[str, str]:
        """The digests of own code that the store was found to name otherwise."""
        return (self.code or {}).get("adopted", NOTHING)

    def names(self, study: Study) -> Names:
        """The names of everything that ``study`` makes.

        Where nobody has looked at its own code yet, that is named as critlab 0.1.0 did.
        """
        adopted = self.adopted
        if self.code is None:
            adopted = {code.digest: code.text for code in own_codes(study) if code.text}
        return Names(study, self.fingerprint, self.numerics, adopted)


def read_record(store: Store, study: Study) -> StudyRecord | None:
    """The record of ``study``, None where it has never been run in this store."""
    body = store.read("studies", study.name)
    if body is None:
        return None
    numerics = Numerics.read(body["numerics"], f"the record of {study.name}")
    return StudyRecord(
        body["study"], body["fingerprint"], numerics, body["provenance"], body.get("decision", {}), body.get("code")
    )


def write_record(store: Store, study: Study, record: StudyRecord) -> None:
    """Writes the record of ``study``."""
    body = {
        "study": dict(record.study),
        "fingerprint": record.fingerprint,
        "numerics": record.numerics.model_dump(),
        "provenance": dict(record.provenance),
        "decision": dict(record.decision),
        **({} if record.code is None else {"code": record.code}),
    }
    if store.read("studies", study.name) != body:
        store.write("studies", study.name, body)
