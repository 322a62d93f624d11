"""Arrays in a user's files: ``.npy``, ``.npz`` and parquet, each named ``FILE`` or ``FILE:NAME``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab._core.problems import nearest
from critlab._core.terminal.text import one_line
from critlab.data.own.paths import found_path

Sequences = list[NDArray[Any]]


def read_array(folder: Path, reference: str) -> NDArray[Any]:
    """The array at ``reference``; an ``.npy`` file is mapped and not read.

    Args:
        folder: of all data.
        reference: ``"FILE.npy"``, ``"FILE.npz:NAME"`` or ``"FILE.parquet:COLUMN"``; a column of lists is an array of
            more axes.

    Raises:
        DataError: there is no such file, array or column; it is damaged, holds objects, or its lists have several
            lengths.
    """
    found = read_sequences(folder, reference)
    if isinstance(found, list):
        lengths = {len(one) for one in found}
        if len(lengths) > 1:
            row = next(row for row, one in enumerate(found) if len(one) != len(found[0]))
            raise DataError(
                f"{reference}: ragged: row {row} has {len(found[row])} values where row 0 has {len(found[0])}; give "
                'all rows one length, or, where they are tokens, use name = "tokens"'
            )
        return np.stack(found)
    return found


def read_sequences(folder: Path, reference: str) -> NDArray[Any] | Sequences:
    """As :func:`read_array`; rows of several lengths are a list of arrays."""
    name, _, inside = reference.partition(":")
    path = found_path(folder, name)
    try:
        if path.suffix == ".npy":
            return _whole(np.load(path, mmap_mode="r", allow_pickle=False), reference)
        if path.suffix == ".npz":
            return _of_archive(path, inside, reference)
        if path.suffix == ".parquet":
            return _of_parquet(path, inside, reference)
    except DataError:
        raise
    except Exception as error:  # damaged files fail in any way at all
        why = not_numbers(path, error) or f"cannot be read ({one_line(f'{type(error).__name__}: {error}', 200)})"
        raise DataError(f"{path}: {why}") from error
    raise DataError(f"{reference}: has the suffix {path.suffix!r}; must be .npy, .npz or .parquet")


def not_numbers(path: Path, error: Exception) -> str:
    """What is in a file that numpy reads as pickled objects, and what to do; empty of another error.

    numpy takes any file for pickled objects that it does not know, and names the option that would execute them.
    """
    if not re.search("pickle|Python objects", f"{error}"):
        return ""
    with path.open("rb") as file:
        known = file.read(2) in (b"\x93N", b"PK")
    if known:
        return "holds Python objects; save an array of numbers"
    return f"is not a {path.suffix} file; must be written by {'numpy.save' if path.suffix == '.npy' else 'numpy.savez'}"


def column_names(path: Path) -> list[str]:
    """The columns of a parquet file.

    Raises:
        DataError: pyarrow is not installed.
    """
    return [str(name) for name in _parquet().read_schema(path).names]


def parquet_columns(path: Path, names: list[str]) -> dict[str, list[Any]]:
    """Columns of a parquet file, as Python values with None where there is none."""
    table = _parquet().read_table(path, columns=names)
    return {name: table.column(name).to_pylist() for name in names}


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise DataError("reading parquet needs pyarrow; install it: pip install 'critlab[tables]'") from None
    return pyarrow.parquet


def _of_archive(path: Path, name: str, reference: str) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as archive:
        if name not in archive:
            asked = f"{path.name} has no array {name!r}" if name else f"{reference} names a file of several arrays"
            raise DataError(f"{asked}; write {path.name}:NAME{nearest(name, archive.files)}")
        return _whole(archive[name], reference)


def _of_parquet(path: Path, name: str, reference: str) -> NDArray[Any] | Sequences:
    columns = column_names(path)
    if name not in columns:
        asked = f"{path.name} has no column {name!r}" if name else f"{reference} names a file of several columns"
        raise DataError(f"{asked}; write {path.name}:COLUMN{nearest(name, columns)}")
    values = parquet_columns(path, [name])[name]
    if None in values:
        raise DataError(f"{reference}: row {values.index(None)} is empty; fill it or remove the row")
    if values and isinstance(values[0], list):
        rows = [np.asarray(value) for value in values]
        for number, row in enumerate(rows):
            if row.dtype.kind not in "iufb":
                raise DataError(
                    f"{reference}: row {number} has values that are no numbers, or lists of several lengths"
                )
        return rows if len({row.shape for row in rows}) > 1 else np.stack(rows)
    return _whole(np.asarray(values), reference)


def _whole(values: NDArray[Any], reference: str) -> NDArray[Any]:
    if values.dtype.kind == "O":
        raise DataError(f"{reference}: holds Python objects; store numbers")
    if values.ndim == 0 or len(values) == 0:
        raise DataError(f"{reference}: is empty; must have one row for each example")
    return values
