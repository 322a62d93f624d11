"""The tidy table out of the laboratory: CSV, JSON or Parquet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from critlab.analysis.results import Results
from critlab.errors import StudyError
from critlab.store import atomic

Format = Literal["csv", "json", "parquet"]


def export(results: Results, form: Format, out: Path | None) -> None:
    """Writes the tidy table to ``out``, or to stdout.

    Raises:
        StudyError: Parquet without a file, or without the extra that it needs.
    """
    if form == "parquet":
        _parquet(results, out)
        return
    text = results.to_csv() if form == "csv" else results.to_json() + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        atomic.write(out, text.encode())


def _parquet(results: Results, out: Path | None) -> None:
    if out is None:
        raise StudyError("--out: missing; parquet is binary and needs a file")
    try:
        content = results.to_pandas().to_parquet(index=False)
    except ImportError:
        raise StudyError("--format: received parquet, which needs the extra: pip install 'critlab[tables]'") from None
    atomic.write(out, content)
