"""One epoch of training, and one pass over the test images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from critlab.deficits import Draws, kept
from critlab.errors import Diverged
from critlab.objectives import Learned
from critlab.objectives.cross_entropy import cross_entropy
from critlab.objectives.objective import check_logits
from critlab.randomness import generator, key
from critlab.study.recipe import Recipe
from critlab.training.batches import batches, epoch_order
from critlab.training.examples import Examples, unit
from critlab.training.optimizers import follow

TEST_BATCH = 500
"""Test images that are summed up together."""

TEST_PIECE = 125
"""Test images that the model sees together: so few that the maps of a layer fit into memory that is kept, not mapped
anew. An image took 0.30 ms where 500 together took 0.41 (All-CNN, width 24, float32), and 1.62 for 2.27 (width 96,
bfloat16); the logits of five networks were the same, bit for bit."""


@dataclass(frozen=True)
class Score:
    """Mean loss (of cross entropy: nats per example and head) and accuracy (a fraction) over all that counts.

    ``accuracy`` is None where the objective gave no logits.
    """

    loss: float
    accuracy: float | None


@dataclass(frozen=True)
class Progress:
    """How far an unfinished epoch is: steps done, and the running sums of loss, right answers and labels so far."""

    step: int = 0
    loss: float = 0.0
    right: int = 0
    counted: int = 0


class Tally:
    """Running sums of loss and of right answers, exact to float64; they go on from ``since``."""

    def __init__(self, since: Progress = Progress()) -> None:
        self.loss, self.right, self.counted = since.loss, since.right, since.counted
        self.names_classes = False

    def add(self, learned: Learned, labels: Tensor) -> None:
        """Counts a batch: each label that is not -1 or, where there are no logits, each image."""
        counted = len(labels)
        if learned.logits is not None:
            right = learned.logits.argmax(-1) == labels
            self.names_classes, counted = True, int((labels >= 0).sum())
            self.right += int(right.sum())
        self.loss += learned.loss.item() * counted
        self.counted += counted

    def progress(self, step: int) -> Progress:
        """The sums after ``step`` steps, exactly, to go on from."""
        return Progress(step, self.loss, self.right, self.counted)

    def score(self) -> Score:
        """The means so far."""
        counted = max(self.counted, 1)
        return Score(self.loss / counted, self.right / counted if self.names_classes else None)


def casting(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """The context in which the forward pass runs: bfloat16 autocast, or nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()


def train_epoch(
    model: nn.Module,
    optimizer: Optimizer,
    examples: Examples,
    recipe: Recipe,
    *,
    seed: int,
    epoch: int,
    length: int,
    batch: int,
    forward: Callable[[], AbstractContextManager[Any]] = nullcontext,
    since: Progress | None = None,
    pause: Callable[[], bool] = lambda: False,
) -> Score | Progress:
    """Trains for one epoch, or what is left of it, in place.

    Args:
        model: in training mode during the epoch.
        optimizer: its momentum is carried on.
        examples: the images.
        recipe: what is done in this epoch.
        seed: the run's seed.
        epoch: epochs trained before this one.
        length: images of one epoch.
        batch: images of one step.
        forward: makes the context of each forward pass.
        since: where an earlier call paused in this epoch; None at its beginning.
        pause: asked after every step but the last.

    Returns:
        Loss and accuracy on the training batches as they were shown, before each step; where ``pause`` said so, how
        far the epoch is. An epoch that was paused ends as one that was not, bit for bit.

    Raises:
        Diverged: a loss or, at the end, a weight is not finite.
    """
    model.train()
    follow(optimizer, recipe)
    begun = since or Progress()
    tally = Tally(begun)
    order = selected(recipe, examples, seed, epoch, epoch_order(seed, epoch, len(examples.train_images), length))
    pieces = list(batches(order, batch))
    for position in range(begun.step, len(pieces)):
        indices = pieces[position]
        images, labels = examples.training_batch(indices, recipe, seed, epoch, position)
        with own_draws(images.device, seed, epoch, position), forward():
            learned = recipe.objective.learn(model, images, labels, generator(seed, "objective", epoch, position))
        tally.add(learned, labels)
        if not math.isfinite(tally.loss):
            raise Diverged(f"the training loss was not finite in step {position + 1} of epoch {epoch + 1}")
        optimizer.zero_grad(set_to_none=True)
        learned.loss.backward()
        optimizer.step()
        if position + 1 < len(pieces) and pause():
            return tally.progress(position + 1)
    if not all(torch.isfinite(parameter).all() for parameter in model.parameters()):
        raise Diverged(f"a weight was not finite after epoch {epoch + 1}")
    return tally.score()


@contextmanager
def own_draws(device: torch.device, seed: int, epoch: int, position: int) -> Iterator[None]:
    """What a model draws of its own accord, as dropout does, is a function of run and step, like all other draws.

    Such layers take torch's global generators: these are set for the step, and are afterwards as they were.
    """
    drawn, cuda = key(seed, "model", epoch, position), device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []):
        # torch.manual_seed would ask every kind of device, at ten times the cost
        torch.default_generator.manual_seed(drawn)
        if cuda:
            torch.cuda.manual_seed(drawn)
        yield


def selected(recipe: Recipe, examples: Examples, seed: int, epoch: int, order: Tensor) -> Tensor:
    """``order`` without the images that the recipe's deficits and its selection withhold."""
    everything = torch.arange(len(examples.train_labels))
    draws = Draws(seed, epoch, 0, everything, len(everything), examples.classes)
    for withholding in (*recipe.deficits, recipe.select):
        left = None if withholding is None else kept(withholding, examples.train_labels.cpu(), draws)
        if left is not None:
            order = order[left[order]]
    return order


@torch.no_grad()
def score_test_images(
    model: nn.Module, examples: Examples, forward: Callable[[], AbstractContextManager[Any]] = nullcontext
) -> Score:
    """Loss and accuracy on the clean test images, in evaluation mode."""
    model.eval()
    tally = Tally()
    for images, labels in zip(
        examples.test_images.split(TEST_BATCH), examples.test_labels.split(TEST_BATCH), strict=True
    ):
        with forward():
            logits = _logits(model, examples.normalised(unit(images)), labels)
            learned = Learned(cross_entropy(logits, labels), logits)
        tally.add(learned, labels)
    return tally.score()


def _logits(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    pieces = zip(images.split(TEST_PIECE), labels.split(TEST_PIECE), strict=True)
    return torch.cat([check_logits(model(seen), asked) for seen, asked in pieces])
