"""Image folder: pictures of any size and mode in one folder a class, decoded once into the cache."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab._core.errors import DataError
from critlab._core.spec import Problems
from critlab.data.data_set import OwnDataSet
from critlab.data.own.paths import found_path
from critlab.data.own.split import Split

if TYPE_CHECKING:
    from critlab.data.pictures.decoding import Wanted
    from critlab.data.pictures.listing import Listing
    from critlab.data.user import Pair


class ImageFolder(OwnDataSet):
    """A folder of images by class, of any size and mode.

    Args:
        path: has ``train/CLASS`` and ``test/CLASS``, or, with ``split``, ``CLASS``; images lie there at any depth. A
            relative path is in the folder of all data, else in the working folder.
        side: every image is scaled to so many pixels on both sides; required unless all have one size.
        fit: ``crop`` scales the largest square in the middle, ``stretch`` scales the whole image.
        mode: ``RGB`` or ``L`` (grey), to which every image is converted; required unless all are of one of the two.
        range: ``16bit`` where images have 16 bit, of which the higher 8 are kept.
        split: the test share of one set; ``by`` is a regular expression whose group keeps images together.
        train_folder: the name of the training part.
        test_folder: the name of the test part, such as ``val``.
    """

    name: ClassVar[str] = "image_folder"
    citation: ClassVar[str] = "a user's own images"
    neutral: ClassVar[Mapping[str, Any]] = {
        "side": None,
        "fit": "crop",
        "mode": None,
        "range": None,
        "split": None,
        "train_folder": "train",
        "test_folder": "test",
    }
    path: str
    side: Annotated[int, Field(ge=4, le=2048)] | None = None
    fit: Literal["crop", "stretch"] = "crop"
    mode: Literal["RGB", "L"] | None = None
    range: Literal["16bit"] | None = None
    split: Split | None = None
    train_folder: str = "train"
    test_folder: str = "test"

    @model_validator(mode="after")
    def _deep_images_are_grey(self) -> Self:
        if self.range == "16bit" and self.mode != "L":
            raise Problems([(("mode",), f'received {self.mode!r}; must be "L", because 16-bit images are grey')])
        return self

    def class_counts(self, folder: Path) -> dict[str, int]:
        """The number of training images of each class, from the names of the files."""
        return self._parts(folder)[0].counts()

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """The images, decoded into the cache where they are not there yet.

        Returns:
            As :meth:`~critlab.data.data_set.DataSet.load`: uint8 ``(N, channels, height, width)``, mapped from files.

        Raises:
            DataError: a folder or a class is empty, an image cannot be decoded, sizes or modes differ unasked, or the
                cache cannot be written. What was decoded is kept.

        Cost: one decoding of every file on all cores, and 3 side^2 bytes on disk an image; afterwards one look at the
        names, sizes and times of change of all files.
        """
        train, test = self._parts(folder)
        wanted = self._wanted([train, test])
        return _decoded(train, wanted), _decoded(test, wanted)

    def _parts(self, folder: Path) -> tuple[Listing, Listing]:
        from critlab.data.pictures.listing import divided, listed

        root = found_path(folder, self.path)
        both = [(root / name).is_dir() for name in (self.train_folder, self.test_folder)]
        if self.split is None:
            if not all(both):
                raise DataError(
                    f"{root}: has no folders {self.train_folder} and {self.test_folder}; make them, name them "
                    "(train_folder, test_folder), or set split, such as split = { test = 0.2 }"
                )
            train = listed(root / self.train_folder)
            return train, listed(root / self.test_folder, train.classes)
        if all(both):
            raise DataError(f"{root}: has folders {self.train_folder} and {self.test_folder}; omit split")
        return divided(listed(root), self.split)

    def _wanted(self, parts: list[Listing]) -> Wanted:
        """What every image is made into, as far as it is not said the same as all images are."""
        from critlab.data.pictures.decoding import Wanted

        mode, size = self.mode, None if self.side is None else (self.side, self.side)
        if mode is None or size is None:
            seen_mode, seen_size = _common(parts, self.mode is None, self.side is None)
            mode, size = mode or seen_mode, size or seen_size
        return Wanted(mode, size, self.fit, self.range == "16bit")


def _common(parts: list[Listing], same_mode: bool, same_size: bool) -> tuple[Any, tuple[int, int]]:
    """Mode and size of all images, of which only the headers are read.

    Raises:
        DataError: they differ where they must not, or a mode is neither RGB nor L.
    """
    from critlab._core.terminal.progress import Progress
    from critlab.data.cache.filling import cores
    from critlab.data.pictures.decoding import opened

    def header(path: Path) -> tuple[str, tuple[int, int]]:
        with opened(path) as picture:
            return picture.mode, (picture.height, picture.width)

    paths = [part.root / one.path for part in parts for one in part.pictures]
    with ThreadPoolExecutor(cores()) as pool, Progress("looking at images", len(paths)) as progress:
        first: tuple[str, tuple[int, int]] | None = None
        for path, (mode, size) in zip(paths, pool.map(header, paths), strict=True):
            progress.advance()
            first = first or (mode, size)
            if same_mode and (mode != first[0] or mode not in ("RGB", "L")):
                known = f"where {paths[0].name} has {first[0]}" if mode != first[0] else "which is neither RGB nor L"
                raise DataError(f'{path}: has mode {mode}, {known}; set mode = "RGB" or "L" to convert all images')
            if same_size and size != first[1]:
                sides = [" x ".join(map(str, one)) for one in (size, first[1])]
                raise DataError(
                    f"{path}: has {sides[0]} pixels where {paths[0].name} has {sides[1]}; set side to scale all images"
                )
    assert first is not None, "a listing has pictures"
    return first


def _decoded(part: Listing, wanted: Wanted) -> Pair:
    import numpy as np

    from critlab.data.cache.filling import Filling, Rows, filled
    from critlab.data.pictures.decoding import VERSION, opened, pixels
    from critlab.data.pictures.listing import check_unchanged

    def rows(first: int, last: int) -> Rows:
        found = np.empty((last - first, *wanted.shape), dtype=np.uint8)
        for place, one in enumerate(part.pictures[first:last]):
            file = part.root / one.path
            found[place] = pixels(opened(file), wanted, str(file))
            check_unchanged(file, one)
        return found, ()

    how = [VERSION, wanted.mode, wanted.size, wanted.fit, wanted.deep]
    shape, dtype = (len(part.pictures), *wanted.shape), np.dtype(np.uint8)
    values, _ = filled(Filling(["pictures", how, part.key()], shape, dtype, rows, f"decoding {part.root.name}"))
    return values, np.asarray([one.label for one in part.pictures], dtype=np.int64)
