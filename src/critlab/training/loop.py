"""One epoch of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from critlab._core.errors import Diverged
from critlab._core.random_streams import generator, key
from critlab.deficits import BatchContext, kept_mask
from critlab.study.runs.recipe import Recipe
from critlab.study.switches.switch import Trained
from critlab.training.cuda_graph.step_program import StepProgram
from critlab.training.inputs.batches import EpochSize, batches
from critlab.training.inputs.examples import Examples
from critlab.training.optimizers import follow, set_rate
from critlab.training.seeding import kept_generators, seed_all
from critlab.training.switching.acting import ordered, switched
from critlab.training.tally import Progress, RunningMetrics, Score


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
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
    size: EpochSize,
    forward: Callable[[], AbstractContextManager[Any]] = nullcontext,
    since: Progress | None = None,
    pause: Callable[[], bool] = lambda: False,
    program: StepProgram | None = None,
    stepped: Callable[[nn.Module], None] | None = None,
) -> Score | Progress:
    """Trains for one epoch, or what is left of it, in place.

    Args:
        model: in training mode during the epoch.
        optimizer: its momentum is carried on.
        examples: the images.
        recipe: what is done in this epoch.
        seed: the run's seed.
        epoch: epochs trained before this one.
        size: images of the epoch, of a batch, and batches of a step.
        forward: makes the context of each forward pass.
        since: where an earlier call paused in this epoch; None at its beginning.
        pause: asked after every step but the last.
        program: takes the steps in place of ``optimizer``, with the same results up to rounding; None for torch's own.
            It takes a batch in each step.
        stepped: called with the network after each step.

    Returns:
        Loss and metrics on the training batches as they were shown, before each step; where ``pause`` said so, how
        far the epoch is. An epoch that was paused ends as one that was not, bit for bit.

    Raises:
        Diverged: a loss or, at the end, a weight is not finite.
        StudyError: a switch of the recipe does not fit the network, or a user's own fails.
    """
    model.train()
    follow(optimizer, recipe)
    begun = since or Progress()
    device = examples.device
    with kept_generators(device), switched(recipe, Trained(model, optimizer, seed, epoch)):
        # what a user's deficit draws globally, built-in ones draw from generators of their own
        seed_all(key(seed, "deficit", epoch, -1), device)
        order = selected(recipe, examples, seed, epoch, ordered(recipe, examples, seed, epoch, size.length))
        pieces = list(batches(order, size.batch))
        place = EpochPosition(seed, epoch, begun.step, len(pieces), size.together)
        tally = RunningMetrics(begun, examples.task, examples.view)
        steps: Steps
        if program is None:
            steps = OrdinarySteps(model, optimizer, recipe, forward, place, tally, stepped)
        else:
            steps = RecordedSteps(program, model, optimizer, recipe, place, tally, stepped)
        for position in range(begun.step, len(pieces)):
            if not built_in(recipe):
                seed_all(key(seed, "deficit", epoch, position, -1), device)
            images, labels = examples.training_batch(pieces[position], recipe, seed, epoch, position)
            steps.take(images, labels, position)
            if position + 1 < len(pieces) and place.ends_a_step(position) and pause():
                return steps.ended().progress(position + 1)
        tally = steps.ended()
    if not torch.stack([parameter.isfinite().all() for parameter in model.parameters()]).all():
        raise Diverged(f"a weight was not finite after epoch {epoch + 1}")
    return tally.score()


@dataclass(frozen=True)
class EpochPosition:
    """Where an epoch, or what is left of it, begins.

    Args:
        seed: of the run.
        epoch: epochs trained before it.
        first: its first batch.
        batches: of the whole epoch.
        together: of one step.
    """

    seed: int
    epoch: int
    first: int
    batches: int
    together: int = 1

    def begins_a_step(self, position: int) -> bool:
        """Whether a batch is the first of a step."""
        return position % self.together == 0

    def ends_a_step(self, position: int) -> bool:
        """Whether a batch is the last of a step."""
        return position + 1 == self.batches or (position + 1) % self.together == 0

    def rate(self, recipe: Recipe, position: int) -> float:
        """The learning rate of the step that a batch belongs to."""
        return recipe.rate(position // self.together, -(-self.batches // self.together))

    def objective(self, position: int) -> torch.Generator:
        """What the objective may draw from in a step."""
        return generator(self.seed, "objective", self.epoch, position)

    def diverged(self, position: int) -> Diverged:
        """What is raised where the loss of a step was not finite."""
        return Diverged(f"the training loss was not finite in step {position + 1} of epoch {self.epoch + 1}")


class Steps(Protocol):
    """Who takes the steps of an epoch."""

    def take(self, images: Tensor, labels: Tensor, position: int) -> None:
        """Goes on with one batch, with which a step may end."""

    def ended(self) -> RunningMetrics:
        """Loss and metrics so far, once the network is as it is after the steps taken.

        Raises:
            Diverged: a loss was not finite; with :class:`OrdinarySteps`, ``take`` has raised it already.
        """


@dataclass
class OrdinarySteps:
    """Steps as torch takes them, one operation after another."""

    model: nn.Module
    optimizer: Optimizer
    recipe: Recipe
    forward: Callable[[], AbstractContextManager[Any]]
    place: EpochPosition
    tally: RunningMetrics
    stepped: Callable[[nn.Module], None] | None = None
    #: labels that count in the batches of the present step so far
    counted: int = 0

    def take(self, images: Tensor, labels: Tensor, position: int) -> None:
        """See :class:`Steps`."""
        before = self.tally.counted
        seeded_global_rng(images.device, self.place.seed, self.place.epoch, position)
        with self.forward():
            learned = self.recipe.objective.learn(self.model, images, labels, self.place.objective(position))
        self.tally.add(learned, labels)
        if not math.isfinite(self.tally.loss):
            raise self.place.diverged(position)
        if self.place.together == 1:
            self.optimizer.zero_grad(set_to_none=True)
            learned.loss.backward()
        else:
            self._add(learned.loss, self.tally.counted - before, position)
        if self.place.ends_a_step(position):
            if self.recipe.course is not None:
                set_rate(self.optimizer, self.place.rate(self.recipe, position))
            self.optimizer.step()
            if self.stepped is not None:
                self.stepped(self.model)

    def _add(self, loss: Tensor, counted: int, position: int) -> None:
        """Adds a batch to the gradient of a step, which at the end is the mean over all that counts in its batches."""
        if self.place.begins_a_step(position):
            self.optimizer.zero_grad(set_to_none=True)
            self.counted = 0
        (loss * counted).backward()
        self.counted += counted
        if self.place.ends_a_step(position):
            gradients = [one.grad for one in self.model.parameters() if one.grad is not None]
            torch._foreach_div_(gradients, float(max(self.counted, 1)))

    def ended(self) -> RunningMetrics:
        """See :class:`Steps`."""
        return self.tally


class RecordedSteps:
    """Steps of a program, whose losses are read at the end."""

    def __init__(
        self,
        program: StepProgram,
        model: nn.Module,
        optimizer: Optimizer,
        recipe: Recipe,
        place: EpochPosition,
        tally: RunningMetrics,
        stepped: Callable[[nn.Module], None] | None = None,
    ) -> None:
        self.program, self.model, self.optimizer = program, model, optimizer
        self.recipe, self.place, self.tally, self.stepped = recipe, place, tally, stepped
        program.begin(model, optimizer, recipe)

    def take(self, images: Tensor, labels: Tensor, position: int) -> None:
        """See :class:`Steps`."""
        step = self.program.step(images, labels, self.recipe.objective)
        if self.recipe.course is not None:
            self.program.lr.fill_(self.place.rate(self.recipe, position))
        seeded_global_rng(images.device, self.place.seed, self.place.epoch, position)
        step.take(images, labels, self.place.objective(position))
        if self.stepped is not None:
            self.stepped(self.program.model)

    def ended(self) -> RunningMetrics:
        """See :class:`Steps`."""
        bad = self.program.read(self.tally)
        if bad is not None:
            raise self.place.diverged(self.place.first + bad)
        self.program.end(self.model, self.optimizer)
        return self.tally


def seeded_global_rng(device: torch.device, seed: int, epoch: int, position: int) -> None:
    """Makes what a model draws from global generators, as dropout does, a function of run and step.

    These are torch's, numpy's and Python's; who calls this puts them back after the epoch.
    """
    seed_all(key(seed, "model", epoch, position), device)


def built_in(recipe: Recipe) -> bool:
    """Whether everything that a recipe does to the data is critlab's own, which draws from keyed generators alone."""
    if recipe.augment is not None and recipe.augment.transform is not None:
        return False
    return all(type(deficit).__module__.startswith("critlab.") for deficit in recipe.deficits)


def selected(recipe: Recipe, examples: Examples, seed: int, epoch: int, order: Tensor) -> Tensor:
    """``order`` without the images that the recipe's deficits and its selection withhold."""
    everything = torch.arange(len(examples.train_labels))
    draws = BatchContext(seed, epoch, 0, everything, len(everything), examples.classes, targets=examples.targets)
    for withholding in (*recipe.deficits, recipe.select):
        left = None if withholding is None else kept_mask(withholding, examples.train_labels.cpu(), draws)
        if left is not None:
            order = order[left[order]]
    return order
