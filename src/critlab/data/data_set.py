"""The contract of a data set: a frozen class of options that reads the data, and what is known before reading."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.component import Component

if TYPE_CHECKING:
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

    #: what is known of the data with the default options; None where only reading the data shows it
    facts: ClassVar[DataFacts | None] = None

    def described(self) -> DataFacts | None:
        """What is known of the data with these options, before padding; None where only reading the data shows it."""
        return type(self).facts

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
            Numpy arrays: images uint8 or float in [0, 1], ``(N, *shape)``; labels of a whole type, ``(N,)`` or
            ``(N, heads)``.

        Raises:
            DataError: the files are missing and cannot be fetched, or are damaged.
        """
