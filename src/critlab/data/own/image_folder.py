"""Image folder: pictures of any size and mode, one folder a class or with masks, decoded once into the cache."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab._core.errors import DataError, StudyError
from critlab._core.problems import Problems
from critlab.data.data_set import OwnDataSet
from critlab.data.own.paths import found_path
from critlab.data.own.split import Split
from critlab.deficits.target_form import CLASSES, TargetForm, TargetKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.data.pictures.decoding import Wanted
    from critlab.data.pictures.listing import Listing
    from critlab.data.user import Pair

WHOLE_BYTES = 2**24
"""A file that is not larger is read into memory at once. A larger one may have many pages, of which one is decoded."""


class ImageFolder(OwnDataSet):
    """A folder of images by class, or of images with masks, of any size and mode.

    Args:
        path: has ``train/CLASS`` and ``test/CLASS``, or, with ``split``, ``CLASS``; images lie there at any depth. With
            ``masks`` there are no folders of classes. A relative path is in the folder of all data, else in the working
            folder.
        masks: for a segmentation, as ``path``: a folder with one file for each image, which has its path but for the
            suffix (``train/a.jpg`` has ``train/a.png``), its size, and a class number for each pixel. The number that
            the task ignores belongs to no class.
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
    label_forms: ClassVar[tuple[TargetKind, ...]] = ("classes", "next_token", "pixels")
    neutral: ClassVar[Mapping[str, Any]] = {
        "masks": None,
        "side": None,
        "fit": "crop",
        "mode": None,
        "range": None,
        "split": None,
        "train_folder": "train",
        "test_folder": "test",
    }
    path: str
    masks: str | None = None
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

    def check_targets(self, targets: TargetForm) -> None:
        """Raises StudyError where the images cannot have such labels, or masks are missing or not needed."""
        super().check_targets(targets)
        if targets.kind == "pixels" and self.masks is None:
            raise StudyError(
                "masks: required, but missing; give the folder that has a mask for each image, because the task needs "
                "a class for each pixel"
            )
        if targets.kind != "pixels" and self.masks is not None:
            raise StudyError(
                f'masks: received {self.masks!r}, but the task needs {targets.words}; set task = "segmentation", or '
                "omit masks"
            )

    def class_counts(self, folder: Path) -> dict[str, int] | None:
        """The number of training images of each class, from the names of the files; None with masks."""
        return None if self.masks else self._parts(folder)[0].counts()

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """As :meth:`load_targets`, with class numbers, or with masks where there are some."""
        return self.load_targets(folder, TargetForm("pixels") if self.masks else CLASSES)

    def load_targets(self, folder: Path, targets: TargetForm) -> tuple[Pair, Pair]:
        """The images, and the masks where there are some, decoded into the cache where they are not there yet.

        Returns:
            As :meth:`~critlab.data.data_set.DataSet.load`: uint8 ``(N, channels, height, width)``, mapped from files,
            with labels int64 ``(N,)``; masks are uint8 or int32 ``(N, height, width)``.

        Raises:
            DataError: a folder or a class is empty, an image has no mask or one that does not fit, a file cannot be
                decoded, sizes or modes differ unasked, or the cache cannot be written. What was decoded is kept.

        Cost: one decoding of every file on all cores, and 3 side^2 bytes on disk an image, 4 with masks; afterwards one
        look at the names, sizes and times of change of all files.
        """
        if self.masks is None:
            train, test = self._parts(folder)
            wanted = self._wanted([train, test])
            return (_decoded(train, wanted), _classes(train)), (_decoded(test, wanted), _classes(test))
        return self._with_masks(folder, found_path(folder, self.masks), targets)

    def _parts(self, folder: Path) -> tuple[Listing, Listing]:
        """Training and test images, by class."""
        from critlab.data.pictures.listing import in_test_part, listed

        root = self._root(folder)
        if self.split is None:
            train = listed(root / self.train_folder)
            return train, listed(root / self.test_folder, train.classes)
        whole = listed(root)
        tests = in_test_part(whole, self.split)
        return whole.taken(~tests), whole.taken(tests)

    def _with_masks(self, folder: Path, masks: Path, targets: TargetForm) -> tuple[Pair, Pair]:
        import numpy as np

        from critlab.data.cache.derived import taken
        from critlab.data.own.masks import check_class_numbers, decoded_masks
        from critlab.data.pictures.listing import in_test_part, listed_without_classes, masks_of
        from critlab.data.strata import split_groups

        root = self._root(folder)
        names = [""] if self.split else [self.train_folder, self.test_folder]
        images = [listed_without_classes(root / name) for name in names]
        paired = [masks_of(one, masks / name) for one, name in zip(images, names, strict=True)]
        wanted = self._wanted(images)
        labels = [decoded_masks(one, its, wanted) for one, its in zip(images, paired, strict=True)]
        check_class_numbers(labels, paired, targets)
        if self.split is None:
            return (_decoded(images[0], wanted), labels[0]), (_decoded(images[1], wanted), labels[1])
        tests = in_test_part(images[0], self.split, split_groups(labels[0], targets, f"{self.masks}"))
        pairs = [
            (_decoded(images[0].taken(chosen), wanted), taken(labels[0], np.flatnonzero(chosen)))
            for chosen in (~tests, tests)
        ]
        return pairs[0], pairs[1]

    def _root(self, folder: Path) -> Path:
        """The folder of images, which has folders of a training and a test part unless there is a split."""
        root = found_path(folder, self.path)
        both = [(root / name).is_dir() for name in (self.train_folder, self.test_folder)]
        if self.split is None and not all(both):
            raise DataError(
                f"{root}: has no folders {self.train_folder} and {self.test_folder}; make them, name them "
                "(train_folder, test_folder), or set split, such as split = { test = 0.2 }"
            )
        if self.split is not None and all(both):
            raise DataError(f"{root}: has folders {self.train_folder} and {self.test_folder}; omit split")
        return root

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
    from critlab.data.pictures.decoding import opened, upright_size

    def header(path: Path) -> tuple[str, tuple[int, int]]:
        with opened(path) as picture:
            return picture.mode, upright_size(picture)

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


def _decoded(part: Listing, wanted: Wanted) -> NDArray[np.uint8]:
    import numpy as np

    from critlab.data.cache.filling import Filling, Rows, filled
    from critlab.data.pictures.decoding import VERSION, opened, pixels
    from critlab.data.pictures.listing import check_unchanged

    root = str(part.root)

    def rows(first: int, last: int) -> Rows:
        found = np.empty((last - first, *wanted.shape), dtype=np.uint8)
        for place, one in enumerate(part.pictures[first:last]):
            file = os.path.join(root, one.path)
            pixels(opened(file, whole=one.size <= WHOLE_BYTES), wanted, file, found[place])
            check_unchanged(file, one)
        return found, ()

    how = [VERSION, wanted.mode, wanted.size, wanted.fit, wanted.deep]
    shape, dtype = (len(part.pictures), *wanted.shape), np.dtype(np.uint8)
    values, _ = filled(Filling(["pictures", how, part.key()], shape, dtype, rows, f"decoding {part.root.name}"))
    return values


def _classes(part: Listing) -> NDArray[np.int64]:
    import numpy as np

    return np.asarray([one.label for one in part.pictures], dtype=np.int64)
