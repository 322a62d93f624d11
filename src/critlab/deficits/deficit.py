"""What a deficit is, and the randomness that it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from critlab.randomness import generator
from critlab.spec import Spec

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Draws:
    """The randomness of a deficit on one batch, and what it may know about the data.

    Args:
        seed: the run's seed.
        epoch: epochs trained before this one.
        position: the batch's place in its epoch.
        indices: int64 ``(batch,)``, the place of each image in the training set.
        examples: how many training images there are.
        classes: how many classes there are.
    """

    seed: int
    epoch: int
    position: int
    indices: Tensor
    examples: int
    classes: int

    def run(self) -> torch.Generator:
        """A generator that gives the same draws in every batch of the run."""
        return generator(self.seed, "deficit")

    def step(self) -> torch.Generator:
        """A generator whose draws are new in each step."""
        return generator(self.seed, "deficit", self.epoch, self.position)


class Deficit(Spec):
    """A frozen value that says what is done to a batch of training images; a window says when.

    A subclass gives ``name`` and ``version`` and implements :meth:`apply`. It may add
    ``select(labels, draws) -> indices``, the training images that an epoch keeps (int64, increasing).
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    when: Literal["after_augment", "before_augment"] = "after_augment"

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises :class:`~critlab.errors.StudyError` where such examples cannot suffer this deficit."""

    def apply(self, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """The batch as the deprived network sees it; pure.

        Args:
            images: float ``(batch, ...)`` in [0, 1], before normalisation.
            labels: int64 ``(batch,)`` or ``(batch, heads)``; -1 means no loss there.
            draws: the batch's randomness.

        Returns:
            Images and labels of the same shapes and dtypes.
        """
        return images, labels
