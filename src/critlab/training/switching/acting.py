"""How the switches of a recipe act on an epoch: its images, its batches and its network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from torch import Tensor

from critlab.study.runs.recipe import Recipe
from critlab.study.switches.switch import EpochImages, Trained
from critlab.training.inputs.batches import epoch_order

if TYPE_CHECKING:
    from critlab.training.inputs.examples import Examples


@contextmanager
def switched(recipe: Recipe, trained: Trained, measured: bool = False) -> Iterator[None]:
    """Inside, a network is as the switches of ``recipe`` make it; afterwards it is as before.

    Args:
        recipe: of the epoch.
        trained: the network, in training mode unless ``measured``.
        measured: whether it is tested or measured, and not trained; then only switches with ``measured`` count.

    Raises:
        StudyError: a switch does not fit the network, or a user's own fails.
    """
    with ExitStack() as stack:
        for switch in recipe.switches:
            if switch.measured or not measured:
                stack.enter_context(switch.scope(trained))
        yield


def batch_size(recipe: Recipe, usual: int) -> int:
    """Images of one step of an epoch of ``recipe``."""
    for switch in recipe.switches:
        usual = switch.batch_size(usual)
    return usual


def ordered(recipe: Recipe, examples: Examples, seed: int, epoch: int, length: int) -> Tensor:
    """The images of an epoch, in order, before any are withheld; int64 ``(length,)``."""
    for switch in recipe.switches:
        chosen = switch.order(EpochImages(examples.train_labels.cpu(), seed, epoch, length))
        if chosen is not None:
            return chosen
    return epoch_order(seed, epoch, len(examples.train_images), length)


def as_shown(recipe: Recipe, images: Tensor) -> Tensor:
    """A training batch as the network receives it; ``images`` are normalised."""
    for switch in recipe.switches:
        images = switch.shown(images)
    return images
