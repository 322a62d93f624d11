"""From a mask of any size to class numbers of one size, without making new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab.data.pictures.decoding import ORIENTATION, Wanted, middle, why

if TYPE_CHECKING:
    from PIL.Image import Image

VERSION = 1
"""Raised whenever class numbers change; a part of the key of every cache of masks."""

_DTYPES: dict[str, np.dtype[Any]] = {
    **dict.fromkeys(("1", "L", "P"), np.dtype(np.uint8)),
    **dict.fromkeys(("I", "I;16", "I;16L", "I;16B"), np.dtype(np.int32)),
}
"""The modes of one whole number for each pixel. Of a palette, the numbers count and not the colours."""


def depth(mask: Image, where: str) -> np.dtype[Any]:
    """The type of a mask's class numbers: uint8, or int32 for more than 8 bit.

    Args:
        mask: of which only the header needs to have been read.
        where: how a person knows it.

    Raises:
        DataError: it has no single number for each pixel.
    """
    found = _DTYPES.get(mask.mode)
    if found is None:
        raise DataError(
            f"{where}: has mode {mask.mode}; a mask must have one class number for each pixel (modes L, P, 1 or I;16); "
            "convert colours to class numbers"
        )
    return found


def class_numbers(mask: Image, wanted: Wanted, dtype: np.dtype[Any], where: str, size: tuple[int, int]) -> NDArray[Any]:
    """The class numbers of a mask, ``(height, width)`` as ``wanted``, cut and scaled as its image is.

    Args:
        mask: as in :func:`depth`.
        wanted: what is made of its image.
        dtype: of the result.
        where: how a person knows it.
        size: height and width of its image, upright.

    Raises:
        DataError: it is damaged, has colours, more than 8 bit where ``dtype`` has 8, or another size than its image.
    """
    from PIL import ImageOps

    try:
        with mask:
            mask.load()
            turned = mask.getexif().get(ORIENTATION, 1) != 1
            values = np.asarray(ImageOps.exif_transpose(mask) if turned else mask)
            found = depth(mask, where)
    except DataError:
        raise
    except Exception as error:  # damaged masks fail in any way at all
        raise DataError(f"{where}: cannot be decoded ({why(error)}); replace it") from error
    if found.itemsize > dtype.itemsize:
        raise DataError(f"{where}: has more than 8 bit where the first mask has 8; save all masks with one depth")
    if values.shape != size:
        mine, its = (" x ".join(map(str, one)) for one in (values.shape, size))
        raise DataError(f"{where}: has {mine} pixels where its image has {its} (upright); save it in the image's size")
    return nearest(values, wanted).astype(dtype)


def nearest(values: NDArray[Any], wanted: Wanted) -> NDArray[Any]:
    """``values`` ``(height, width)`` cut and scaled to ``wanted.size``: each pixel has the value under its centre.

    The part that is kept is that of :func:`~critlab.data.pictures.decoding.pixels`.
    """
    height, width = values.shape
    if values.shape == wanted.size:
        return values
    left, top, right, bottom = (
        middle((width, height), wanted.size) if wanted.fit == "crop" else (0.0, 0.0, float(width), float(height))
    )
    rows, columns = _under(top, bottom, wanted.size[0], height), _under(left, right, wanted.size[1], width)
    return values[rows[:, None], columns]


def _under(first: float, last: float, count: int, there: int) -> NDArray[np.int64]:
    """The pixel of ``there`` under the centre of each of ``count`` equal parts of the range from first to last."""
    centres = first + (np.arange(count) + 0.5) * ((last - first) / count)
    found: NDArray[np.int64] = np.minimum(np.floor(centres).astype(np.int64), there - 1)
    return found
