"""Defocus blur: each point becomes a disk, as behind a lens out of focus."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.deficit import InputKind
from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DISKS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))
"""Radius of the disk and standard deviation of its soft edge, in pixels, for each severity."""


class DefocusBlur(Corruption):
    """Convolves each channel with a disk of soft edge; the image is mirrored at its border."""

    name: ClassVar[str] = "defocus_blur"
    input_kind: ClassVar[InputKind] = "equivariant"
    smallest_side: ClassVar[int] = 3

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The blurred pictures; nothing is drawn."""
        return convolve(pictures, disk(*DISKS[self.severity - 1]))


@lru_cache(maxsize=16)
def disk(radius: float, edge: float) -> Tensor:
    """Float64 ``(side, side)``, sums to 1: the pixels within ``radius``, smoothed by a Gaussian cut to 3 x 3.

    Args:
        radius: in pixels.
        edge: standard deviation of the Gaussian, in pixels.

    Source: the ``disk`` of ``make_cifar_c.py``, without the zeros around it.
    """
    import torch
    from torch.nn.functional import conv2d

    reach = int(radius) + 1
    with torch.inference_mode(False), torch.no_grad():  # the cached kernel outlives the caller's mode
        squares = torch.arange(-reach, reach + 1, dtype=torch.float64) ** 2
        inside = (squares[:, None] + squares <= radius**2).double()
        bell = torch.tensor([-0.5 / edge**2, 0.0, -0.5 / edge**2], dtype=torch.float64).exp()
        soft = torch.outer(bell, bell) / bell.sum() ** 2
        kernel: Tensor = conv2d((inside / inside.sum())[None, None], soft[None, None], padding=1)[0, 0]
        return kernel


def convolve(pictures: Tensor, kernel: Tensor) -> Tensor:
    """Each channel convolved with ``kernel``, mirrored at the border without repeating the border itself.

    Args:
        pictures: float ``(pictures, channels, height, width)``, sides greater than the kernel's reach.
        kernel: ``(side, side)``, side odd, symmetric.

    Returns:
        The same shape and dtype.
    """
    from torch.nn.functional import conv2d, pad

    reach = kernel.shape[-1] // 2
    planes = pictures.flatten(0, 1)[:, None]
    mirrored = pad(planes, (reach, reach, reach, reach), mode="reflect")
    return conv2d(mirrored, kernel[None, None].to(pictures)).reshape(pictures.shape)
