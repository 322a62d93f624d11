"""From a picture of any size and mode to 8-bit pixels of one size."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab._core.terminal.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

Mode = Literal["RGB", "L"]
Fit = Literal["crop", "stretch"]

_DEEP = frozenset(["I", "I;16", "I;16L", "I;16B", "F"])
"""Modes of more than 8 bit: Pillow would cut their values off at 255."""

ORIENTATION = 0x0112
"""The number of EXIF for how a picture lies; 1 is upright."""

VERSION = 1
"""Raised whenever pixels change; a part of the key of every cache of pictures."""


@dataclass(frozen=True)
class Wanted:
    """What pictures are made into.

    Args:
        mode: three colours, or grey.
        size: height and width.
        fit: ``crop`` cuts the largest middle part of that form out of the picture, ``stretch`` keeps all of it.
        deep: whether pictures have 16 bit, of which the higher 8 are kept, rounded.
    """

    mode: Mode
    size: tuple[int, int]
    fit: Fit = "crop"
    deep: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one example: ``(channels, height, width)``."""
        return (3 if self.mode == "RGB" else 1, *self.size)


def opened(path: str | Path, whole: bool = False) -> Image:
    """The picture at ``path``, of which only the header has been decoded.

    Args:
        path: of the file.
        whole: the file is read into memory first and closed. That is faster if the pixels are decoded afterwards.

    Raises:
        DataError: it is none, or Pillow is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise DataError("reading images needs Pillow; install it: pip install 'critlab[images]'") from None
    try:
        return Image.open(_content(path) if whole else path)
    except UnidentifiedImageError as error:  # its text has the address of the content, which differs each time
        raise DataError(f"{path}: cannot be read as an image (unknown format); replace or remove it") from error
    except Exception as error:  # damaged pictures fail in any way at all
        raise DataError(f"{path}: cannot be read as an image ({why(error)}); replace or remove it") from error


def upright_size(picture: Image) -> tuple[int, int]:
    """Height and width of a picture, of which only the header needs to have been read, after it is turned upright."""
    # for a PNG without EXIF in its header, getexif would decode the pixels to look behind them
    known = picture.format != "PNG" or "exif" in picture.info
    lies = known and picture.getexif().get(ORIENTATION, 1) in range(5, 9)
    return (picture.width, picture.height) if lies else (picture.height, picture.width)


def _content(path: str | Path) -> io.BytesIO:
    with open(path, "rb", buffering=0) as file:
        return io.BytesIO(file.read())


def pixels(picture: Image, wanted: Wanted, where: str, into: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """``picture`` as uint8 ``(channels, height, width)``, turned upright as its EXIF orientation says.

    Scaling is bilinear with antialiasing. Transparency is left out.

    Args:
        picture: of any size and mode; closed afterwards.
        wanted: what is made of it.
        where: how a person knows it.
        into: where the pixels are written, of that form and C-contiguous; None is a new array.

    Raises:
        DataError: it is damaged, has more than 8 bit unasked, or another size and no scaling is requested.
    """
    from PIL import Image, ImageOps

    try:
        with picture:
            picture.load()
            # exif_transpose would copy a picture that is upright already
            turned = picture.getexif().get(ORIENTATION, 1) != 1
            plain = _eight_bit(ImageOps.exif_transpose(picture) if turned else picture, wanted, where)
            if (plain.height, plain.width) != wanted.size:
                box = middle(plain.size, wanted.size) if wanted.fit == "crop" else None
                plain = plain.resize(wanted.size[::-1], Image.Resampling.BILINEAR, box=box)
            found = np.empty(wanted.shape, dtype=np.uint8) if into is None else into
            # each channel by itself: Pillow is faster at this than numpy at moving the last axis to the front
            flat, each = found.data.cast("B"), plain.width * plain.height
            for place, channel in enumerate(wanted.mode):
                flat[place * each : (place + 1) * each] = plain.tobytes("raw", channel)
    except DataError:
        raise
    except Exception as error:  # damaged and oversized pictures fail in any way at all
        raise DataError(f"{where}: cannot be decoded ({why(error)}); replace or remove it") from error
    return found


def _eight_bit(picture: Any, wanted: Wanted, where: str) -> Any:
    from PIL import Image

    if picture.mode in _DEEP:
        if not wanted.deep:
            raise DataError(
                f'{where}: has more than 8 bit (mode {picture.mode}); set range = "16bit" to keep the higher 8 bit'
            )
        values = np.asarray(picture)
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 65535:
            raise DataError(f"{where}: values are not 16-bit whole numbers; convert the image to 16 or 8 bit")
        picture = Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))
    return picture if picture.mode == wanted.mode else picture.convert(wanted.mode)


def middle(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest part in the middle of ``size`` (width, height) in the form of ``wanted`` (height, width)."""
    width, height = size
    scale = min(width / wanted[1], height / wanted[0])
    across, down = wanted[1] * scale, wanted[0] * scale
    left, top = (width - across) / 2, (height - down) / 2
    return left, top, left + across, top + down


def why(error: Exception) -> str:
    """A failure of Pillow in one line."""
    return one_line(f"{type(error).__name__}: {error}", 200)
