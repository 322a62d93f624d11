"""What examples must be before anything is trained on them: each check names the first offender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab.data.cache.derived import taken
from critlab.data.cache.stored_array import StoredArray
from critlab.data.label_checks import check_label_shape, checked_labels, class_count, refuse
from critlab.data.label_checks import lacking as lacking
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.layout import channels_last
from critlab.deficits.target_form import CLASSES, TargetForm


@dataclass(frozen=True, eq=False)
class Split:
    """Examples ``(N, *shape)`` and labels ``(N, ...)``, by default int64 ``(N,)`` or ``(N, heads)``.

    ``images`` are uint8 or float32 in [0, 1]; with another form of the data, float32 of any range, or whole numbers.
    """

    images: NDArray[Any]
    labels: NDArray[Any]

    def taken(self, places: NDArray[np.int64]) -> Split:
        """The examples at ``places``."""
        return Split(taken(self.images, places), self.labels[places])


def checked_split(
    images: NDArray[Any], labels: NDArray[Any], where: str, form: InputForm = UNIT, targets: TargetForm = CLASSES
) -> Split:
    """``images`` and ``labels`` in their form in memory.

    Args:
        images: uint8, or any float in [0, 1], ``(N, ...)`` with N at least 1.
        labels: any whole type, ``(N,)`` or ``(N, heads)``, from 0, or -1 for no loss; or what ``targets`` says.
        where: how a person knows these arrays, such as ``"cifar10, train"``.
        form: what the values are: with ``free``, floats of any range; with ``tokens``, whole numbers ``(N, places)``.
        targets: what the labels are.

    Raises:
        DataError: they are not.
    """
    if images.ndim < 2 or len(images) == 0 or 0 in images.shape:
        raise DataError(f"{where}: images have shape {images.shape}; they must be (N, ...) with N at least 1")
    check_label_shape(labels, where, targets)
    if form.values == "unit" and channels_last(images.shape[1:]):
        flat = int(np.prod(images.shape[1:]))
        raise DataError(
            f"{where}: images of shape {images.shape[1:]} have their channels last; move them first, such as by "
            f"np.moveaxis(images, -1, -3), or pass data that are not images as (N, {flat})"
        )
    if len(images) != len(labels):
        raise DataError(f"{where}: {len(images)} images but {len(labels)} labels; give one label for each image")
    check = {"unit": _checked_images, "free": _checked_numbers, "tokens": _checked_tokens}[form.values]
    return Split(check(images, where, form), checked_labels(labels, images.shape, where, targets))


def checked_classes(
    train: Split, test: Split, where: str, classes: int | None = None, targets: TargetForm = CLASSES
) -> int:
    """How many classes there are, see :func:`~critlab.data.label_checks.class_count`.

    Raises:
        DataError: a label is out of range, there is one class alone, a class has no training example, or train and test
            differ in form.
    """
    one = (train.images.dtype, train.images.shape[1:], train.labels.shape[1:])
    other = (test.images.dtype, test.images.shape[1:], test.labels.shape[1:])
    for what, ours, theirs in zip(("image type", "image shape", "label heads"), one, other, strict=True):
        if ours != theirs:
            raise DataError(f"{where}: {what} {ours} in train but {theirs} in test; they must agree")
    return class_count(train.labels, test.labels, where, classes, targets)


def _checked_numbers(values: NDArray[Any], where: str, form: InputForm) -> NDArray[np.float32]:
    _refuse_mask(values, where)
    if values.dtype.kind not in "fiu":
        raise DataError(f"{where}: values are {values.dtype}; they must be numbers")
    found = values if values.dtype == np.float32 else values.astype(np.float32)
    refuse(~np.isfinite(found), values, f"{where}: value", "must be a finite number")
    return found


def _checked_tokens(tokens: NDArray[Any], where: str, form: InputForm) -> NDArray[Any]:
    _refuse_mask(tokens, where)
    if tokens.dtype.kind not in "iu":
        raise DataError(f"{where}: tokens are {tokens.dtype}; they must be whole numbers, such as int64")
    outside = (tokens < 0) | (tokens >= form.vocabulary)
    refuse(outside, tokens, f"{where}: token", f"must be from 0 to {form.vocabulary - 1}; raise vocabulary")
    if form.padding is not None:
        empty = (tokens == form.padding).all(1)
        refuse(empty, empty, f"{where}: sequence", "has nothing but padding; remove it")
    return tokens.astype(np.int32) if tokens.dtype not in (np.uint8, np.int16) else tokens


def _refuse_mask(images: NDArray[Any], where: str) -> None:
    if isinstance(images, np.ma.MaskedArray):
        raise DataError(f"{where}: images are a masked array, and the mask would be lost; fill it first")


def _checked_images(images: NDArray[Any], where: str, form: InputForm) -> NDArray[Any]:
    _refuse_mask(images, where)
    if isinstance(images, StoredArray) and images.facts is not None:
        return _checked_stored(images, where)
    if images.dtype == np.uint8:
        _refuse_black(images, 1, "uint8 images hold only 0 and 1, of 255", where)
        return images
    if images.dtype.kind != "f":
        raise DataError(f"{where}: images are {images.dtype}; they must be uint8, or float in [0, 1]")
    # a NaN is neither, so it is among the refused
    outside = ~((images >= 0) & (images <= 1))
    refuse(outside, images, f"{where}: image value", "must be in [0, 1]; divide by 255, or pass uint8")
    _refuse_black(
        images, 1 / 255, "float images are between 0 and 1/255; they may have been divided by 255 twice", where
    )
    return images.astype(np.float32)


def _checked_stored(images: StoredArray, where: str) -> StoredArray:
    """An array of the cache, by what is known of it: it may be larger than the memory."""
    assert images.facts is not None
    low, high = images.facts.low, images.facts.high
    most = 255 if images.dtype == np.uint8 else 1
    if not (0 <= low <= high <= most):  # a NaN is neither
        raise DataError(f"{where}: images are from {low:g} to {high:g}; they must be from 0 to {most}")
    return images


def _refuse_black(images: NDArray[Any], most: float, what: str, where: str) -> None:
    """Raises DataError where images are all but black, since they have another range; tables may be so."""
    if images.ndim > 2 and 0 < images.max() <= most:
        raise DataError(f"{where}: {what}; they must be uint8 from 0 to 255, or float in [0, 1]")
