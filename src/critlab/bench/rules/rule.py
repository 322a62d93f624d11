"""A row of the bench's table: a rule with its title, its source and how it is written in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from critlab.bench.records import Records


@dataclass(frozen=True)
class BenchRule:
    """A rule that the bench judges by default.

    Args:
        title: what it looks at, for the table.
        citation: paper and section, or "ours".
        answer: from the records so far to a number, a state or an answer for each deficit.
    """

    title: str
    citation: str
    answer: Callable[[Records], Any]
