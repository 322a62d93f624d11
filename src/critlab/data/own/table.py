"""Table: numeric and categorical columns of a CSV or parquet file, standardised with the training part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab.data.data_set import OwnDataSet
from critlab.data.own.split import Split
from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import CLASSES, TargetForm, TargetKind

if TYPE_CHECKING:
    from critlab.data.own.columns import Columns
    from critlab.data.user import Pair

Label = Annotated[
    str | Annotated[tuple[str, ...], Field(min_length=1)],
    BeforeValidator(lambda raw: tuple(raw) if isinstance(raw, list) else raw),
]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda raw: tuple(raw) if isinstance(raw, list) else raw)]


class Table(OwnDataSet):
    """A table in a CSV or parquet file, with a header; each row is an example, each column a feature or several.

    A numeric column becomes one feature, minus its mean and through its deviation in the training part. A categorical
    one becomes one feature for each of its categories in the training part, 1 or 0.

    Args:
        path: a CSV file (comma, UTF-8) or a parquet file. A relative path is in the folder of all data, else in the
            working folder.
        test_path: as ``path``, of the test part; required unless there is ``split``.
        label: the column of the classes, which are numbered in the order of their sorted values; for a regression the
            column of the targets, or a list of columns; for several labels a list of columns of zeros and ones.
        numeric: columns of numbers.
        categorical: columns of categories, also where they are written as numbers. With neither ``numeric`` nor
            ``categorical``, columns of numbers are numeric and all others categorical.
        ignore: columns that are left out.
        missing: what is done about an empty cell or NaN: ``refuse`` it, or use the ``mean`` of the training part in
            numeric columns and no category in categorical ones.
        unseen: what is done about a category that the training part lacks: ``refuse`` it, or use no category,
            ``none``.
        split: the test share of one table; ``by`` is a column, such as the patient, whose equal values stay together;
            it is no feature.
    """

    name: ClassVar[str] = "table"
    citation: ClassVar[str] = "a user's own table"
    neutral: ClassVar[Mapping[str, Any]] = {
        "test_path": None,
        "numeric": [],
        "categorical": [],
        "ignore": [],
        "missing": "refuse",
        "unseen": "refuse",
        "split": None,
    }
    label_forms: ClassVar[tuple[TargetKind, ...]] = ("classes", "multi_hot", "real", "next_token")
    path: str
    label: Label
    test_path: str | None = None
    numeric: Names = ()
    categorical: Names = ()
    ignore: Names = ()
    missing: Literal["refuse", "mean"] = "refuse"
    unseen: Literal["refuse", "none"] = "refuse"
    split: Split | None = None

    @model_validator(mode="after")
    def _two_parts(self) -> Self:
        if (self.split is None) == (self.test_path is None):
            text = "required, but missing; or set split, such as split = { test = 0.2 }"
            both = "received together with split; give one of the two"
            raise Problems([(("test_path",), text if self.split is None else both)])
        return self

    def form(self) -> InputForm:
        """Numbers of any range."""
        return InputForm("free")

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns of the labels."""
        return (self.label,) if isinstance(self.label, str) else self.label

    def check_targets(self, targets: TargetForm) -> None:
        """Raises StudyError where the columns cannot be such labels."""
        super().check_targets(targets)
        if targets.kind == "classes" and len(self.label_columns) > 1:
            raise StudyError(
                f"label: received {len(self.label_columns)} columns; must be one, or set task to multi_label or "
                "regression"
            )

    def class_counts(self, folder: Path) -> dict[str, int] | None:
        """The number of training rows of each class."""
        from collections import Counter

        if len(self.label_columns) > 1:
            return None
        train, _ = self._parts(folder, CLASSES)
        return dict(sorted(Counter(map(str, train.column(self.label_columns[0]))).items()))

    def reading_remarks(self, folder: Path, targets: TargetForm = CLASSES) -> list[str]:
        """Which columns are features, and of which kind."""
        from critlab.data.own.columns import kinds

        numeric, categorical = kinds(self._parts(folder, targets)[0], self)
        pairs = (("numeric", numeric), ("categorical", categorical))
        return [f"{kind} columns: {', '.join(names) or 'none'}" for kind, names in pairs]

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """As :meth:`load_targets`, with class numbers."""
        return self.load_targets(folder, CLASSES)

    def load_targets(self, folder: Path, targets: TargetForm) -> tuple[Pair, Pair]:
        """Float32 ``(N, features)``, numeric columns first, each in the order of the file, and labels of that form.

        Raises:
            DataError: a file or a column is missing, a cell is empty or no number, a numeric column is constant, or a
                category or class is not in the training part; the message names row and column.
        """
        from critlab.data.own.columns import encoded

        train, test = self._parts(folder, targets)
        return encoded(train, test, self, targets)

    def _parts(self, folder: Path, targets: TargetForm) -> tuple[Columns, Columns]:
        """Training and test part; a split by chance is one within each class, or within tenths of the targets."""
        from critlab.data.own.columns import label_groups, read_columns
        from critlab.data.own.paths import found_path
        from critlab.data.own.split import held_out

        whole = read_columns(found_path(folder, self.path))
        if self.split is None:
            assert self.test_path is not None
            return whole, read_columns(found_path(folder, self.test_path))
        labels = label_groups(whole, self, targets)
        keys = None if self.split.by is None else whole.column(self.split.by)
        tests = held_out(labels, [str(row) for row in range(len(labels))], self.split, keys, whole.where)
        return whole.chosen(~tests), whole.chosen(tests)
