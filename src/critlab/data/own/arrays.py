"""Arrays: examples and labels in ``.npy``, ``.npz`` or parquet files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from critlab._core.errors import DataError, StudyError
from critlab._core.problems import Problems
from critlab.data.data_set import OwnDataSet
from critlab.data.own.layout import Range
from critlab.data.own.split import Split
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.target_form import CLASSES, TargetForm, TargetKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.data.user import Pair


class ArrayFiles(OwnDataSet):
    """Options of every data set in array files: which arrays, and which of their examples are the test part.

    Args:
        inputs: ``FILE.npy``, ``FILE.npz:NAME`` or ``FILE.parquet:COLUMN``. A relative path is in the folder of all
            data, else in the working folder.
        labels: as ``inputs``, what the task learns: whole numbers from 0; rows of zeros and ones ``(N, labels)``;
            numbers ``(N,)`` or ``(N, outputs)``; label images ``(N, height, width)``. Only a task that learns the
            examples themselves, such as language modelling, needs none.
        test_inputs: as ``inputs``, of the test part; required unless there is ``split``.
        test_labels: as ``labels``, of the test part.
        split: the test share of one set; ``by`` is an array of the file, whose equal values stay together.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"labels": None, "test_inputs": None, "test_labels": None, "split": None}
    label_forms: ClassVar[tuple[TargetKind, ...]] = ("classes", "multi_hot", "real", "pixels", "next_token")
    inputs: str
    labels: str | None = None
    test_inputs: str | None = None
    test_labels: str | None = None
    split: Split | None = None

    @model_validator(mode="after")
    def _two_parts(self) -> Self:
        given = [self.test_inputs is not None, self.test_labels is not None]
        if self.split is None and not all((given[0], given[1] or self.labels is None)):
            missing = "test_inputs" if not given[0] else "test_labels"
            text = "required, but missing; or set split, such as split = { test = 0.2 }"
            raise Problems([((missing,), text)])
        if self.split is not None and any(given):
            raise Problems([(("split",), "received together with test_inputs or test_labels; give one of the two")])
        return self

    def check_targets(self, targets: TargetForm) -> None:
        """Raises StudyError where the examples cannot have such labels, or there are none."""
        super().check_targets(targets)
        if self.labels is None and targets.kind != "next_token":
            raise StudyError(
                f'labels: required, but missing; give the {targets.words}, or set task = "language_modelling", which '
                "learns the tokens themselves"
            )

    def class_counts(self, folder: Path) -> dict[str, int] | None:
        """The number of training examples of each class, from the labels alone."""
        import numpy as np

        if self.labels is None:
            return None
        labels = self._labels(folder, self.labels, CLASSES)
        if self.split is not None:
            labels = labels[~self._tests(folder, labels, CLASSES)]
        values, counts = np.unique(labels[labels >= 0], return_counts=True)
        return {str(value): int(count) for value, count in zip(values, counts, strict=True)}

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """As :meth:`load_targets`, with class numbers."""
        return self.load_targets(folder, CLASSES)

    def load_targets(self, folder: Path, targets: TargetForm) -> tuple[Pair, Pair]:
        """The examples as :meth:`read_files` gives them, divided as ``split`` says, with labels of that form.

        Raises:
            DataError: a file is missing or damaged, or its values are not what is asked.
        """
        parts = [(self.inputs, self.labels)]
        if self.split is None:
            assert self.test_inputs is not None
            parts.append((self.test_inputs, self.test_labels))
        labelled = [None if one is None else self._labels(folder, one, targets) for _, one in parts]
        read = self.read_files(folder, [inputs for inputs, _ in parts])
        pairs = [
            (inputs, _one_each(inputs, labels, where))
            for inputs, labels, (where, _) in zip(read, labelled, parts, strict=True)
        ]
        if self.split is None:
            return pairs[0], pairs[1]
        inputs, labels = pairs[0]
        tests = self._tests(folder, labels, targets)
        return (inputs[~tests], labels[~tests]), (inputs[tests], labels[tests])

    @abstractmethod
    def read_files(self, folder: Path, references: list[str]) -> list[NDArray[Any]]:
        """The examples at each of ``references``, ``(N, ...)``, in their form in memory.

        Raises:
            DataError: a file is missing or damaged, or its values are not what is asked.
        """

    def _labels(self, folder: Path, reference: str, targets: TargetForm) -> NDArray[Any]:
        from critlab.data.label_checks import check_label_shape
        from critlab.data.own.array_files import read_array

        labels = read_array(folder, reference)
        if targets.kind not in ("classes", "next_token"):
            check_label_shape(labels, reference, targets)
            return labels
        if labels.dtype.kind not in ("iub" if targets.classes == 2 else "iu"):
            other = '; for numbers set task = "regression"' if labels.dtype.kind == "f" else ""
            raise DataError(f"{reference}: labels are {labels.dtype}; must be whole numbers from 0, one a class{other}")
        if labels.ndim != 1:
            raise DataError(f"{reference}: labels have shape {labels.shape}; must be (N,)")
        return labels

    def _tests(self, folder: Path, labels: NDArray[Any], targets: TargetForm) -> NDArray[np.bool_]:
        from critlab.data.own.array_files import read_array
        from critlab.data.own.split import held_out
        from critlab.data.strata import split_groups

        assert self.split is not None
        keys = None if self.split.by is None else read_array(folder, self.split.by).tolist()
        if keys is not None and len(keys) != len(labels):
            raise DataError(f"{self.split.by}: has {len(keys)} rows, but there are {len(labels)} labels")
        groups = split_groups(labels, targets, self.labels or self.inputs)
        return held_out(groups, [str(row) for row in range(len(labels))], self.split, keys, self.inputs)


def _one_each(inputs: NDArray[Any], labels: NDArray[Any] | None, where: str) -> NDArray[Any]:
    """The labels, one for each of ``inputs``; where there are none, one class for all."""
    import numpy as np

    if labels is None:
        return np.zeros(len(inputs), dtype=np.int64)
    if len(inputs) != len(labels):
        raise DataError(f"{where}: {len(inputs)} examples but {len(labels)} labels; give one label for each")
    return labels


class Arrays(ArrayFiles):
    """Examples and labels in ``.npy``, ``.npz`` or parquet files.

    Args:
        inputs: ``FILE.npy``, ``FILE.npz:NAME`` or ``FILE.parquet:COLUMN``.
        labels: as ``inputs``, what the task learns: whole numbers from 0; rows of zeros and ones ``(N, labels)``;
            numbers ``(N,)`` or ``(N, outputs)``; label images ``(N, height, width)``.
        test_inputs: as ``inputs``, of the test part; required unless there is ``split``.
        test_labels: as ``labels``, of the test part.
        split: the test share of one set; ``by`` is an array whose equal values stay together.
        layout: which axes an example has. ``vector``, and ``channels_first`` and ``channels_last`` where one of the two
            axes alone has 1, 3 or 4 entries, are recognised.
        range: which values it has. ``8bit`` is recognised in uint8, ``unit`` in floats from 0 to 1.
    """

    name: ClassVar[str] = "arrays"
    citation: ClassVar[str] = "a user's own arrays"
    neutral: ClassVar[Mapping[str, Any]] = {"layout": None, "range": None}
    layout: Literal["vector", "grey", "channels_first", "channels_last", "as_stored"] | None = None
    range: Range | None = None

    def form(self) -> InputForm:
        """Levels in [0, 1], or numbers of any range where ``range`` is ``standardised``."""
        return InputForm("free") if self.range == "standardised" else UNIT

    def read_files(self, folder: Path, references: list[str]) -> list[NDArray[Any]]:
        """Float32 or uint8 examples ``(N, ...)``; see :class:`ArrayFiles`."""
        from critlab.data.own.array_files import read_array
        from critlab.data.own.layout import in_range, laid_out, recognised_layout

        found = []
        for reference in references:
            values = read_array(folder, reference)
            layout = self.layout or recognised_layout(values.shape, reference)
            found.append(in_range(laid_out(values, layout, reference), self.range, reference))
        return found
