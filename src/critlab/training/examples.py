"""The images of a study in the form that the loop reads: 8-bit in memory, turned into floats batch by batch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from critlab._core.random_streams import generator
from critlab.data.image_set import ImageSet
from critlab.deficits import BatchContext, apply_deficit
from critlab.study.runs.recipe import Recipe
from critlab.study.specs import AugmentSpec
from critlab.training.device import to_device
from critlab.training.switching.acting import as_shown
from critlab.training.view_augment import augment_views


@dataclass(frozen=True)
class Examples:
    """Training and test images on the device.

    Args:
        train_images: uint8 or float32 ``(examples, ...)``.
        train_labels: int64 ``(examples,)`` or ``(examples, heads)``; -1 means no loss there.
        test_images: as ``train_images``.
        test_labels: as ``train_labels``.
        mean: per channel, in [0, 1], shaped to be subtracted from one image; one number where there are no channels.
        std: of the same shape, to divide by.
        classes: how many classes there are.
        aperture: what the network sees of each image, 1 or 0; None where it sees all of it.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    mean: Tensor
    std: Tensor
    classes: int
    aperture: Tensor | None = None

    @classmethod
    def of(cls, images: ImageSet, device: torch.device) -> Examples:
        """The images of a data set, moved to ``device``; on the CPU they are shared, not copied."""
        shape = images.train_images.shape[1:]
        per_channel = (*images.mean.shape, 1, 1) if len(shape) >= 3 else ()
        return cls(
            shared(images.train_images).to(device),
            shared(images.train_labels).to(device),
            shared(images.test_images).to(device),
            shared(images.test_labels).to(device),
            shared(images.mean).reshape(per_channel).to(device),
            shared(images.std).reshape(per_channel).to(device),
            images.classes,
            None if images.aperture is None else shared(images.aperture).to(device),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image."""
        return tuple(self.train_images.shape[1:])

    def normalised(self, images: Tensor) -> Tensor:
        """``images`` in [0, 1] with mean 0 and deviation 1 per channel, channels last where there are channels.

        Outside the aperture they show the mean colour.
        """
        ready = (images - self.mean) / self.std
        if self.aperture is not None:
            ready = ready * self.aperture
        return ready.contiguous(memory_format=torch.channels_last) if ready.ndim == 4 else ready

    def training_batch(
        self, indices: Tensor, recipe: Recipe, seed: int, epoch: int, position: int
    ) -> tuple[Tensor, Tensor]:
        """The batch that ``recipe`` makes of the images at ``indices``: augmented, deprived, normalised, switched.

        Args:
            indices: int64 ``(batch,)``, on the CPU.
            recipe: what is done in this epoch.
            seed: the run's seed.
            epoch: epochs trained before this one.
            position: the batch's place in the epoch.
        """
        places = to_device(indices, self.train_images.device)
        images, labels = to_unit_float(self.train_images[places]), self.train_labels[places]
        draws = BatchContext(seed, epoch, position, indices, len(self.train_images), self.classes, self.mean)
        chance = generator(seed, "augment", epoch, position)
        images, labels = self._deprived(recipe, "before_augment", images, labels, draws)
        images = self._augmented(recipe.augment, images, chance)
        images, labels = self._deprived(recipe, "after_augment", images, labels, draws)
        return as_shown(recipe, self.normalised(images)), labels

    def _augmented(self, spec: AugmentSpec | None, images: Tensor, chance: torch.Generator) -> Tensor:
        if spec is None or spec.changes_nothing:
            return images
        return augment_views(images, spec, self.mean, chance)

    @staticmethod
    def _deprived(
        recipe: Recipe, when: str, images: Tensor, labels: Tensor, draws: BatchContext
    ) -> tuple[Tensor, Tensor]:
        for place, deficit in enumerate(recipe.deficits):
            if deficit.when == when:
                images, labels = apply_deficit(deficit, images, labels, replace(draws, place=place))
        return images, labels


def shared(array: NDArray[Any]) -> Tensor:
    """The array as a tensor of the same memory. Nothing writes to it, so it may be read-only, as a mapped file is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def to_unit_float(images: Tensor) -> Tensor:
    """Images as float32 in [0, 1]; 8-bit ones are divided by 255."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images.float()
