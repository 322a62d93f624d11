"""The columns of a table as read, and as the features of a network."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab._core.problems import nearest, shown
from critlab._core.terminal.text import one_line
from critlab.data.own.array_files import column_names, parquet_columns
from critlab.data.strata import split_groups
from critlab.deficits.target_form import TargetForm

if TYPE_CHECKING:
    from critlab.data.own.table import Table
    from critlab.data.user import Pair

EMPTY = frozenset(["", "nan", "na", "n/a", "null", "none"])
"""What an empty cell of a CSV file is written as, in small letters."""


@dataclass(frozen=True)
class Columns:
    """The columns of one part of a table.

    Args:
        where: the file, for messages.
        cells: values by column: text, numbers, or None for an empty cell.
        rows: the number of each row in the file; the first after the header is 1.
    """

    where: str
    cells: Mapping[str, Sequence[Any]]
    rows: Sequence[int]

    def column(self, name: str) -> Sequence[Any]:
        """The values of a column without empty cells.

        Raises:
            DataError: there is no such column, or a cell is empty.
        """
        if name not in self.cells:
            raise DataError(f"{self.where}: has no column {name!r}{nearest(name, self.cells)}")
        values = self.cells[name]
        if None in values:
            raise DataError(
                f"{self.where}: row {self.rows[values.index(None)]}, column {name!r}: empty; remove the row"
            )
        return values

    def chosen(self, rows: NDArray[np.bool_]) -> Columns:
        """The rows where ``rows`` is true."""
        places = np.flatnonzero(rows).tolist()
        cells = {name: [values[place] for place in places] for name, values in self.cells.items()}
        return Columns(self.where, cells, [self.rows[place] for place in places])


def read_columns(path: Path) -> Columns:
    """The columns of a CSV or parquet file; NaN counts as an empty cell.

    Raises:
        DataError: the file is damaged, has no row, a row has another number of cells, or a column is there twice.
    """
    if path.suffix == ".parquet":
        try:
            cells: Mapping[str, Sequence[Any]] = parquet_columns(path, column_names(path))
        except DataError:
            raise
        except Exception as error:  # damaged files fail in any way at all
            raise DataError(f"{path}: cannot be read ({one_line(f'{type(error).__name__}: {error}', 200)})") from error
        cells = {name: [None if value != value else value for value in values] for name, values in cells.items()}
    elif path.suffix == ".csv":
        cells = _read_csv(path)
    else:
        raise DataError(f"{path}: has the suffix {path.suffix!r}; must be .csv or .parquet")
    rows = len(next(iter(cells.values()), ()))
    if rows == 0:
        raise DataError(f"{path}: has no row; must have a header and one row for each example")
    return Columns(str(path), cells, range(1, rows + 1))


def _read_csv(path: Path) -> dict[str, list[Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            if len(set(header)) < len(header):
                twice = next(name for name in header if header.count(name) > 1)
                raise DataError(f"{path}: the column {twice!r} is there twice; rename one")
            columns: list[list[Any]] = [[] for _ in header]
            number = 0
            for line in lines:
                if not line:
                    continue
                number += 1
                if len(line) != len(header):
                    raise DataError(
                        f"{path}: row {number} has {len(line)} cells; must have {len(header)}, as the header"
                    )
                for column, cell in zip(columns, line, strict=True):
                    column.append(None if cell.strip().lower() in EMPTY else cell)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}); save it as CSV with commas, in UTF-8") from error
    return dict(zip(header, columns, strict=True))


def encoded(train: Columns, test: Columns, options: Table, targets: TargetForm) -> tuple[Pair, Pair]:
    """Features and labels of both parts; see :meth:`critlab.data.own.table.Table.load`."""
    numeric, categorical = kinds(train, options)
    features: list[list[NDArray[np.float32]]] = [[], []]
    for name in numeric:
        for made, one in zip(features, _standardised(train, test, name, options.missing), strict=True):
            made.append(one)
    for name in categorical:
        for made, one in zip(features, _one_hot(train, test, name, options), strict=True):
            made.append(one)
    labels = _labels(train, test, options, targets)
    return (np.concatenate(features[0], 1), labels[0]), (np.concatenate(features[1], 1), labels[1])


def kinds(train: Columns, options: Table) -> tuple[list[str], list[str]]:
    """The numeric and the categorical columns, in the order of the file."""
    no_feature = {
        *options.label_columns,
        *options.ignore,
        *([options.split.by] if options.split and options.split.by else []),
    }
    asked = [*options.numeric, *options.categorical, *no_feature]
    for name in asked:
        if name not in train.cells:
            raise DataError(f"{train.where}: has no column {name!r}{nearest(name, train.cells)}")
    if options.numeric or options.categorical:
        unsaid = [name for name in train.cells if name not in asked]
        if unsaid:
            raise DataError(
                f"{train.where}: the column {unsaid[0]!r} is neither numeric nor categorical; name it in numeric, "
                "categorical or ignore"
            )
        return list(options.numeric), list(options.categorical)
    left = [name for name in train.cells if name not in no_feature]
    if not left:
        raise DataError(f"{train.where}: has no column of features; it must have one that is not the label")
    numeric = [name for name in left if all(_is_number(value) for value in train.cells[name] if value is not None)]
    return numeric, [name for name in left if name not in numeric]


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        try:
            return math.isfinite(float(value))
        except ValueError:
            return False
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _standardised(train: Columns, test: Columns, name: str, missing: str) -> Iterator[NDArray[np.float32]]:
    """The column of both parts, ``(rows, 1)``, minus the mean and through the deviation of the training part."""
    values = _numbers(train, name, missing)
    mean, deviation = float(np.nanmean(values)), float(np.nanstd(values))
    if not deviation > 1e-12 * max(1.0, abs(mean)):
        raise DataError(f"{train.where}: the column {name!r} has one value in the training part; add it to ignore")
    for one in (values, _numbers(test, name, missing)):
        yield np.nan_to_num((one - mean) / deviation, nan=0.0).astype(np.float32)[:, None]


def _numbers(part: Columns, name: str, missing: str) -> NDArray[np.float64]:
    """Float64 ``(rows,)``, NaN for an empty cell."""
    if name not in part.cells:
        raise DataError(f"{part.where}: has no column {name!r}{nearest(name, part.cells)}")
    found = np.full(len(part.rows), np.nan)
    for place, value in enumerate(part.cells[name]):
        if value is None:
            _refuse_empty(part, name, place, missing)
        elif _is_number(value):
            found[place] = float(value)
        else:
            raise DataError(
                f"{part.where}: row {part.rows[place]}, column {name!r}: received {shown(value)}; must be a finite "
                "number, or name the column in categorical"
            )
    if np.isnan(found).all():
        raise DataError(f"{part.where}: the column {name!r} is empty; add it to ignore")
    return found


def _one_hot(train: Columns, test: Columns, name: str, options: Table) -> Iterator[NDArray[np.float32]]:
    """The column of both parts, ``(rows, categories)``."""
    known = sorted({str(value) for value in train.cells[name] if value is not None})
    if len(known) < 2:
        raise DataError(f"{train.where}: the column {name!r} has {len(known)} category alone; add it to ignore")
    place_of = {value: place for place, value in enumerate(known)}
    for part in (train, test):
        if name not in part.cells:
            raise DataError(f"{part.where}: has no column {name!r}{nearest(name, part.cells)}")
        found = np.zeros((len(part.rows), len(known)), dtype=np.float32)
        for row, value in enumerate(part.cells[name]):
            if value is None:
                _refuse_empty(part, name, row, options.missing)
            elif str(value) in place_of:
                found[row, place_of[str(value)]] = 1
            elif options.unseen == "refuse":
                raise DataError(
                    f"{part.where}: row {part.rows[row]}, column {name!r}: the training part has no category "
                    f'{shown(value)}; set unseen = "none" to use no category'
                )
        yield found


def _refuse_empty(part: Columns, name: str, place: int, missing: str) -> None:
    if missing == "refuse":
        raise DataError(
            f"{part.where}: row {part.rows[place]}, column {name!r}: NaN or empty; fill it, remove the row, or set "
            'missing = "mean"'
        )


def label_groups(whole: Columns, options: Table, targets: TargetForm) -> Sequence[Any]:
    """What a split keeps in proportion: the class of each row, or a group of like targets."""
    if targets.kind in ("classes", "next_token"):
        return whole.column(options.label_columns[0])
    labels = _targets(whole, options.label_columns)
    shaped = labels.reshape(len(whole.rows), -1) if targets.kind == "multi_hot" else labels
    return split_groups(shaped, targets, whole.where)


def _targets(part: Columns, names: Sequence[str]) -> NDArray[np.float64]:
    """Columns of numbers, ``(rows,)`` for one and ``(rows, columns)`` for several.

    Raises:
        DataError: there is no such column, or a cell is empty or no finite number.
    """
    found = []
    for name in names:
        values = part.column(name)
        for row, value in zip(part.rows, values, strict=True):
            if not _is_number(value):
                raise DataError(
                    f"{part.where}: row {row}, column {name!r}: received {shown(value)}; must be a finite number, "
                    "because it is a target"
                )
        found.append([float(value) for value in values])
    return np.asarray(found[0]) if len(found) == 1 else np.asarray(found).T


def _labels(train: Columns, test: Columns, options: Table, targets: TargetForm) -> list[NDArray[Any]]:
    """The labels of both parts, as the task asks for them."""
    if targets.kind == "real":
        return [_targets(part, options.label_columns) for part in (train, test)]
    if targets.kind == "multi_hot":
        return [_targets(part, options.label_columns).reshape(len(part.rows), -1) for part in (train, test)]
    return [*_class_numbers(train, test, options.label_columns[0])]


def _class_numbers(train: Columns, test: Columns, name: str) -> list[NDArray[np.int64]]:
    """Class numbers of both parts."""
    values = train.column(name)
    if all(_is_number(value) and float(value).is_integer() for value in values):
        names = sorted({str(value) for value in values}, key=float)
    else:
        names = sorted({str(value) for value in values})
    number = {value: place for place, value in enumerate(names)}
    found = []
    for part in (train, test):
        for row, value in enumerate(part.column(name)):
            if str(value) not in number:
                raise DataError(
                    f"{part.where}: row {part.rows[row]}: the training part has no class {shown(value)}; remove the row"
                )
        found.append(np.asarray([number[str(value)] for value in part.column(name)], dtype=np.int64))
    return found
