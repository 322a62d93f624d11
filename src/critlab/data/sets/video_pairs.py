"""Video pairs: two frames, a given time apart, of every clip in a user's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from critlab._core.errors import DataError
from critlab.data.data_set import DataSet
from critlab.data.own.array_files import not_numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.data.user import Pair

FRAMES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


class VideoPairs(DataSet):
    """Two frames, a given time apart, of every clip in a folder of your own.

    Args:
        folder: holds ``train/CLASS/CLIP`` and ``test/CLASS/CLIP``; a relative one lies in the folder of all data. A
            clip is a folder of frames (PNG, JPEG, BMP or WebP, in the order of their names; needs Pillow), or a file
            ``CLIP.npy``, uint8 ``(frames, height, width)`` or ``(frames, height, width, 3)``.
        gap: frames from the first to the second of a pair.
        pairs: of each clip, evenly spread over it.
        side: every frame is scaled to so many pixels on both sides (needs Pillow); None keeps them.
    """

    name: ClassVar[str] = "video_pairs"
    citation: ClassVar[str] = "a user's own clips; pairs of frames as in Kleinman, Achille and Soatto 2023"
    folder: str
    gap: int = Field(default=10, ge=1)
    pairs: int = Field(default=1, ge=1)
    side: Annotated[int, Field(ge=8, le=1024)] | None = None

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`read`."""
        return read(folder, self)


def read(folder: Path, options: VideoPairs) -> tuple[Pair, Pair]:
    """All pairs of all clips; classes are numbered in the order of their names in ``train``.

    Returns:
        ``((images, labels), (images, labels))``, training and test: uint8 ``(N, 2, channels, height, width)`` and int64
        ``(N,)``.

    Raises:
        DataError: a folder is missing or empty, a clip is too short, damaged or of another size, or Pillow is needed.

    Source: the pairs of frames of Kleinman, Achille and Soatto 2023, there 0.33 s or multiples of it apart.
    """
    root = folder / Path(options.folder).expanduser()
    classes = [place.name for place in _inside(root / "train") if place.is_dir()]
    return _split(root / "train", classes, options), _split(root / "test", classes, options)


def _split(folder: Path, classes: list[str], options: VideoPairs) -> Pair:
    import numpy as np

    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for place in _inside(folder):
        if place.is_dir() and place.name not in classes:
            raise DataError(f"{place}: no class of that name in train; there are {', '.join(classes) or 'none'}")
    for label, name in enumerate(classes):
        for clip in _clips(folder / name):
            for pair in _pairs(_frames(clip, options), clip, options):
                if images and pair.shape != images[0].shape:
                    raise DataError(
                        f"{clip}: frames of shape {pair.shape[1:]} where the first clip has {images[0].shape[1:]}; "
                        "set side to scale them all"
                    )
                images.append(pair)
                labels.append(label)
    if not images:
        raise DataError(f"{folder}: has no clip; must contain CLASS/CLIP, a folder of frames or a .npy file")
    return np.stack(images), np.asarray(labels, dtype=np.int64)


def _inside(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: folder not found; must contain CLASS/CLIP, a folder of frames or a .npy file")
    return sorted(place for place in folder.iterdir() if not place.name.startswith("."))


def _clips(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [place for place in _inside(folder) if place.is_dir() or (place.suffix == ".npy" and place.is_file())]


def _frames(clip: Path, options: VideoPairs) -> list[Path] | NDArray[Any]:
    """The clip's frames: their files, or the whole array, of which only the needed ones are read."""
    import numpy as np

    if clip.is_dir():
        return [place for place in _inside(clip) if place.suffix.lower() in FRAMES and place.is_file()]
    try:
        frames = np.load(clip, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # damaged headers fail in any way at all
        why = not_numbers(clip, error) or f"cannot be read: {_why(error)}"
        raise DataError(f"{clip}: {why}") from error
    if frames.dtype != np.uint8 or frames.ndim not in (3, 4) or (frames.ndim == 4 and frames.shape[3] != 3):
        raise DataError(
            f"{clip}: {frames.dtype} of shape {frames.shape}; must be uint8 (frames, height, width) or "
            "(frames, height, width, 3)"
        )
    found: NDArray[Any] = frames
    return found


def _pairs(frames: list[Path] | NDArray[Any], clip: Path, options: VideoPairs) -> Iterator[NDArray[np.uint8]]:
    """uint8 ``(2, channels, height, width)`` each."""
    import numpy as np

    room = len(frames) - options.gap
    if room < options.pairs:
        needed = options.gap + options.pairs
        raise DataError(f"{clip}: has {len(frames)} frames; gap and pairs need at least {needed}")
    for number in range(options.pairs):
        # the middles of equal parts of the clip
        start = (2 * number + 1) * room // (2 * options.pairs)
        both = [_picture(frames[place], clip, options.side) for place in (start, start + options.gap)]
        if both[0].shape != both[1].shape:
            raise DataError(f"{clip}: frames of shapes {both[0].shape} and {both[1].shape}; set side to scale them all")
        yield np.stack(both)


def _picture(frame: Path | NDArray[Any], clip: Path, side: int | None) -> NDArray[np.uint8]:
    """uint8 ``(channels, height, width)``: grey frames of an array keep one channel, files have three."""
    import numpy as np

    pixels = np.asarray(frame) if not isinstance(frame, Path) else None
    if pixels is None or side is not None:
        try:
            from PIL import Image
        except ImportError:
            raise DataError(
                f"{clip}: reading and scaling frames needs Pillow; install it (pip install pillow), or store the clip "
                "as .npy of the right size"
            ) from None
        try:
            picture = (
                Image.open(frame).convert("RGB") if isinstance(frame, Path) else Image.fromarray(np.asarray(frame))
            )
            scaled = picture if side is None else picture.resize((side, side), Image.Resampling.BILINEAR)
            pixels = np.asarray(scaled)
        except Exception as error:  # damaged and oversized pictures fail in any way at all
            raise DataError(f"{frame}: cannot be read: {_why(error)}") from error
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
