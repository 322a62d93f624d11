"""The images on which measures read a network: clean ones, or as the network was trained on them."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from critlab.data.subset import balanced
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.recipe import Recipe
from critlab.training.inputs.examples import Examples


class ProbeImages:
    """The images of measures, the same for every run and epoch.

    Args:
        examples: of the study.
        batch: images of one step.
    """

    def __init__(self, examples: Examples, batch: int) -> None:
        self.examples, self.batch = examples, batch

    def read(self, spec: Measurement, seed: int, epoch: int) -> tuple[Tensor, Tensor]:
        """Images, normalised, and what is asked of them, for one measure of a state."""
        split = getattr(spec.options, "split", "train")
        there = len(self.examples.test_labels if split == "test" else self.examples.train_labels)
        count = min(getattr(spec.options, "images", there), there)
        indices, images, labels = self._clean(count, split)
        if getattr(spec.options, "inputs", "clean") == "as_trained" and spec.recipe is not None:
            trained = spec.recipe
            deprived = Recipe(trained.lr, trained.weight_decay, None, trained.deficit, further=trained.further)
            return self._deprived(indices, deprived, seed, epoch)
        return images, labels

    def _deprived(self, indices: Tensor, recipe: Recipe, seed: int, epoch: int) -> tuple[Tensor, Tensor]:
        """The probe as trained on: one batch, or several where the deficit is applied to a share of the batches."""
        intermittent = any(deficit.batches < 1 for deficit in recipe.deficits)
        pieces = indices.split(self.batch) if intermittent else (indices,)
        made = [
            self.examples.training_batch(piece, recipe, seed, epoch, position) for position, piece in enumerate(pieces)
        ]
        images, labels = zip(*made, strict=True)
        return torch.cat(images), torch.cat(labels)

    @cache  # noqa: B019 - lives as long as the one learner of a worker process
    def _clean(self, count: int, split: str) -> tuple[Tensor, Tensor, Tensor]:
        """Class-balanced clean images of one split, the same for every run and epoch."""
        labels = self.examples.test_labels if split == "test" else self.examples.train_labels
        chosen = balanced(labels.cpu().numpy(), count, self.examples.targets)
        indices = torch.from_numpy(np.asarray(chosen, dtype=np.int64))
        if split == "test":
            there = self.examples.test_images
            stored = there[indices.to(there.device)], labels[indices.to(labels.device)]
            return (indices, *self.examples.tested(*stored))
        plain = Recipe(lr=1.0, weight_decay=0.0)
        images, labels = self.examples.training_batch(indices, plain, 0, 0, 0)
        return indices, images, labels
