"""CIFAR-100."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from critlab.data.data_set import DataFacts, DataSet

if TYPE_CHECKING:
    from critlab.data.user import Pair


class CIFAR100(DataSet):
    """CIFAR-100."""

    name: ClassVar[str] = "cifar100"
    citation: ClassVar[str] = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images (fine labels)"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="CIFAR-100",
        shape=(3, 32, 32),
        classes=100,
        train=50_000,
        test=10_000,
        licence="none stated by its authors; cite the technical report",
    )

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`critlab.data.formats.cifar.read_cifar100`."""
        from critlab.data.formats.cifar import read_cifar100

        return read_cifar100(folder)
