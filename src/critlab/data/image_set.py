"""The images that a study trains and tests on, with what is needed to normalise and to name them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab.data.cache.derived import with_border
from critlab.data.cache.stored_array import StoredArray
from critlab.data.checks import Split
from critlab.data.label_checks import lacking
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.target_form import CLASSES, TargetForm

_FLOOR = 1 / 255
"""The smallest deviation, one grey level: a channel that never changes must not be divided by zero."""

_CHUNK = 1024

_ROUNDING = 1e-6
"""A deviation that is a smaller part of the mean is nothing but rounding."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Training and test images as they lie in memory.

    Args:
        train_images: ``(N, *shape)``, uint8, or float32 in [0, 1]; C-contiguous. Images are ``(C, H, W)``,
            two views ``(2, C, H, W)``; other shapes are a user's affair. With another ``form``, float32 of any range or
            whole numbers. They may be mapped from a file: nothing may read all of them at once.
        train_labels: int64 ``(N,)`` or ``(N, heads)``, where -1 stands for no loss; or what ``targets`` says, as
            :func:`critlab.data.label_checks.checked_labels` gives it.
        test_images: like ``train_images``.
        test_labels: like ``train_labels``.
        classes: how many labels there are; 0 where labels are numbers.
        mean: float32, of the training images in [0, 1]: per channel where an example has three axes or more
            (two
            views: per view and channel), else one number of shape ``()``.
        std: float32, their deviation, of the same shape, at least 1/255.
        fingerprint: SHA-256 of type, shape and bytes of the four arrays; of an array of the cache, of its digest in
            place of its bytes.
        aperture: what is seen of each example, float32 that fits it when multiplied; None where all of it is.
        form: what the values of examples are.
        targets: what the labels are.
    """

    train_images: NDArray[Any]
    train_labels: NDArray[Any]
    test_images: NDArray[Any]
    test_labels: NDArray[Any]
    classes: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    fingerprint: str
    aperture: NDArray[np.float32] | None = None
    form: InputForm = UNIT
    targets: TargetForm = CLASSES

    @property
    def chance(self) -> float:
        """The share of the test labels that a constant answer would meet: the most frequent one of each head.

        Only of class numbers.
        """
        heads = self.test_labels.reshape(len(self.test_labels), -1).T
        counts = [np.bincount(labels[labels >= 0], minlength=1) for labels in heads]
        return float(sum(count.max() for count in counts) / max(1, sum(count.sum() for count in counts)))

    @classmethod
    def of(
        cls,
        train: Split,
        test: Split,
        classes: int,
        pad: int = 0,
        aperture: Callable[[tuple[int, ...]], NDArray[np.float32] | None] | None = None,
        form: InputForm = UNIT,
        targets: TargetForm = CLASSES,
    ) -> Self:
        """The set of checked ``train`` and ``test``, ``pad`` zeros added on each side of the last two axes.

        Args:
            train: training images and labels.
            test: test images and labels.
            classes: how many labels there are.
            pad: in pixels.
            aperture: from the shape of an example to what is seen of it.
            form: what the values are.
            targets: what the labels are; label images get a border of -1.

        Raises:
            DataError: padding was asked for examples that have fewer than two axes.
        """
        train_images, test_images = padded(train.images, pad), padded(test.images, pad)
        mean, std = normalisation(train_images, form)
        labels = [with_no_labels(one.labels, pad, targets) for one in (train, test)]
        arrays = (train_images, labels[0], test_images, labels[1])
        seen = aperture(train_images.shape[1:]) if aperture else None
        named = fingerprint(*arrays)
        return cls(
            *arrays,
            classes=classes,
            mean=mean,
            std=std,
            fingerprint=named,
            aperture=seen,
            form=form,
            targets=targets,
        )

    def remarks(self) -> list[str]:
        """What a person should know of these data, one line each; they can be trained on all the same."""
        missing = lacking(self.test_labels, self.classes) if self.targets.kind == "classes" else []
        if not missing:
            return []
        few = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        return [f"the test examples lack {len(missing)} of {self.classes} classes: {few}"]


def padded(images: NDArray[Any], pad: int) -> NDArray[Any]:
    """``images`` ``(N, ..., H, W)`` as C-contiguous ``(N, ..., H + 2 pad, W + 2 pad)``, zeros around."""
    if pad == 0:
        # not ascontiguousarray, which makes a plain array of a stored one
        return images if images.flags.c_contiguous else np.ascontiguousarray(images)
    if images.ndim < 3:
        raise DataError(f"pad = {pad} needs images of two axes or more, received {images.shape[1:]}; set pad = 0")
    return with_border(images, pad)


def with_no_labels(labels: NDArray[Any], pad: int, targets: TargetForm) -> NDArray[Any]:
    """Label images with a border of pixels without a class; other labels as they are."""
    if targets.kind != "pixels" or not pad:
        return labels
    if labels.dtype.kind == "u" and targets.ignored < 0:
        labels = labels.astype(np.int32 if labels.dtype.itemsize > 1 else np.int16)
    border = [(0, 0), (pad, pad), (pad, pad)]
    return np.pad(labels, border, constant_values=targets.ignored)


def normalisation(images: NDArray[Any], form: InputForm) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is subtracted from the training images, and by what they are divided then.

    Tokens stay what they are, and so do numbers of any range with fewer than three axes, such as the standardised
    columns of a table; others are normalised as images are, per channel.
    """
    if form.values == "tokens" or (form.values == "free" and images.ndim < 4):
        return np.asarray(0, dtype=np.float32), np.asarray(1, dtype=np.float32)
    return channel_statistics(images, _FLOOR if form.values == "unit" else 0.0)


def channel_statistics(images: NDArray[Any], floor: float = _FLOOR) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation of ``images``, 8-bit ones in [0, 1], summed in float64; shaped as :class:`ImageSet` says.

    Args:
        images: ``(N, ...)``.
        floor: the smallest deviation; where it is 0, a channel that never changes has deviation 1.
    """
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    total, squares = _sums(images)
    count = images.size / np.size(total)
    mean = np.asarray(total) / (count * scale)
    variance = np.asarray(squares) / (count * scale**2) - mean**2
    std = np.sqrt(np.maximum(variance, floor**2))
    if not floor:
        std = np.where(std <= _ROUNDING * np.abs(mean), 1.0, std)
    # without channels both are numbers; as arrays they go the same way as the others
    return np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)


def _sums(images: NDArray[Any]) -> tuple[NDArray[np.float64] | float, NDArray[np.float64] | float]:
    """Sum and sum of squares, per channel where there are channels; of a stored array they are known."""
    axes = (0, -2, -1) if images.ndim >= 4 else tuple(range(images.ndim))
    if isinstance(images, StoredArray) and images.facts is not None:
        shape = images.shape[1:-2] if images.ndim >= 4 else ()
        known = images.facts.total, images.facts.squares
        sums = [np.asarray(one, dtype=np.float64).reshape(shape) for one in known]
        return sums[0], sums[1]
    total: NDArray[np.float64] | float = 0.0
    squares: NDArray[np.float64] | float = 0.0
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK].astype(np.float64)
        total = total + chunk.sum(axis=axes)
        squares = squares + np.square(chunk, out=chunk).sum(axis=axes)
    return total, squares


def fingerprint(*arrays: NDArray[Any]) -> str:
    """SHA-256, in hexadecimal, of type, shape and bytes of C-contiguous ``arrays``, in order.

    An array of the cache counts by its digest, so that its bytes need not be read.
    """
    running = hashlib.sha256()
    for array in arrays:
        running.update(f"{array.dtype.str}{array.shape}".encode())
        known = array.facts if isinstance(array, StoredArray) else None
        running.update(array.data if known is None else known.digest.encode())
    return running.hexdigest()
