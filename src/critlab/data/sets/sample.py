"""Fashion-MNIST sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from critlab.data.data_set import DataFacts, DataSet

if TYPE_CHECKING:
    from critlab.data.user import Pair


class Sample(DataSet):
    """Fashion-MNIST sample."""

    name: ClassVar[str] = "sample"
    citation: ClassVar[str] = "a class-balanced part of Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747)"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="Fashion-MNIST sample",
        shape=(1, 28, 28),
        classes=10,
        train=10_000,
        test=4_000,
        licence="MIT",
    )

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`critlab.data.formats.idx.read_sample`."""
        from critlab.data.formats.idx import read_sample

        return read_sample(folder)
