"""What a deficit knows of a batch, and the random numbers that it may draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from critlab._core.errors import StudyError
from critlab._core.random_streams import generator, key
from critlab.deficits.target_form import CLASSES, TargetForm

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class BatchContext:
    """The randomness of a deficit on one batch, and what it may know about the data.

    Args:
        seed: the run's seed.
        epoch: epochs trained before this one.
        position: the batch's place in its epoch.
        indices: int64 ``(batch,)``, the place of each image in the training set.
        examples: how many training images there are.
        classes: how many classes there are.
        mean: of the training images, in [0, 1], shaped to be subtracted from one image; None where it is not known.
        place: of this deficit among those applied to the batch, from 0; each place has draws of its own in each step.
        unit: whether the values are in [0, 1], so that results may be clipped to it; False only where the deficit's
            ``input_kind`` is "equivariant".
        mask: bool ``(batch, places)``, which places of each sequence are not padding; None where all count.
        targets: what the labels are.
    """

    seed: int
    epoch: int
    position: int
    indices: Tensor
    examples: int
    classes: int
    mean: Tensor | None = None
    place: int = 0
    unit: bool = True
    mask: Tensor | None = None
    targets: TargetForm = CLASSES

    def run(self) -> torch.Generator:
        """A generator that gives the same draws in every batch of the run, whatever the deficit's place."""
        return generator(self.seed, "deficit")

    def step(self) -> torch.Generator:
        """A generator whose draws are new in each step."""
        # a deficit that is alone draws as it did before there could be several
        place = (2 * self.place,) if self.place else ()
        return generator(self.seed, "deficit", self.epoch, self.position, *place)

    def chance(self, share: float) -> bool:
        """True in about a ``share`` of the batches, independently of the other draws."""
        return key(self.seed, "deficit", self.epoch, self.position, 2 * self.place + 1) < share * 2**63

    def known_examples(self, name: str) -> int:
        """``examples``, for a deficit that keeps a table of them.

        Raises:
            StudyError: their number is not known.
        """
        if self.examples < 1:
            raise StudyError(f"deficit {name!r} needs the number of training examples; give it (examples=)")
        return self.examples

    def chosen(self, which: Tensor) -> BatchContext:
        """The same randomness for the examples where ``which``, bool ``(batch,)``, is true."""
        indices = self.indices[which.to(self.indices.device)]
        mask = None if self.mask is None else self.mask[which.to(self.mask.device)]
        return replace(self, indices=indices, mask=mask)
