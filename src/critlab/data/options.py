"""What the options of a data set can say before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from critlab._core.spec import Spec
from critlab.data.data_set import DataSet

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DataOptions(Spec):
    """The options of a row whose data can be had in several ways: torch-free, without the data on disk.

    The reader of such a row is called with the folder and the options.
    """

    def label_heads(self) -> int:
        """How many labels an example bears; 1 where they are ``(N,)``."""
        return 1

    def described(self, row: DataSet) -> DataSet | None:
        """What is known of the data with these options, before padding; None where they must be read to know.

        Args:
            row: the data set's own row.
        """
        return row

    def aperture(self, example_shape: tuple[int, ...]) -> NDArray[Any] | None:
        """What the network sees of each example: float32 that fits the example when multiplied, 1 seen, 0 not.

        It holds for training and test alike, after augmentation and deficits: what is not seen shows the mean colour.

        Args:
            example_shape: of one example, after padding.

        Returns:
            None where everything is seen.
        """
        return None
