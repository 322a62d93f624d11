"""Labels of a batch as a deficit takes them: as they come, or as class numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.deficits import Deficit
from critlab.hooks.border.tensors import Seen, called, is_whole, tensor_of, whole


def labels_seen(deficit: Deficit, given: Any, batch: int, classes: int) -> Seen:
    """``given`` as ``deficit`` takes it.

    Args:
        deficit: says what it takes (``label_kind``, ``classes``).
        given: what the loader gives. Labels that the deficit does not read may be anything. Class numbers may be of any
            whole type, whole numbers in float, lists, or float one-hot rows; None where there are no labels.
        batch: how many examples there are.
        classes: how many classes there are; 0 where it is not known.

    Raises:
        StudyError: the deficit needs class numbers and these are none.
    """
    what = f"deficit {deficit.name!r}: labels"
    if deficit.classes is None and deficit.label_kind != "classes":
        if deficit.label_kind == "unread" or given is None:
            return Seen(torch.zeros(batch, dtype=torch.int64), lambda _new: given)
        is_number = isinstance(given, Tensor) and given.layout is torch.strided and is_whole(given)
        return whole(given, what) if is_number else Seen(given, lambda new: new)
    if given is None:
        raise StudyError(f"{what}: the batch has none; give labels=, the place in the batch where they are")
    if deficit.label_kind == "classes" and deficit.input_kind == "unread" and not classes:
        raise StudyError(f"{what}: the number of classes is not known; give classes=")
    deficit.check_classes(classes or 2**63)
    numbers, back, _ = class_numbers(given, batch, classes, what)
    lost = numbers < 0
    # any negative number means that there is no loss; deficits know -1
    return Seen(numbers.clamp(min=-1), lambda new: back(torch.where(lost.to(new.device), numbers, new)))


def class_numbers(given: Any, batch: int, classes: int, what: str) -> Seen:
    """``given`` as int64 ``(batch,)`` or ``(batch, heads)``, and the way back.

    Raises:
        StudyError: it is something else, or a number is not below ``classes``, where that is known.
    """
    given, listed = _from_list(given)
    tensor, back, _ = tensor_of(given, what)
    if len(tensor) != batch or tensor.ndim > 2:
        raise StudyError(
            f"{what}: received shape {tuple(tensor.shape)} for {batch} examples; must be ({batch},) or ({batch}, heads)"
        )
    numbers, home, _ = _numbers(tensor, classes, what)
    if classes and numbers.numel() and int(numbers.max()) >= classes:
        raise StudyError(f"{what}: received {int(numbers.max())}; must be from 0 to {classes - 1}, as classes= says")
    return Seen(numbers, lambda new: listed(back(home(new))))


def _from_list(given: Any) -> tuple[Any, Any]:
    if isinstance(given, list | tuple) and all(type(one) is int for one in given):
        kind = type(given)
        try:
            return torch.tensor(given, dtype=torch.int64), lambda new: kind(new.tolist())
        except (OverflowError, RuntimeError, ValueError):
            pass
    return given, lambda new: new


def _numbers(tensor: Tensor, classes: int, what: str) -> Seen:
    if is_whole(tensor):
        if _like_one_hot(tensor, classes):
            raise StudyError(
                f"{what}: received only 0 and 1, of shape {tuple(tensor.shape)}: one-hot rows, or several labels an "
                "example; must be class numbers, such as labels.argmax(1)"
            )
        return whole(tensor, what)
    dtype = tensor.dtype
    if tensor.is_floating_point() and tensor.isfinite().all():
        if tensor.ndim == 2 and tensor.shape[1] > 1 and tensor.shape[1] == (classes or tensor.shape[1]):
            if bool((((tensor == 0) | (tensor == 1)).all(1) & (tensor.sum(1) == 1)).all()):
                width = tensor.shape[1]
                return Seen(tensor.argmax(1), lambda new: torch.nn.functional.one_hot(new, width).to(dtype))
        elif (tensor.ndim == 1 or tensor.shape[1] == 1) and bool((tensor == tensor.round()).all()):
            return whole(tensor, what)
    raise StudyError(
        f"{what}: received {called(dtype)} of shape {tuple(tensor.shape)}, which looks like a "
        "regression, soft labels or "
        "several labels per example; must be class numbers or one-hot rows"
    )


def _like_one_hot(tensor: Tensor, classes: int) -> bool:
    if tensor.ndim != 2 or tensor.shape[1] < 2 or not bool(((tensor == 0) | (tensor == 1)).all()):
        return False
    return tensor.shape[1] == classes or (tensor.shape[1] > 2 and bool((tensor.sum(1) == 1).all()))


def numbers_seen(given: Any, batch: int, examples: int) -> Tensor:
    """The examples' places in the training set as int64 ``(batch,)``.

    Raises:
        StudyError: they are no such places, or are not below ``examples``, where that is known.
    """
    given, _ = _from_list(given)
    tensor = tensor_of(given, "numbers").values
    if not is_whole(tensor) or tensor.shape != (batch,):
        raise StudyError(
            f"numbers: received {called(tensor.dtype)} of shape {tuple(tensor.shape)}; the deficit needs whole "
            f"numbers ({batch},), the places of the examples in the training set"
        )
    tensor = tensor.long()
    low, high = (int(end) for end in tensor.aminmax()) if batch else (0, 0)
    if low < 0 or (examples and high >= examples):
        raise StudyError(
            f"numbers: received {low if low < 0 else high}; must be places in the training set, from 0 to "
            f"{examples - 1 if examples else 'the number of examples less 1'}"
        )
    return tensor
