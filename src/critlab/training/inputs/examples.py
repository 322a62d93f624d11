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
from critlab._core.loading.imports import imported
from critlab._core.random_streams import generator
from critlab.data.image_set import ImageSet
from critlab.deficits import BatchContext, apply_deficit
from critlab.deficits.input_form import UNIT, InputForm
from critlab.deficits.target_form import CLASSES, TargetForm
from critlab.learning_tasks import CLASSIFICATION, NO_VIEW, LearningTask, TargetView
from critlab.study.runs.recipe import Recipe
from critlab.study.specs import AugmentSpec
from critlab.training.device import to_device
from critlab.training.inputs.view_augment import augment_views
from critlab.training.switching.acting import as_shown

TRANSFORM = -1
"""The place of a user's own transform, whose draws are others than those of any deficit."""

ROUNDING = 1e-6
"""A deviation that is a smaller part of the mean is rounding of float32."""

MOST_OF_A_GPU = 0.5
"""The share of a GPU's free memory that mapped training or test images may take."""


@dataclass(frozen=True)
class Examples:
    """Training and test images on the device.

    Args:
        train_images: uint8 or float32 ``(examples, ...)``.
        train_labels: int64 ``(examples,)`` or ``(examples, heads)``, where -1 means no loss; or what ``targets`` says.
        test_images: as ``train_images``.
        test_labels: as ``train_labels``.
        mean: per channel, in [0, 1], shaped to be subtracted from one image; one number where there are no channels.
        std: of the same shape, to divide by.
        classes: how many classes there are.
        aperture: what the network sees of each image, 1 or 0; None where it sees all of it.
        form: what the values of the images are.
        targets: what the labels are.
        task: what is learned of them.
        view: what the task knows of the data.

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
    targets: TargetForm = CLASSES
    task: LearningTask = CLASSIFICATION
    view: TargetView = NO_VIEW

    @classmethod
    def of(cls, images: ImageSet, device: torch.device, task: LearningTask = CLASSIFICATION) -> Examples:
        """The images of a data set, moved to ``device``; on the CPU they are shared, not copied."""
        shape = images.train_images.shape[1:]
        per_channel = (*images.mean.shape, 1, 1) if len(shape) >= 3 and images.mean.ndim else ()
        return cls(
            _placed(images.train_images, device),
            _placed(images.train_labels, device),
            _placed(images.test_images, device),
            _placed(images.test_labels, device),
            shared(images.mean).reshape(per_channel).to(device),
            shared(images.std).reshape(per_channel).to(device),
            images.classes,
            None if images.aperture is None else shared(images.aperture).to(device),
            images.form,
            images.targets,
            task,
            target_view(images, task, device),
        )

    @property
    def outputs(self) -> int:
        """The width of the network's head."""
        return self.task.outputs(self.classes, tuple(self.train_labels.shape[1:]), self.form)

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

    def labelled(self, stored: Tensor) -> Tensor:
        """Labels as they are stored, as deficits see them: on the device; of label images int64, -1 without a class."""
        here = stored.to(self.device)
        if self.targets.kind != "pixels":
            return here
        whole = here.long()
        return whole if self.targets.ignored < 0 else whole.masked_fill(whole == self.targets.ignored, -1)

    def tested(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Stored examples as the network sees them without augmentation and deficits, and what it is asked."""
        seen = self.seen(images)
        return self.normalised(seen), self.asked(seen, self.labelled(labels))

    def asked(self, images: Tensor, labels: Tensor) -> Tensor:
        """What the task asks; ``images`` are as deficits leave them, ``labels`` too."""
        if self.view.mean is not None and self.view.std is not None:
            labels = (labels - self.view.mean) / self.view.std
        return self.task.asked(images, labels, self.view)

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
        """The batch that ``recipe`` makes of the images at ``indices``, and what is asked of it.

        Images are augmented, deprived, normalised and switched.

        Args:
            indices: int64 ``(batch,)``, on the CPU.
            recipe: what is done in this epoch.
            seed: the run's seed.
            epoch: epochs trained before this one.
            position: the batch's place in the epoch.
        """
        images = self.seen(self.train_images[to_device(indices, self.train_images.device)])
        labels = self.labelled(self.train_labels[to_device(indices, self.train_labels.device)])
        draws = BatchContext(seed, epoch, position, indices, len(self.train_images), self.classes, self.mean)
        draws = replace(draws, unit=self.form.values == "unit", mask=self.form.mask(images), targets=self.targets)
        chance = generator(seed, "augment", epoch, position)
        images, labels = self._deprived(recipe, "before_augment", images, labels, draws)
        images, labels = self._augmented(recipe.augment, images, labels, chance)
        images = self._transformed(recipe.augment, images, draws)
        images, labels = self._deprived(recipe, "after_augment", images, labels, draws)
        return as_shown(recipe, self.normalised(images)), self.asked(images, labels)

    def _augmented(
        self, spec: AugmentSpec | None, images: Tensor, labels: Tensor, chance: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Both after flips and shifts, with which label images move; where an image has moved away, nothing counts."""
        if spec is None or not (spec.flip or spec.shift or spec.source_dropout):
            return images, labels
        if self.targets.kind != "pixels":
            return augment_views(images, spec, self.mean, chance), labels
        # class numbers are exact in float32
        together = torch.cat([images, labels[:, None].to(images.dtype)], 1)
        fill = torch.cat([self.mean.expand(images.shape[1], 1, 1), self.mean.new_full((1, 1, 1), -1.0)])
        moved = augment_views(together, spec, fill, chance)
        return moved[:, :-1], moved[:, -1].long()

    def _transformed(self, spec: AugmentSpec | None, images: Tensor, draws: BatchContext) -> Tensor:
        """The images after a user's own transform.

        Raises:
            StudyError: it gives something of another form.
        """
        if spec is None or spec.transform is None:
            return images
        found = imported(spec.transform, "augment.transform")(images, replace(draws, place=TRANSFORM))
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


def target_view(images: ImageSet, task: LearningTask, device: torch.device) -> TargetView:
    """What the task knows of the data; of a regression that standardises its targets, mean and deviation, too."""
    if images.targets.kind != "real" or not getattr(task, "standardise", False):
        return TargetView(images.form)
    targets = np.asarray(images.train_labels, dtype=np.float64)
    mean, std = targets.mean(0), targets.std(0)
    # an output that never changes is learned as it is
    std = np.where(std > ROUNDING * np.abs(mean), std, 1.0)
    found = [torch.from_numpy(np.asarray(one, dtype=np.float32)).to(device) for one in (mean, std)]
    return TargetView(images.form, *found)


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
