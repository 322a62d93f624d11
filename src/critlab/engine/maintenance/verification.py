"""What a look at a store found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Finding(NamedTuple):
    """A file, by its place in the store, and what there is to say about it."""

    file: str
    what: str


class Lack(NamedTuple):
    """What a recorded study does not have: epochs and readings."""

    study: str
    epochs: int
    readings: int


@dataclass
class Verification:
    """What was looked at and what was found.

    Args:
        store: the folder.
        study: whose files were looked at; None for all.
        files: how many.
        bytes: of how many bytes.
        wrong: what fails its check or contradicts what it is made from, or is not there although others rest on it or
            its study had it.
        orphans: what nothing leads to: left by work that was broken off, or not critlab's.
        set_aside: what failed its check earlier and lies in quarantine.
        lacking: the studies that do not have all of their epochs and readings.
        unread: the studies whose needs only their user's own code can say, each with the reason.
        made: epochs by arm, and by the kind of machine that they were made on; of a whole store as one arm.
    """

    store: str
    study: str | None
    files: int = 0
    bytes: int = 0
    wrong: list[Finding] = field(default_factory=list)
    orphans: list[Finding] = field(default_factory=list)
    set_aside: list[Finding] = field(default_factory=list)
    lacking: list[Lack] = field(default_factory=list)
    unread: list[Finding] = field(default_factory=list)
    made: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Epochs that are not there, of all studies that were looked at."""
        return sum(one.epochs for one in self.lacking)

    @property
    def missing_readings(self) -> int:
        """Readings that are not there, of all studies that were looked at."""
        return sum(one.readings for one in self.lacking)

    def document(self) -> dict[str, Any]:
        """The findings as one JSON document."""
        names = ("wrong", "orphans", "set_aside", "lacking", "unread")
        lists = {name: [one._asdict() for one in getattr(self, name)] for name in names}
        counts = {"missing": self.missing, "missing_readings": self.missing_readings, "made": self.made}
        files = {"files": self.files, "bytes": self.bytes}
        return {"schema_version": 2, "store": self.store, "study": self.study, **files, **counts, **lists}
