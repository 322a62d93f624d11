"""JPEG compression: blocks of 8 x 8 lose their fine structure, and colours lose more."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

QUALITIES = (80, 65, 58, 50, 40)
"""The quality of JPEG, from 1 to 100, for each severity."""

BLOCK = 8

LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""The steps to which frequencies are rounded at quality 50 (ITU-T T.81, table K.1)."""

CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *[(99,) * 8] * 4,
)
"""The same for colour differences (table K.2)."""

TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.299 / 1.772, -0.587 / 1.772, 0.5),
    (0.5, -0.587 / 1.402, -0.114 / 1.402),
)
"""From red, green and blue to luminance and two differences (ITU-T T.871)."""


class JpegCompression(Corruption):
    """Stores and reads each image as JPEG does, but for the entropy coding, which loses nothing."""

    name: ClassVar[str] = "jpeg_compression"

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures as they come back; nothing is drawn."""
        return compress(pictures, QUALITIES[self.severity - 1])


def compress(pictures: Tensor, quality: int) -> Tensor:
    """Pictures after JPEG with the standard tables; colour differences at half the resolution (4:2:0).

    Three channels are taken as red, green and blue; with any other number each channel is stored as a grey picture.
    Sides that are no multiple of a block are filled with the border's pixels.

    Args:
        pictures: float ``(pictures, channels, height, width)`` in [0, 1]; rounded to 8 bits first.
        quality: from 1 to 100.

    Returns:
        The same shape and dtype, multiples of 1/255 in [0, 1].

    Error: against Pillow (libjpeg-turbo), measured at qualities 40, 80 and 95 on 10 pictures of each of three sizes:
    0.10/255 to 0.33/255 on average, at least 96.7 % of the values within 2/255. libjpeg computes with whole numbers,
    so that a frequency near the middle between two steps may be rounded the other way.

    Source: ITU-T T.81 and T.871; as a corruption, Hendrycks and Dietterich 2019.
    """
    import torch

    whole = (pictures * 255).round()
    if pictures.shape[1] != 3:
        return _stored(whole, steps(LUMINANCE, quality)) / 255
    height, width = pictures.shape[-2:]
    to_ycc = torch.tensor(TO_YCC, dtype=torch.float64)
    middle = torch.tensor([0.0, 128.0, 128.0]).to(whole)[:, None, None]
    planes = (_mixed(whole, to_ycc) + middle).round()
    luminance = _stored(planes[:, :1], steps(LUMINANCE, quality))
    chrominance = _stored(_halved(planes[:, 1:]), steps(CHROMINANCE, quality))[..., : -(-width // 2)]
    found = torch.cat([luminance, _doubled(chrominance)[..., :height, :width]], 1)
    return _mixed(found - middle, to_ycc.inverse()).round().clamp(0, 255) / 255


def steps(table: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """Float64 ``(8, 8)``, whole numbers from 1 to 255: the steps at a quality, as libjpeg scales them."""
    import torch

    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(table, dtype=torch.float64) * percent + 50) / 100).floor().clamp(1, 255)


def _stored(planes: Tensor, table: Tensor) -> Tensor:
    """``planes`` in [0, 255] after their frequencies were rounded to the steps in ``table``."""
    height, width = planes.shape[-2:]
    filled = _filled(planes, BLOCK, BLOCK) - 128
    down, across = (side // BLOCK for side in filled.shape[-2:])
    rows, columns = _transform(down).to(planes), _transform(across).to(planes)
    step = table.repeat(down, across).to(planes)
    # libjpeg's transform gives whole eighths, which decides about values near the middle between two steps
    frequencies = (rows @ filled @ columns.T * BLOCK).round() / (BLOCK * step)
    rounded = frequencies.abs().add(0.5).floor().copysign(frequencies) * step
    back = (rows.T @ rounded @ columns + 128).round().clamp(0, 255)
    return back[..., :height, :width]


@lru_cache(maxsize=64)
def _transform(blocks: int) -> Tensor:
    """Float64, orthogonal: the cosine transform (DCT-II) of each of a side's blocks."""
    import torch

    with torch.inference_mode(False), torch.no_grad():  # the cached matrix outlives the caller's mode
        places = torch.arange(BLOCK, dtype=torch.float64)
        cosines = torch.cos(torch.pi / BLOCK * places[:, None] * (places + 0.5)) * (2 / BLOCK) ** 0.5
        cosines[0] *= 0.5**0.5
        return torch.kron(torch.eye(blocks, dtype=torch.float64), cosines)


def _mixed(planes: Tensor, matrix: Tensor) -> Tensor:
    """``matrix`` applied to the channels."""
    import torch

    return torch.einsum("oc,nchw->nohw", matrix.to(planes), planes)


def _filled(planes: Tensor, rows: int, columns: int) -> Tensor:
    """``planes`` with the last row and column repeated, up to multiples of ``rows`` and ``columns``."""
    from torch.nn.functional import pad

    height, width = planes.shape[-2:]
    return pad(planes, (0, -width % columns, 0, -height % rows), mode="replicate")


def _halved(planes: Tensor) -> Tensor:
    """Means of 2 x 2, rounded down and up by turns, as libjpeg does so that the mean is kept; whole blocks across."""
    import torch
    from torch.nn.functional import avg_pool2d

    means = avg_pool2d(_filled(planes, 2, 2 * BLOCK), 2)
    turns = torch.tensor([0.25, 0.5]).to(means).repeat(means.shape[-1] // 2)
    return (means + turns).floor()


def _doubled(planes: Tensor) -> Tensor:
    """Twice the sides: each new value is 3/4 of the nearest old one and 1/4 of the next, along both axes."""
    from torch.nn.functional import interpolate

    return interpolate(planes, scale_factor=2, mode="bilinear").round()
