"""Masks of an image folder: a class number for each pixel, scaled with the images, decoded once into the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab.data.cache.filling import Filling, Rows, filled
from critlab.data.pictures.class_numbers import VERSION, class_numbers, depth
from critlab.data.pictures.decoding import Wanted, opened, upright_size
from critlab.data.pictures.listing import Listing, check_unchanged
from critlab.deficits.target_form import TargetForm

_TOGETHER = 64
"""Masks that are looked at together: they may be mapped from a file."""


def decoded_masks(images: Listing, masks: Listing, wanted: Wanted) -> NDArray[Any]:
    """The masks of ``images``, mapped from the cache, which is filled where they are not there yet.

    Args:
        images: the images, of which the headers are read.
        masks: their masks, in the same order.
        wanted: what is made of the images.

    Returns:
        uint8 ``(N, height, width)``; int32 where the first mask has more than 8 bit.

    Raises:
        DataError: a mask is damaged, has colours, another depth than the first or another size than its image; or the
            cache cannot be written.
    """
    first = masks.root / masks.pictures[0].path
    with opened(first) as mask:
        dtype = depth(mask, str(first))

    def rows(begin: int, end: int) -> Rows:
        found = np.empty((end - begin, *wanted.size), dtype=dtype)
        for place in range(begin, end):
            image, mask = images.pictures[place], masks.pictures[place]
            file = masks.root / mask.path
            its = images.root / image.path
            with opened(its) as picture:
                size = upright_size(picture)
            found[place - begin] = class_numbers(opened(file), wanted, dtype, str(file), size)
            check_unchanged(file, mask)
            check_unchanged(its, image)
        return found, ()

    key = ["masks", [VERSION, wanted.size, wanted.fit], images.key(), masks.key()]
    shape = (len(masks.pictures), *wanted.size)
    return filled(Filling(key, shape, dtype, rows, f"decoding masks of {images.root.name}"))[0]


def check_class_numbers(labels: Sequence[NDArray[Any]], masks: Sequence[Listing], targets: TargetForm) -> None:
    """Raises DataError where a mask has a number that is no class, and names its file.

    Args:
        labels: of each part, the training part first, ``(N, height, width)``.
        masks: of each part, the files that they were read from.
        targets: the number of classes, and which number has none; without a number of classes it is the largest in the
            training part plus one.
    """
    count = targets.classes
    for part, files in zip(labels, masks, strict=True):
        if count is not None:
            _check_part(part, files, count, targets)
        else:
            counted = (piece[piece != targets.ignored] for _, piece in _pieces(part))
            count = 1 + max((int(one.max()) for one in counted if one.size), default=0)


def _check_part(labels: NDArray[Any], files: Listing, count: int, targets: TargetForm) -> None:
    for begin, piece in _pieces(labels):
        beyond = (piece >= count) & (piece != targets.ignored)
        if beyond.any():
            number, row, column = (int(one) for one in np.unravel_index(int(np.argmax(beyond)), beyond.shape))
            where = files.root / files.pictures[begin + number].path
            known = "the task has so many classes" if targets.classes else "the training part has no larger one"
            raise DataError(
                f"{where}: class number {piece[number, row, column].item()}; must be below {count}, because {known}; "
                "change classes, or name the number that has no class (ignored)"
            )


def _pieces(labels: NDArray[Any]) -> list[tuple[int, NDArray[Any]]]:
    return [(begin, np.asarray(labels[begin : begin + _TOGETHER])) for begin in range(0, len(labels), _TOGETHER)]
