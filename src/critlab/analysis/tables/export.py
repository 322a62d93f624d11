"""The tidy table out of the laboratory: CSV, JSON or Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from critlab._core.errors import StudyError
from critlab._core.terminal.streams import show_bytes
from critlab.analysis.tables.results import Results
from critlab.store.delivery import deliver

Format = Literal["csv", "json", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "json", "parquet")


def chosen_format(form: Format | None, out: Path | None) -> Format:
    """The format: ``form``, else what the name of ``out`` says, else CSV.

    Raises:
        StudyError: the name of ``out`` says another one than ``form``.
    """
    named = next((one for one in FORMATS if out is not None and out.suffix.lower() == f".{one}"), None)
    if form and named and form != named:
        raise StudyError(f"--out: received {out} with --format {form}; must end in .{form}, or leave out --format")
    return form or named or "csv"


def export(results: Results, form: Format, out: Path | None) -> None:
    """Writes the tidy table to ``out``, or to stdout, in UTF-8.

    Raises:
        StudyError: Parquet without a file, or without the extra that it needs; the file cannot be written.
    """
    if form == "parquet":
        _parquet(results, out)
        return
    text = results.to_csv() if form == "csv" else results.to_json() + "\n"
    if out is None:
        show_bytes(text.encode())
    else:
        deliver(out, text.encode())


def _parquet(results: Results, out: Path | None) -> None:
    if out is None:
        raise StudyError("--out: missing; parquet is binary and needs a file")
    try:
        content = results.to_pandas().to_parquet(index=False)
    except ImportError:
        raise StudyError("--format: received parquet, which needs the extra: pip install 'critlab[tables]'") from None
    deliver(out, content)
