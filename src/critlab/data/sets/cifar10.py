"""CIFAR-10."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from critlab.data.data_set import DataFacts, DataSet

if TYPE_CHECKING:
    from critlab.data.user import Pair


class CIFAR10(DataSet):
    """CIFAR-10."""

    name: ClassVar[str] = "cifar10"
    citation: ClassVar[str] = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="CIFAR-10",
        shape=(3, 32, 32),
        classes=10,
        train=50_000,
        test=10_000,
        licence="none stated by its authors; cite the technical report",
    )

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`critlab.data.formats.cifar.read_cifar10`."""
        from critlab.data.formats.cifar import read_cifar10

        return read_cifar10(folder)
