"""MNIST."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from critlab.data.data_set import DataFacts, DataSet

if TYPE_CHECKING:
    from critlab.data.user import Pair


class MNIST(DataSet):
    """MNIST."""

    name: ClassVar[str] = "mnist"
    citation: ClassVar[str] = "LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="MNIST",
        shape=(1, 28, 28),
        classes=10,
        train=60_000,
        test=10_000,
        licence="CC BY-SA 3.0",
    )

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`critlab.data.formats.idx.read_mnist`."""
        from critlab.data.formats.idx import read_mnist

        return read_mnist(folder)
