"""The images of a study in the form that the loop reads: 8-bit in memory, turned into floats batch by batch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.imports import imported
from critlab._core.random_streams import generator
from critlab.data.image_set import ImageSet
from critlab.deficits import BatchContext, apply_deficit
from critlab.deficits.input_form import UNIT, InputForm
from critlab.study.runs.recipe import Recipe
from critlab.study.specs import AugmentSpec
from critlab.training.device import to_device
from critlab.training.switching.acting import as_shown
from critlab.training.view_augment import augment_views

TRANSFORM = -1
"""The place of a user's own transform, whose draws are others than those of any deficit."""

MOST_OF_A_GPU = 0.5
"""The share of a GPU's free memory that mapped training or test images may take."""


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
        form: what the values of the images are.

    Images that are mapped from a file and take more than :data:`MOST_OF_A_GPU` stay in the file. Then only batches are
    copied to the device.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    mean: Tensor
    std: Tensor
    classes: int
    aperture: Tensor | None = None
    form: InputForm = UNIT

    @classmethod
    def of(cls, images: ImageSet, device: torch.device) -> Examples:
        """The images of a data set, moved to ``device``; on the CPU they are shared, not copied."""
        shape = images.train_images.shape[1:]
        per_channel = (*images.mean.shape, 1, 1) if len(shape) >= 3 and images.mean.ndim else ()
        return cls(
            _placed(images.train_images, device),
            shared(images.train_labels).to(device),
            _placed(images.test_images, device),
            shared(images.test_labels).to(device),
            shared(images.mean).reshape(per_channel).to(device),
            shared(images.std).reshape(per_channel).to(device),
            images.classes,
            None if images.aperture is None else shared(images.aperture).to(device),
            images.form,
        )

    @property
    def device(self) -> torch.device:
        """Where batches are."""
        return self.mean.device

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image."""
        return tuple(self.train_images.shape[1:])

    def seen(self, stored: Tensor) -> Tensor:
        """Images as they are stored, as deficits see them: on the device, float32, in [0, 1]; tokens are int64."""
        here = stored.to(self.device)
        return here.long() if self.form.values == "tokens" else to_unit_float(here)

    def ready(self, stored: Tensor) -> Tensor:
        """Images as they are stored, as the network sees them without augmentation and deficits."""
        return self.normalised(self.seen(stored))

    def normalised(self, images: Tensor) -> Tensor:
        """``images`` in [0, 1] with mean 0 and deviation 1 per channel, channels last where there are channels.

        Outside the aperture they show the mean colour. Tokens stay what they are.
        """
        if self.form.values == "tokens":
            return images
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
        images = self.seen(self.train_images[to_device(indices, self.train_images.device)])
        labels = self.train_labels[to_device(indices, self.device)]
        draws = BatchContext(seed, epoch, position, indices, len(self.train_images), self.classes, self.mean)
        draws = replace(draws, unit=self.form.values == "unit", mask=self.form.mask(images))
        chance = generator(seed, "augment", epoch, position)
        images, labels = self._deprived(recipe, "before_augment", images, labels, draws)
        images = self._augmented(recipe.augment, images, chance)
        images = self._transformed(recipe.augment, images, draws)
        images, labels = self._deprived(recipe, "after_augment", images, labels, draws)
        return as_shown(recipe, self.normalised(images)), labels

    def _augmented(self, spec: AugmentSpec | None, images: Tensor, chance: torch.Generator) -> Tensor:
        if spec is None or not (spec.flip or spec.shift or spec.source_dropout):
            return images
        return augment_views(images, spec, self.mean, chance)

    def _transformed(self, spec: AugmentSpec | None, images: Tensor, draws: BatchContext) -> Tensor:
        """The images after a user's own transform.

        Raises:
            StudyError: it gives something of another form.
        """
        if spec is None or spec.transform is None:
            return images
        found = imported(spec.transform)(images, replace(draws, place=TRANSFORM))
        if not isinstance(found, Tensor) or (found.shape, found.dtype) != (images.shape, images.dtype):
            form = [
                f"{one.dtype} {tuple(one.shape)}" if isinstance(one, Tensor) else type(one) for one in (found, images)
            ]
            raise StudyError(
                f"augment.transform: {spec.transform!r} returned {form[0]}; must return {form[1]}, as given"
            )
        return found if draws.mask is None else self._padded(spec.transform, images, found, draws.mask)

    def _deprived(
        self, recipe: Recipe, when: str, images: Tensor, labels: Tensor, draws: BatchContext
    ) -> tuple[Tensor, Tensor]:
        for place, deficit in enumerate(recipe.deficits):
            if deficit.when == when:
                changed, labels = apply_deficit(deficit, images, labels, replace(draws, place=place))
                images = changed if draws.mask is None else self._padded(deficit.name, images, changed, draws.mask)
        return images, labels

    def _padded(self, name: str, before: Tensor, after: Tensor, mask: Tensor) -> Tensor:
        """``after`` with the padding of ``before``, and no other.

        Raises:
            StudyError: a token has become padding, so that the network would no longer see its place.
        """
        if bool(((after == self.form.padding) & mask).any()):
            raise StudyError(
                f"{name!r} makes the padding, {self.form.padding}, of tokens, which would no longer be "
                "seen; spare it, or choose another padding for the data"
            )
        return torch.where(mask, after, before)


def _placed(images: NDArray[Any], device: torch.device) -> Tensor:
    """The images on ``device``, or in their file where they are mapped and would fill a GPU."""
    found = shared(images)
    if device.type == "cuda" and isinstance(images, np.memmap):
        free, _ = torch.cuda.mem_get_info(device)
        if images.nbytes > MOST_OF_A_GPU * free:
            return found
    return found.to(device)


def shared(array: NDArray[Any]) -> Tensor:
    """The array as a tensor of the same memory. Nothing writes to it, so it may be read-only, as a mapped file is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def to_unit_float(images: Tensor) -> Tensor:
    """Images as float32 in [0, 1]; 8-bit ones are divided by 255."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images.float()
