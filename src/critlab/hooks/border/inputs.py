"""Inputs of a batch as a deficit takes them: in [0, 1], on their own scale, or as whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.deficits import Deficit
from critlab.hooks.border.scale import Scale
from critlab.hooks.border.tensors import Seen, called, is_whole, tensor_of, whole

SLACK = 1 / 255
"""By how much values may leave [0, 1]: one grey level, as resizing and half precision round."""


def inputs_seen(deficit: Deficit, given: Any, scale: Scale | None) -> Seen:
    """``given`` as ``deficit`` takes it.

    Args:
        deficit: says what it takes (``input_kind``).
        given: what the loader gives: a tensor or numpy array ``(batch, ...)``. 8-bit images count as images / 255, and
            go back rounded; half precision is computed in float32.
        scale: by which the inputs were normalised; None where they come as they are.

    Raises:
        StudyError: the deficit cannot be applied to such inputs, or has another meaning for them.
    """
    what = f"deficit {deficit.name!r}: inputs"
    tensor, back, _ = tensor_of(given, what)
    deficit.check_examples(tuple(tensor.shape[1:]))
    if not tensor.numel():
        return Seen(tensor, back)
    if scale is not None and not tensor.is_floating_point():
        raise StudyError(f"{what}: received {called(tensor.dtype)}, which is not normalised; omit normalised=")
    if scale is not None:
        scale = scale.fitted(tuple(tensor.shape[1:]))
    if scale is None and deficit.input_kind in ("any", "tokens"):
        seen, home, unit = _replaceable(deficit, tensor, what)
    else:
        seen, home, unit = _computable(deficit, tensor, scale, what)
    return Seen(seen, _kept(tensor, seen, home, back), unit)


def _replaceable(deficit: Deficit, tensor: Tensor, what: str) -> Seen:
    """Values that are moved or looked up, not computed with."""
    if is_whole(tensor):
        return whole(tensor, what) if tensor.dtype in _UNSIGNED else Seen(tensor, _same)
    if deficit.input_kind == "any":
        return Seen(tensor, _same)
    if tensor.dtype not in (torch.float32, torch.float64):
        raise StudyError(f"{what}: received {called(tensor.dtype)}; tokens must be whole numbers")
    _check_unit(tensor, None, what, "whole numbers, or levels in [0, 1]")
    return Seen(tensor, _same)


_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def _computable(deficit: Deficit, tensor: Tensor, scale: Scale | None, what: str) -> Seen:
    if tensor.dtype == torch.uint8:
        return Seen(tensor.float() / 255, lambda new: (new * 255).round().clamp(0, 255).to(torch.uint8))
    if not tensor.is_floating_point():
        raise StudyError(
            f"{what}: received {called(tensor.dtype)}, whose range is not known; must be float in [0, 1], or uint8"
        )
    exact = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
    if scale is not None:
        exact = scale.raw(exact)
    home: Callable[[Tensor], Tensor] = (
        (lambda new: new.to(tensor.dtype)) if scale is None else (lambda new: scale.normalised(new).to(tensor.dtype))
    )
    if deficit.input_kind == "any":
        return Seen(exact, home)
    low, high = _range(exact, what)
    if deficit.input_kind == "equivariant":
        return Seen(exact, home, unit=low >= 0 and high <= 1)
    _check_unit(exact, scale, what, "in [0, 1]")
    return Seen(exact if low >= 0 and high <= 1 else exact.clamp(0, 1), home)


def _range(values: Tensor, what: str) -> tuple[float, float]:
    # a NaN among the values makes both ends one
    low, high = (float(end) for end in values.detach().aminmax())
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise StudyError(f"{what}: received values that are not finite (NaN or infinite); replace them first")
    return low, high


def _check_unit(values: Tensor, scale: Scale | None, what: str, wanted: str) -> None:
    low, high = _range(values, what)
    if low >= -SLACK and high <= 1 + SLACK:
        return
    if scale is not None:
        raise StudyError(
            f"{what}: undoing normalised= gives values from {low:.3g} to {high:.3g}; must be "
            f"{wanted}; check mean and deviation"
        )
    advice = "give normalised=(mean, deviation) where the loader normalises"
    if low >= 0 and high <= 255 + SLACK:
        advice = "divide by 255, or give normalised=(0, 1 / 255)"
    raise StudyError(f"{what}: received values from {low:.3g} to {high:.3g}; must be {wanted}; {advice}")


def _same(new: Tensor) -> Tensor:
    return new


def _kept(
    given: Tensor, seen: Tensor, home: Callable[[Tensor], Tensor], back: Callable[[Tensor], Any]
) -> Callable[[Tensor], Any]:
    """The way back, on which values that the deficit left alone are those that came, bit for bit."""

    def returned(new: Tensor) -> Any:
        if new is seen:
            return back(given)
        # where gradients flow they go through the deficit, also to values that happen to be the same
        if seen is not given and not given.requires_grad and new.shape == seen.shape:
            new = torch.where(new == seen, given, home(new))
        else:
            new = home(new)
        if new.ndim == 4 and _channels_last(given) and not _channels_last(new):
            new = new.contiguous(memory_format=torch.channels_last)
        return back(new)

    return returned


def _channels_last(images: Tensor) -> bool:
    return images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
