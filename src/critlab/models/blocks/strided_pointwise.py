"""Keep strided 1 x 1 convolutions of few channels out of a path of oneDNN that writes past its memory."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

AVX2_CHANNELS, AVX512_CHANNELS = 8, 16
"""Input channels from which the path is sound: those of one block of the instruction set."""
AVX512_POSITIONS = 256
"""Output positions up to which AVX-512 computes an image as one block, which stays inside its memory."""


def sound_convolutions(device: torch.device) -> AbstractContextManager[Any]:
    """A context in which the weight gradient of every convolution of the forward passes inside is sound.

    On a CPU, oneDNN computes a 1 x 1 convolution with a stride by first copying the positions that the stride keeps.
    For the weight gradient in channels-last layout, with fewer input channels than one block has, it writes this copy
    past its end: gradients may be wrong, and the process may crash. Inside the context, such a convolution takes these
    positions first and then has stride 1, which is the same function. All other operations stay as they are, and so
    do their bits: with AVX-512, also those of images that have at most :data:`AVX512_POSITIONS` output positions.

    Convolutions of modules and calls of ``torch.conv2d`` are both covered; scripted modules are not.

    Args:
        device: where the forward pass is computed; on a GPU, nothing changes.

    Cost: two microseconds for each operation of the forward pass.

    Source: ours; the fault is issue 6035 of uxlfoundation/oneDNN.
    """
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return nullcontext()
    return _StrideFirst("AVX512" in torch.backends.cpu.get_cpu_capability())


class _StrideFirst(TorchFunctionMode):
    def __init__(self, wide: bool) -> None:
        super().__init__()
        self.channels = AVX512_CHANNELS if wide else AVX2_CHANNELS
        self.positions = AVX512_POSITIONS if wide else 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return (self._conv2d if func is torch.conv2d else func)(*args, **(kwargs or {}))

    def _conv2d(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: int | tuple[int, ...] = 1,
        padding: int | str | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
    ) -> Tensor:
        down, across = _pair(stride)
        if padding in (0, "valid", (0,), (0, 0), [0], [0, 0]) and self._unsound(input, weight, down, across, groups):
            input, stride = input[..., ::down, ::across], 1
        return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)

    def _unsound(self, images: Tensor, weight: Tensor, down: int, across: int, groups: int) -> bool:
        if groups != 1 or images.ndim != 4 or (down, across) == (1, 1) or tuple(weight.shape[2:]) != (1, 1):
            return False
        if images.dtype != torch.float32 or torch.is_autocast_enabled("cpu") or weight.shape[1] >= self.channels:
            return False
        height, width = images.shape[2:]
        if height % down or width % across or (height // down) * (width // across) <= self.positions:
            return False
        return _channels_last(images) or _channels_last(weight)


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _channels_last(tensor: Tensor) -> bool:
    """Whether the strides of ``(N, C, H, W)`` are those of channels last, as torch decides it for a convolution."""
    least = 0
    for axis in (1, 3, 2, 0):
        size, stride = tensor.shape[axis], tensor.stride(axis)
        if size == 0 or stride < least or (axis == 0 and least == tensor.stride(1)):
            return False
        least = stride * max(size, 1)
    return tensor.stride(1) != 0
