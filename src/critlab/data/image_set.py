"""The images that a study trains and tests on, with what is needed to normalise and to name them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab.data.checks import Split, lacking

_FLOOR = 1 / 255
"""The smallest deviation, one grey level: a channel that never changes must not be divided by zero."""

_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Training and test images as they lie in memory.

    Args:
        train_images: ``(N, *shape)``, uint8, or float32 in [0, 1]; C-contiguous. Images are ``(C, H, W)``,
            two views ``(2, C, H, W)``; other shapes are a user's affair.
        train_labels: int64 ``(N,)`` or ``(N, heads)``; -1 stands for no loss.
        test_images: like ``train_images``.
        test_labels: like ``train_labels``.
        classes: how many labels there are.
        mean: float32, of the training images in [0, 1]: per channel where an example has three axes or more
            (two
            views: per view and channel), else one number of shape ``()``.
        std: float32, their deviation, of the same shape, at least 1/255.
        fingerprint: SHA-256 of type, shape and bytes of the four arrays.
        aperture: what is seen of each example, float32 that fits it when multiplied; None where all of it is.
    """

    train_images: NDArray[Any]
    train_labels: NDArray[np.int64]
    test_images: NDArray[Any]
    test_labels: NDArray[np.int64]
    classes: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    fingerprint: str
    aperture: NDArray[np.float32] | None = None

    @property
    def chance(self) -> float:
        """The share of the test labels that a constant answer would meet: the most frequent one of each head."""
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
    ) -> Self:
        """The set of checked ``train`` and ``test``, ``pad`` zeros added on each side of the last two axes.

        Args:
            train: training images and labels.
            test: test images and labels.
            classes: how many labels there are.
            pad: in pixels.
            aperture: from the shape of an example to what is seen of it.

        Raises:
            DataError: padding was asked for examples that have fewer than two axes.
        """
        train_images, test_images = padded(train.images, pad), padded(test.images, pad)
        mean, std = channel_statistics(train_images)
        arrays = (train_images, train.labels, test_images, test.labels)
        seen = aperture(train_images.shape[1:]) if aperture else None
        return cls(*arrays, classes=classes, mean=mean, std=std, fingerprint=fingerprint(*arrays), aperture=seen)

    def remarks(self) -> list[str]:
        """What a person should know of these data, one line each; they can be trained on all the same."""
        missing = lacking(self.test_labels, self.classes)
        if not missing:
            return []
        few = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        return [f"the test examples lack {len(missing)} of {self.classes} classes: {few}"]


def padded(images: NDArray[Any], pad: int) -> NDArray[Any]:
    """``images`` ``(N, ..., H, W)`` as C-contiguous ``(N, ..., H + 2 pad, W + 2 pad)``, zeros around."""
    if pad == 0:
        return np.ascontiguousarray(images)
    if images.ndim < 3:
        raise DataError(f"pad = {pad} needs images of two axes or more, received {images.shape[1:]}; set pad = 0")
    *kept, height, width = images.shape
    wide = np.zeros((*kept, height + 2 * pad, width + 2 * pad), dtype=images.dtype)
    wide[..., pad:-pad, pad:-pad] = images
    return wide


def channel_statistics(images: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation of ``images`` in [0, 1], summed in float64; shaped as :class:`ImageSet` says."""
    axes = (0, -2, -1) if images.ndim >= 4 else tuple(range(images.ndim))
    total: NDArray[np.float64] | float = 0.0
    squares: NDArray[np.float64] | float = 0.0
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK].astype(np.float64)
        total = total + chunk.sum(axis=axes)
        squares = squares + np.square(chunk, out=chunk).sum(axis=axes)
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    count = images.size / np.size(total)
    mean = np.asarray(total) / (count * scale)
    variance = np.asarray(squares) / (count * scale**2) - mean**2
    std = np.sqrt(np.maximum(variance, _FLOOR**2))
    # without channels both are numbers; as arrays they go the same way as the others
    return np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)


def fingerprint(*arrays: NDArray[Any]) -> str:
    """SHA-256, in hexadecimal, of type, shape and bytes of C-contiguous ``arrays``, in order."""
    running = hashlib.sha256()
    for array in arrays:
        running.update(f"{array.dtype.str}{array.shape}".encode())
        running.update(array.data)
    return running.hexdigest()
