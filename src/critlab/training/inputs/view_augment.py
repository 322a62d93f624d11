"""Augmentation of examples of several views: all together, each by itself, or the second one twice."""

from __future__ import annotations

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.deficits.sources.source_dropout import drop_sources
from critlab.study.specs import AugmentSpec
from critlab.training.inputs.augment import augment


def augment_views(images: Tensor, spec: AugmentSpec, fill: Tensor, generator: torch.Generator) -> Tensor:
    """Flips and shifts as ``spec.views`` says; then some examples lose a source, as ``spec.source_dropout`` says.

    ``shared``: all views of an example move together. ``separate``: each by its own draws. ``second_twice``:
    together, then
    the second view once more by its own draws. That is what the authors' code does where its comment says that only one
    view is augmented: it derives the second view from the augmented first one, and augments it again.

    Args:
        images: ``(batch, ..., height, width)``; ``(batch, 2, channels, height, width)`` unless shared.
        spec: which changes, and how large.
        fill: what is shown where an image has moved away, broadcast against one example.
        generator: the batch's randomness, on the CPU.

    Raises:
        StudyError: views are not shared, and examples are no two views.

    Source: Kleinman, Achille and Soatto 2023, the code's ``cifar_data``.
    """
    moved = _moved(images, spec, fill, generator)
    if not spec.source_dropout:
        return moved
    return drop_sources(moved, spec.source_dropout, spec.source_dropout, fill, generator)


def _moved(images: Tensor, spec: AugmentSpec, fill: Tensor, generator: torch.Generator) -> Tensor:
    if spec.views == "shared":
        return augment(images, spec, fill, generator)
    if images.ndim != 5 or images.shape[1] != 2:
        raise StudyError(
            f"augment.views: received {spec.views!r} for examples of shape {tuple(images.shape[1:])}; must be "
            '"shared" unless they are two views (2, channels, height, width)'
        )
    if spec.views == "second_twice":
        images = augment(images, spec, fill, generator)
        return torch.stack([images[:, 0], augment(images[:, 1], spec, fill[1], generator)], 1)
    return torch.stack([augment(images[:, view], spec, fill[view], generator) for view in (0, 1)], 1)
