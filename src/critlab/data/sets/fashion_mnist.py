"""Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from critlab.data.data_set import DataFacts, DataSet

if TYPE_CHECKING:
    from critlab.data.user import Pair


class FashionMNIST(DataSet):
    """Fashion-MNIST."""

    name: ClassVar[str] = "fashion_mnist"
    citation: ClassVar[str] = "Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="Fashion-MNIST",
        shape=(1, 28, 28),
        classes=10,
        train=60_000,
        test=10_000,
        licence="MIT",
    )

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`critlab.data.formats.idx.read_fashion_mnist`."""
        from critlab.data.formats.idx import read_fashion_mnist

        return read_fashion_mnist(folder)
