"""Random flips and shifts of whole batches, without a loop over images."""

from __future__ import annotations

import torch
from torch import Tensor

from critlab.study.specs import AugmentSpec
from critlab.training.device import to_device


def augment(images: Tensor, spec: AugmentSpec, fill: Tensor, generator: torch.Generator) -> Tensor:
    """Each image mirrored with probability one half, and moved by up to ``shift`` pixels along both axes.

    Args:
        images: ``(batch, ..., height, width)``.
        spec: which changes, and how large.
        fill: what is shown where the image has moved away; broadcast against one image.
        generator: the batch's randomness, on the CPU.

    Returns:
        A new tensor of the same shape and dtype.

    Source: Achille, Rovere and Soatto 2019, as in the authors' code: translation up to 4 pixels and horizontal flip,
    empty places in the mean colour.
    """
    count, (height, width), device = len(images), images.shape[-2:], images.device
    columns = torch.arange(width, device=device).expand(count, width)
    rows = torch.arange(height, device=device).expand(count, height)
    if spec.flip:
        mirrored = to_device(torch.rand(count, 1, generator=generator) < 0.5, device)
        columns = torch.where(mirrored, width - 1 - columns, columns)
    if spec.shift:
        moves = to_device(torch.randint(-spec.shift, spec.shift + 1, (2, count, 1), generator=generator), device)
        rows, columns = rows + moves[0], columns + moves[1]
    return _gather(images, rows + spec.shift, columns + spec.shift, fill, spec.shift)


def _gather(images: Tensor, rows: Tensor, columns: Tensor, fill: Tensor, border: int) -> Tensor:
    """``images``, with a border of ``fill``, read at ``rows`` and ``columns``, one set of each for every image."""
    count, (height, width) = len(images), images.shape[-2:]
    planes = images.reshape(count, -1, height, width)
    wide = planes.new_empty(count, planes.shape[1], height + 2 * border, width + 2 * border)
    wide.copy_(fill.expand((*images.shape[1:-2], 1, 1)).reshape(-1, 1, 1))
    wide[:, :, border : border + height, border : border + width] = planes
    places = (rows[:, :, None] * wide.shape[-1] + columns[:, None, :]).reshape(count, 1, -1)
    return wide.flatten(2).gather(2, places.expand(-1, planes.shape[1], -1)).reshape(images.shape)
