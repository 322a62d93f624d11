"""Values that a prompt and a notebook show in words.

``critlab.report.documents.summaries`` writes the words and is imported only then, so no package imports upwards.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

WORDS = "critlab.report.documents.summaries"


class Shown:
    """A value with a line for a prompt and an HTML summary for a notebook, in place of all its fields."""

    def __repr__(self) -> str:
        line: str = _words().line(self)
        return line

    def _repr_html_(self) -> str:
        html: str = _words().html(self)
        return html


def _words() -> Any:
    return import_module(WORDS)
