"""Which pictures a folder has, by class or with masks: names, sizes and times of change, without opening a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from critlab._core.errors import DataError
from critlab.data.own.split import Split, held_out

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"])

MASK_SUFFIXES = frozenset([".png", ".bmp", ".gif", ".tif", ".tiff", ".pgm"])
"""Of files that keep the number of every pixel."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file: its path from the folder that was listed, its class, bytes and time of change in nanoseconds."""

    path: str
    label: int
    size: int
    changed: int


@dataclass(frozen=True)
class Listing:
    """The pictures of a part, training or test, in the order of class and path; with masks, all of one class."""

    root: Path
    classes: tuple[str, ...]
    pictures: tuple[Picture, ...]

    def key(self) -> list[list[object]]:
        """What distinguishes this listing from one of other or changed files; not where the folder lies."""
        return [[one.path, one.size, one.changed] for one in self.pictures]

    def counts(self) -> dict[str, int]:
        """How many pictures each class has."""
        found = dict.fromkeys(self.classes, 0)
        for one in self.pictures:
            found[self.classes[one.label]] += 1
        return found

    def taken(self, chosen: NDArray[np.bool_]) -> Listing:
        """The pictures where ``chosen`` ``(pictures,)`` is true."""
        return Listing(self.root, self.classes, tuple(one for one, so in zip(self.pictures, chosen, strict=True) if so))


def check_unchanged(path: str | Path, listed: Picture) -> None:
    """Raises DataError where the file at ``path`` is no longer the one that was listed."""
    try:
        now = os.stat(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); repeat the command") from error
    if (now.st_size, now.st_mtime_ns) != (listed.size, listed.changed):
        raise DataError(f"{path}: was changed while the folder was read; repeat the command")


def listed(root: Path, classes: Sequence[str] | None = None) -> Listing:
    """The pictures in ``root/CLASS``, at any depth, in every folder of ``root``.

    Hidden files, and files without a suffix of :data:`SUFFIXES`, are no pictures.

    Args:
        root: has one folder a class.
        classes: their names, in order; None is the names of the folders, sorted.

    Raises:
        DataError: there is no folder, a class has no picture, or a folder's name is none of ``classes``.
    """
    if not root.is_dir():
        raise DataError(f"{root}: folder not found; it must contain one folder of images for each class")
    there = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
    names = tuple(there if classes is None else classes)
    if unknown := [name for name in there if name not in names]:
        raise DataError(f"{root / unknown[0]}: train has no class of that name; it has {', '.join(names)}")
    if len(names) < 2:
        raise DataError(f"{root}: has {len(names)} folders; it must contain at least two, one for each class")
    found: list[Picture] = []
    for label, name in enumerate(names):
        inside = sorted(_pictures(root, name, label), key=lambda one: one.path) if name in there else []
        if not inside and classes is None:
            raise DataError(
                f"{root / name}: has no image ({', '.join(sorted(SUFFIXES))}); put images of this class there, or "
                "remove the folder"
            )
        found += inside
    if not found:
        raise DataError(f"{root}: has no image; put images into {root / names[0]} and the other folders")
    return Listing(root, names, tuple(found))


def listed_without_classes(root: Path) -> Listing:
    """Every picture below ``root``, at any depth, in the order of their paths.

    Raises:
        DataError: there is no folder, or no picture in it.
    """
    if not root.is_dir():
        raise DataError(f"{root}: folder not found; it must contain the images")
    found = sorted(_pictures(root, "", 0), key=lambda one: one.path)
    if not found:
        raise DataError(f"{root}: has no image ({', '.join(sorted(SUFFIXES))}); put images there")
    return Listing(root, ("",), tuple(found))


def masks_of(images: Listing, root: Path) -> Listing:
    """The mask of each image, in their order: the file below ``root`` with the image's path except for the suffix.

    Raises:
        DataError: there is no folder, an image has no mask, a mask has no image, or two files have one path but for
            their suffix.
    """
    if not root.is_dir():
        raise DataError(f"{root}: folder not found; it must contain one mask for each image in {images.root}")
    masks = _by_stem(_pictures(root, "", 0, MASK_SUFFIXES), root)
    stems = _by_stem(images.pictures, images.root)
    suffixes = ", ".join(sorted(MASK_SUFFIXES))
    for stem, image in stems.items():
        if stem not in masks:
            raise DataError(
                f"{images.root / image.path}: has no mask; add {root / stem}.png (suffixes of masks: {suffixes}), or "
                "remove the image"
            )
    for stem, mask in masks.items():
        if stem not in stems:
            raise DataError(f"{root / mask.path}: has no image in {images.root}; add the image, or remove the mask")
    return Listing(root, ("",), tuple(masks[stem] for stem in stems))


def _by_stem(pictures: Iterable[Picture], root: Path) -> dict[str, Picture]:
    found: dict[str, Picture] = {}
    for one in pictures:
        stem = os.path.splitext(one.path)[0]
        if stem in found:
            raise DataError(
                f"{root / one.path}: differs from {found[stem].path} in the suffix alone; masks are found by the name "
                "without it, so rename or remove one of the two"
            )
        found[stem] = one
    return found


def in_test_part(whole: Listing, split: Split, groups: Sequence[Any] | None = None) -> NDArray[np.bool_]:
    """Which pictures of ``whole`` are the test part, bool ``(pictures,)``.

    Args:
        whole: all pictures.
        split: ``by`` is a regular expression; its first group, found in a path, is what keeps pictures together.
        groups: of each picture, what both parts should have in equal shares; None is its class.

    Raises:
        DataError: the expression is none or has no group, or a path has no such part.
    """
    keys = None if split.by is None else [*_keys(whole, split.by)]
    names = [one.path for one in whole.pictures]
    labels = [whole.classes[one.label] for one in whole.pictures] if groups is None else groups
    return held_out(labels, names, split, keys, str(whole.root))


def _keys(whole: Listing, by: str) -> Iterator[str]:
    try:
        pattern = re.compile(by)
    except re.error as error:
        raise DataError(f"data.split.by: received {by!r}; must be a regular expression ({error})") from None
    if not pattern.groups:
        raise DataError(f"data.split.by: received {by!r}; must have a group, such as 'patient(\\d+)_'")
    for one in whole.pictures:
        match = pattern.search(one.path)
        if match is None or match[1] is None:
            raise DataError(f"{whole.root / one.path}: data.split.by {by!r} finds nothing in this path")
        yield match[1]


def _pictures(root: Path, name: str, label: int, suffixes: frozenset[str] = SUFFIXES) -> Iterator[Picture]:
    """Every picture below ``root/name``; its path is written with slashes."""
    for folder, below, files in os.walk(root / name):
        below[:] = sorted(inner for inner in below if not inner.startswith("."))
        for file in files:
            if file.startswith(".") or os.path.splitext(file)[1].lower() not in suffixes:
                continue
            path = os.path.join(folder, file)
            status = os.stat(path)
            yield Picture(Path(path).relative_to(root).as_posix(), label, status.st_size, status.st_mtime_ns)
