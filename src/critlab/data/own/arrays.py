"""Arrays: examples and labels in ``.npy``, ``.npz`` or parquet files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from critlab._core.errors import DataError
from critlab._core.spec import Problems
from critlab.data.data_set import OwnDataSet
from critlab.data.own.layout import Range
from critlab.data.own.split import Split
from critlab.deficits.input_form import UNIT, InputForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.data.user import Pair


class ArrayFiles(OwnDataSet):
    """Options of every data set in array files: which arrays, and which of their examples are the test part.

    Args:
        inputs: ``FILE.npy``, ``FILE.npz:NAME`` or ``FILE.parquet:COLUMN``. A relative path is in the folder of all
            data, else in the working folder.
        labels: as ``inputs``, whole numbers from 0.
        test_inputs: as ``inputs``, of the test part; required unless there is ``split``.
        test_labels: as ``labels``, of the test part.
        split: the test share of one set; ``by`` is an array as ``labels``, whose equal values stay together.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"test_inputs": None, "test_labels": None, "split": None}
    inputs: str
    labels: str
    test_inputs: str | None = None
    test_labels: str | None = None
    split: Split | None = None

    @model_validator(mode="after")
    def _two_parts(self) -> Self:
        given = [self.test_inputs is not None, self.test_labels is not None]
        if self.split is None and not all(given):
            missing = "test_inputs" if not given[0] else "test_labels"
            text = "required, but missing; or set split, such as split = { test = 0.2 }"
            raise Problems([((missing,), text)])
        if self.split is not None and any(given):
            raise Problems([(("split",), "received together with test_inputs or test_labels; give one of the two")])
        return self

    def class_counts(self, folder: Path) -> dict[str, int]:
        """The number of training examples of each class, from the labels alone."""
        import numpy as np

        labels = self._labels(folder, self.labels)
        if self.split is not None:
            labels = labels[~self._tests(folder, labels)]
        values, counts = np.unique(labels[labels >= 0], return_counts=True)
        return {str(value): int(count) for value, count in zip(values, counts, strict=True)}

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """The examples as :meth:`read_files` gives them, divided as ``split`` says.

        Raises:
            DataError: a file is missing or damaged, or its values are not what is asked.
        """
        labels = self._labels(folder, self.labels)
        if self.split is None:
            assert self.test_inputs is not None
            assert self.test_labels is not None
            test_labels = self._labels(folder, self.test_labels)
            inputs, test_inputs = self.read_files(folder, [self.inputs, self.test_inputs])
            self._one_each(inputs, labels, self.inputs)
            self._one_each(test_inputs, test_labels, self.test_inputs)
            return (inputs, labels), (test_inputs, test_labels)
        (inputs,) = self.read_files(folder, [self.inputs])
        self._one_each(inputs, labels, self.inputs)
        tests = self._tests(folder, labels)
        return (inputs[~tests], labels[~tests]), (inputs[tests], labels[tests])

    @abstractmethod
    def read_files(self, folder: Path, references: list[str]) -> list[NDArray[Any]]:
        """The examples at each of ``references``, ``(N, ...)``, in their form in memory.

        Raises:
            DataError: a file is missing or damaged, or its values are not what is asked.
        """

    def _labels(self, folder: Path, reference: str) -> NDArray[Any]:
        from critlab.data.own.array_files import read_array

        labels = read_array(folder, reference)
        if labels.dtype.kind not in "iu":
            raise DataError(f"{reference}: labels are {labels.dtype}; must be whole numbers from 0, one a class")
        if labels.ndim != 1:
            raise DataError(f"{reference}: labels have shape {labels.shape}; must be (N,)")
        return labels

    def _tests(self, folder: Path, labels: NDArray[Any]) -> NDArray[np.bool_]:
        from critlab.data.own.array_files import read_array
        from critlab.data.own.split import held_out

        assert self.split is not None
        keys = None if self.split.by is None else read_array(folder, self.split.by).tolist()
        if keys is not None and len(keys) != len(labels):
            raise DataError(f"{self.split.by}: has {len(keys)} rows, but there are {len(labels)} labels")
        return held_out(labels.tolist(), [str(row) for row in range(len(labels))], self.split, keys, self.inputs)

    def _one_each(self, inputs: NDArray[Any], labels: NDArray[Any], reference: str) -> None:
        if len(inputs) != len(labels):
            raise DataError(f"{reference}: {len(inputs)} examples but {len(labels)} labels; give one label for each")


class Arrays(ArrayFiles):
    """Examples and labels in ``.npy``, ``.npz`` or parquet files.

    Args:
        inputs: ``FILE.npy``, ``FILE.npz:NAME`` or ``FILE.parquet:COLUMN``.
        labels: as ``inputs``, whole numbers from 0.
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
