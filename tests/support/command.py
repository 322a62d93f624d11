"""The type of the fixture ``critlab``, which calls the command line inside the test's own process."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def problem(self) -> str:
        """Standard error after the line with which a long command begins."""
        return BEGINNING.sub("", self.err)


BEGINNING = re.compile(r"\A(run|when|demo|reproduce)( .*)?: reading the study\n")

Command = Callable[..., Answer]

JARGON = re.compile(
    r"Traceback|Input should|constrained|literal\[|discriminator|\btag\b|instance of|pydantic|[Vv]alidation|tuple|"
    r"dictionary|Exceeds the limit"
)
"""Words of libraries and of Python that no message to a user may contain."""
