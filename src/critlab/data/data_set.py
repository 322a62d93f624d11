"""What is known of a data set before it is read."""

from __future__ import annotations

from dataclasses import dataclass

from critlab._core.imports import Entry


@dataclass(frozen=True, kw_only=True)
class DataSet(Entry):
    """A row of the table of data sets; its numbers are known without the data on disk.

    ``path`` leads to a reader ``(folder: Path) -> ((images, labels), (images, labels))``, training and test,
    with numpy
    arrays: images uint8 or float in [0, 1], ``(N, *shape)``; labels of a whole type, ``(N,)`` or ``(N,
        heads)``. Where ``options`` are :class:`~critlab.data.options.DataOptions`, the reader takes them as
    its second argument, and they know the numbers; the row's own are those of their defaults.

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
