"""The contract of a data set: a frozen class of options that reads the data, and what is known before reading."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.component import Component
from critlab._core.errors import StudyError
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.target_form import CLASSES, TargetForm, TargetKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from critlab.data.user import Pair


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What is known of a data set without the data on disk.

    Args:
        title: what people call it.
        shape: of one example.
        classes: how many labels there are.
        train: training examples in the official split.
        test: test examples in the official split.
        licence: the terms under which it is published.
    """

    title: str
    shape: tuple[int, ...]
    classes: int
    train: int
    test: int
    licence: str


class DataSet(Component):
    """A data set and its options, torch-free and without the data on disk.

    A subclass gives ``name`` and ``facts`` and implements :meth:`load`. The content of the data names them in a study,
    so that the code of ``load`` is no part of a name.
    """

    #: the forms of labels that the data can have
    label_forms: ClassVar[tuple[TargetKind, ...]] = ("classes", "next_token")
    #: what is known of the data with the default options; None where only reading the data shows it
    facts: ClassVar[DataFacts | None] = None

    def described(self) -> DataFacts | None:
        """What is known of the data with these options, before padding; None where only reading the data shows it."""
        return type(self).facts

    def form(self) -> InputForm:
        """What the values of examples are; levels in [0, 1], 8-bit or float, by default."""
        return UNIT

    def class_counts(self, folder: Path) -> Mapping[str, int] | None:
        """How many training examples each class has, by its name; None where only reading all data shows it.

        Args:
            folder: where the files of all data lie.

        Raises:
            DataError: the files are missing or damaged.
        """
        return None

    def reading_remarks(self, folder: Path, targets: TargetForm = CLASSES) -> list[str]:
        """What a person should know of how the files are read, one line each.

        Args:
            folder: where the files of all data lie.
            targets: what the labels are.

        Raises:
            DataError: the files are missing or damaged.
        """
        return []

    def check_targets(self, targets: TargetForm) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where the data cannot have such labels."""
        if targets.kind not in self.label_forms:
            raise StudyError(
                f"labels of {self.name!r} are class numbers, but the task needs {targets.words}; choose another task, "
                "or other data, such as arrays"
            )

    def load_targets(self, folder: Path, targets: TargetForm) -> tuple[Pair, Pair]:
        """As :meth:`load`, with labels of the form ``targets``; only data that have several forms read them so."""
        return self.load(folder)

    def label_heads(self) -> int:
        """How many labels an example bears; 1 where they are ``(N,)``."""
        return 1

    def aperture(self, example_shape: tuple[int, ...]) -> NDArray[Any] | None:
        """What the network sees of each example: float32 that fits the example when multiplied, 1 seen, 0 not.

        It holds for training and test, after augmentation and deficits: what is not seen shows the mean colour.

        Args:
            example_shape: of one example, after padding.

        Returns:
            None where everything is seen.
        """
        return None

    @abstractmethod
    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """Reads ``((images, labels), (images, labels))``, training and test.

        Args:
            folder: where the files of all data lie.

        Returns:
            Numpy arrays: images uint8 or float in [0, 1], ``(N, *shape)``, or what :meth:`form` says; labels of a whole
            type, ``(N,)`` or ``(N, heads)``.

        Raises:
            DataError: the files are missing and cannot be fetched, or are damaged.
        """


class OwnDataSet(DataSet):
    """A data set that is read from a user's files: its content alone names it.

    So a study goes on after its files were moved, or written in another format with the same values. What the values
    mean to a network (:meth:`form`) is a part of the name too.
    """

    def identity(self) -> dict[str, Any]:
        """The JSON values of the form, where it is a special one."""
        form = self.form()
        named = {"values": form.values, "vocabulary": form.vocabulary, "padding": form.padding}
        return {} if form == UNIT else named
