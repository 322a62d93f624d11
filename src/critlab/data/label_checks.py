"""What labels must be, by their form: each check names the first offender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab.deficits.target_form import CLASSES, TargetForm

MOST_TARGET = 1e30
"""A target of a regression fits float32 with room for its square root's statistics."""

MOST_CLASSES = 32_000
"""Classes of pixels; a larger number is one for pixels without a class."""

_CHUNK = 256
"""Label images that are looked at together: they may be mapped from a file."""

_SHAPES = {
    "classes": "(N,) or (N, heads)",
    "next_token": "(N,) or (N, heads)",
    "multi_hot": "(N, labels)",
    "real": "(N,) or (N, outputs)",
    "pixels": "(N, height, width)",
}


def check_label_shape(labels: NDArray[Any], where: str, targets: TargetForm = CLASSES) -> None:
    """Raises DataError unless labels have as many axes as their form."""
    axes = {"multi_hot": (2,), "pixels": (3,)}.get(targets.kind, (1, 2))
    if labels.ndim not in axes or 0 in labels.shape:
        needed = f"they must be {_SHAPES[targets.kind]}"
        raise DataError(f"{where}: labels have shape {labels.shape}; {needed}{_for(targets)}")


def checked_labels(
    labels: NDArray[Any], image_shape: tuple[int, ...], where: str, targets: TargetForm = CLASSES
) -> NDArray[Any]:
    """The labels in their form in memory.

    Args:
        labels: of the shape that :func:`check_label_shape` allows.
        image_shape: of the images, ``(N, ...)``.
        where: how a person knows these arrays.
        targets: what they are.

    Returns:
        Class numbers int64; rows of zeros and ones int8; numbers float32, ``(N,)`` where there is one for each example;
        label images in their own whole type.

    Raises:
        DataError: they are something else.
    """
    found = checked_values(labels, where, targets)
    if targets.kind == "pixels" and (len(image_shape) != 4 or labels.shape[1:] != image_shape[-2:]):
        raise DataError(
            f"{where}: label images have {labels.shape[1]} x {labels.shape[2]} pixels for examples of shape "
            f"{image_shape[1:]}; each must be as large as its image (channels, height, width)"
        )
    return found


def checked_values(labels: NDArray[Any], where: str, targets: TargetForm = CLASSES) -> NDArray[Any]:
    """As :func:`checked_labels`, without a look at the images: of labels that are still to be divided into parts."""
    check_label_shape(labels, where, targets)
    if isinstance(labels, np.ma.MaskedArray):
        raise DataError(f"{where}: labels are a masked array, and the mask would be lost; fill it first")
    if targets.kind == "multi_hot":
        return _rows(labels, where)
    if targets.kind == "real":
        return _numbers(labels, where)
    if targets.kind == "pixels":
        return _label_images(labels, where, targets)
    return _class_numbers(labels, where, targets)


def class_count(
    train: NDArray[Any], test: NDArray[Any], where: str, classes: int | None = None, targets: TargetForm = CLASSES
) -> int:
    """How many classes checked labels have; of rows of zeros and ones how many labels, and 0 of numbers.

    It is ``classes`` where that is known, else what the form fixes, else the largest training label plus one.

    Raises:
        DataError: a label is out of range, there is one class alone, or a class has no training example.
    """
    if targets.kind == "real":
        if (train == train[:1]).all():
            raise DataError(f"{where}, train: every target is {train[:1].tolist()[0]}; there must be at least 2 values")
        return 0
    if targets.kind == "multi_hot":
        if not (train >= 0).any():
            raise DataError(f"{where}, train: every label is -1; at least one must be 0 or 1")
        return int(train.shape[1])
    known = targets.classes or classes
    most = _largest(train, targets)
    count = most + 1 if known is None else known
    if targets.kind == "next_token":
        return max(count, 1)
    if most < 0:
        ignored = "" if targets.ignored < 0 else f" or {targets.ignored}, which is ignored"
        raise DataError(f"{where}, train: every label is -1{ignored}; at least one example must have a label")
    for labels, part in ((train, "train"), (test, "test")):
        for start, piece in _pieces(labels, targets):
            _refuse_beyond(piece, f"{where}, {part}", count, targets, start)
    if targets.kind == "pixels":
        if count < 2:
            raise DataError(f"{where}, train: every pixel is 0, a single class; there must be at least 2")
        if known is None:
            _check_no_gap(train, where, count, targets)
        return count
    _check_each_class(train, where, count)
    return count


def lacking(labels: NDArray[Any], classes: int) -> list[int]:
    """The classes of which class numbers ``(N,)`` or ``(N, heads)`` have none."""
    return sorted(set(range(classes)) - set(np.unique(labels).tolist()))


def refuse(offends: NDArray[np.bool_], values: NDArray[Any], what: str, rule: str, start: int = 0) -> None:
    """Raises DataError with the first value that offends; ``start`` is the place of the first example."""
    if offends.any():
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(offends)), offends.shape))
        value, place = values[place].item(), (place[0] + start, *place[1:])
        raise DataError(f"{what} {value!r} at index {place[0] if len(place) == 1 else place}: {rule}")


def _refuse_beyond(labels: NDArray[Any], where: str, count: int, targets: TargetForm, start: int = 0) -> None:
    """Raises DataError where a label that counts is no class of ``count``; ``start`` is the place of the first one."""
    remedy = ""
    if targets.kind == "pixels":
        remedy = "; in [task], set ignored to it where such pixels have no class, or classes where it is a class"
    elif targets.classes == 2:
        remedy = ', as the task has two classes; for more set task = "classification"'
    beyond = (labels >= count) & (labels != targets.ignored)
    refuse(beyond, labels, f"{where}: label", f"must be below {count}{remedy}", start)


def _for(targets: TargetForm) -> str:
    """Which task needs the labels so, for the end of a message; nothing where none says so."""
    needs = {"multi_hot": "several labels", "real": "a regression", "pixels": "a segmentation"}
    return f", as the task asks for {needs[targets.kind]}" if targets.kind in needs else ""


def _class_numbers(labels: NDArray[Any], where: str, targets: TargetForm) -> NDArray[np.int64]:
    if labels.dtype.kind == "b" and targets.classes == 2:
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        other = '; for numbers set task = "regression"' if labels.dtype.kind == "f" else ""
        raise DataError(f"{where}: labels are {labels.dtype}; they must be whole numbers, such as int64{other}")
    if labels.dtype == np.uint64:
        refuse(labels > np.iinfo(np.int64).max, labels, f"{where}: label", "must be below 2**63")
    if labels.ndim == 2 and labels.shape[1] > 1 and _one_hot(labels):
        raise DataError(
            f"{where}: labels of shape {labels.shape} are one-hot rows; they must be class numbers, such as "
            "labels.argmax(1)"
        )
    if targets.classes == 2 and labels.ndim != 1:
        raise DataError(f"{where}: labels have shape {labels.shape}; they must be (N,), as the task has one logit")
    whole = np.ascontiguousarray(labels, dtype=np.int64)
    refuse(whole < -1, whole, f"{where}: label", "must be 0 or more, or -1 for no loss")
    if targets.classes is not None:
        _refuse_beyond(whole, where, targets.classes, targets)
    return whole


def _one_hot(labels: NDArray[Any]) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all())


def _rows(labels: NDArray[Any], where: str) -> NDArray[np.int8]:
    if labels.dtype.kind not in "biuf":
        raise DataError(
            f"{where}: labels are {labels.dtype}; they must be 0 and 1, as the task asks for several labels"
        )
    outside = ~((labels == 0) | (labels == 1) | (labels == -1)) if labels.dtype.kind != "b" else np.zeros(1, bool)
    refuse(outside, labels, f"{where}: label", "must be 0 or 1, or -1 for no loss, as the task asks for several labels")
    return np.ascontiguousarray(labels, dtype=np.int8)


def _numbers(labels: NDArray[Any], where: str) -> NDArray[np.float32]:
    if labels.dtype.kind not in "iuf":
        raise DataError(f"{where}: labels are {labels.dtype}; they must be numbers, as the task asks for a regression")
    refuse(~np.isfinite(labels), labels, f"{where}: target", "must be a finite number; remove the example, or fill it")
    refuse(
        np.abs(labels) > MOST_TARGET, labels, f"{where}: target", f"must be from {-MOST_TARGET:g} to {MOST_TARGET:g}"
    )
    found = np.ascontiguousarray(labels, dtype=np.float32)
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found


def _label_images(labels: NDArray[Any], where: str, targets: TargetForm) -> NDArray[Any]:
    if labels.dtype.kind not in "iu" or (labels.dtype.itemsize == 8 and labels.dtype.kind == "u"):
        raise DataError(
            f"{where}: labels are {labels.dtype}; they must be whole numbers, such as uint8, as the task asks for a "
            "segmentation"
        )
    for start, piece in _pieces(labels, targets):
        refuse(piece < -1, piece, f"{where}: label", "must be 0 or more, or -1 for no loss", start)
        _refuse_beyond(piece, where, targets.classes or MOST_CLASSES, targets, start)
    return labels if labels.flags.c_contiguous else np.ascontiguousarray(labels)


def _pieces(labels: NDArray[Any], targets: TargetForm) -> Iterator[tuple[int, NDArray[Any]]]:
    """Labels with the place of their first example; label images in pieces, which fit into memory."""
    if targets.kind != "pixels":
        yield 0, labels
        return
    for start in range(0, len(labels), _CHUNK):
        yield start, np.asarray(labels[start : start + _CHUNK])


def _largest(labels: NDArray[Any], targets: TargetForm) -> int:
    """The largest label that counts; -1 where none does."""
    found = -1
    for _, piece in _pieces(labels, targets):
        counted = piece[piece != targets.ignored]
        found = max(found, int(counted.max()) if counted.size else -1)
    return found


def _check_no_gap(labels: NDArray[Any], where: str, count: int, targets: TargetForm) -> None:
    """Raises DataError where the largest class number is far from the others: it may stand for pixels of no class."""
    from critlab.data.strata import classes_in

    seen: set[int] = set()
    for _, piece in _pieces(labels, targets):
        seen.update(classes_in(piece, targets).tolist())
    before = max(seen - {count - 1}, default=-1)
    if before < count - 2:
        raise DataError(
            f"{where}, train: pixels have the class number {count - 1}, but none has {before + 1} to {count - 2}; set "
            f"ignored = {count - 1} in [task] if they have no class, else classes = {count}"
        )


def _check_each_class(labels: NDArray[Any], where: str, count: int) -> None:
    present = np.unique(labels[labels >= 0])
    if count == 1:
        raise DataError(f"{where}, train: every label is 0, a single class; there must be at least 2")
    if len(present) < count:
        # the first class that is not at its place; a label may be so large that counting up to it takes all memory
        empty = int(np.argmax(np.append(present, -1) != np.arange(len(present) + 1)))
        raise DataError(
            f"{where}, train: class {empty} of {count} has no example; number the classes 0, 1, 2, ... "
            "without gaps, or give the class an example"
        )
