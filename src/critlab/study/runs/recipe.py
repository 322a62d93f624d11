"""What is done in one epoch, as a pure value; a run resolves to one recipe per epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from critlab._core.component import describe_component
from critlab._core.digest import digest
from critlab._core.user_code.identity import NOTHING, renamed
from critlab.deficits import Deficit, describe
from critlab.objectives import CrossEntropy, Objective, describe_objective
from critlab.study.ingredients.intervention import Intervention
from critlab.study.ingredients.window_override import WindowOverride
from critlab.study.runs.run import Run
from critlab.study.schedules import Course, EpochPosition, EpochRate, schedule
from critlab.study.specs import AugmentSpec
from critlab.study.switches import SWITCHES, Switch
from critlab.study.switches.network.ema import ExponentialAverage
from critlab.study.switches.optimisation.gradient_clip import GradientClip

if TYPE_CHECKING:
    from critlab.study.study import Setup

CROSS_ENTROPY = CrossEntropy()


@dataclass(frozen=True)
class Recipe:
    """Everything that distinguishes one epoch of training from another.

    Args:
        lr: learning rate of every step of the epoch; with ``course``, what its factors multiply.
        weight_decay: coefficient of the squared weights.
        augment: None for no augmentation.
        deficit: the first, or only one, applied to the data; None for clean data.
        objective: what a step makes smaller.
        select: which further training images are withheld; None for none.
        intervention: what is done to the network before the epoch; None for nothing.
        further: the deficits that are applied after ``deficit``, in this order.
        frozen: nothing is trained: weights, running statistics and the optimiser's state stay as they are, and the
            epoch is counted. :data:`FROZEN_EPOCH` is the only such recipe.
        counted_from: the epoch from which a user's own loop counts; 0 is the start of training.
        switches: what training itself does differently, in the order in which it is applied.
        fresh_optimizer: the optimiser's state is dropped before the epoch.
        course: how the learning rate changes within the epoch; None where every step has the same.
    """

    lr: float
    weight_decay: float
    augment: AugmentSpec | None = None
    deficit: Deficit | None = None
    objective: Objective = CROSS_ENTROPY
    select: Deficit | None = None
    intervention: Intervention | None = None
    further: tuple[Deficit, ...] = ()
    frozen: bool = False
    counted_from: int = 0
    switches: tuple[Switch, ...] = ()
    fresh_optimizer: bool = False
    course: Course | None = None

    @property
    def deficits(self) -> tuple[Deficit, ...]:
        """Return all deficits that are applied to the data, in order."""
        return () if self.deficit is None else (self.deficit, *self.further)

    @cached_property
    def own_digest(self) -> str:
        """The name of a recipe in which no code of a user has an earlier name; see :func:`recipe_digest`."""
        return digest("recipe", self.identity())

    @cached_property
    def built_in(self) -> bool:
        """Whether critlab's own code is all that the recipe names."""
        parts = (*self.deficits, self.objective, self.select, *self.switches)
        ours = all(part is None or type(part).__module__.startswith("critlab.") for part in parts)
        own_transform = self.augment is not None and self.augment.transform is not None
        return ours and not own_transform and not any(switch.codes() for switch in self.switches)

    def identity(self) -> dict[str, Any]:
        """The JSON values that name the recipe; neutral ones are left out, so that new ingredients rename nothing."""
        named: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay}
        if self.augment is not None and not self.augment.changes_nothing:
            named["augment"] = self.augment.identity()
        if self.deficit is not None:
            named["deficit"] = describe(self.deficit)
        if self.further:
            named["further"] = [describe(deficit) for deficit in self.further]
        if self.objective != CROSS_ENTROPY:
            named["objective"] = describe_objective(self.objective)
        if self.select is not None:
            named["select"] = describe(self.select)
        if self.intervention is not None and not self.intervention.changes_nothing:
            named["intervention"] = self.intervention.identity()
        if self.frozen:
            named["frozen"] = True
        if self.counted_from:
            named["counted_from"] = self.counted_from
        if self.switches:
            named["switches"] = [describe_component(switch, SWITCHES) for switch in self.switches]
        if self.fresh_optimizer:
            named["fresh_optimizer"] = True
        if self.course is not None:
            named["course"] = self.course.identity()
        return named

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step, from 0, of an epoch of so many steps."""
        return self.lr if self.course is None else self.lr * self.course.factor(step / steps)


FROZEN_EPOCH = Recipe(lr=0.0, weight_decay=0.0, frozen=True)
"""The recipe of every frozen epoch, whatever the study, so that all frozen runs of a seed share these epochs."""


def recipe_digest(recipe: Recipe, adopted: Mapping[str, str] = NOTHING) -> str:
    """The name of a recipe; equal recipes have equal names in every study.

    Args:
        recipe: what is done in an epoch.
        adopted: digests of own code, and those by which the store has named it already.
    """
    return recipe.own_digest if recipe.built_in else digest("recipe", renamed(recipe.identity(), adopted))


def epoch_rate(base: Setup, run: Run, epoch: int) -> EpochRate:
    """The learning rates of ``epoch`` (epochs trained before it) under the run's clock."""
    return schedule(run.clock).rates(base.optimizer, EpochPosition(epoch, run.window.stop, run.total, base.steps))


def recipes(run: Run, base: Setup) -> list[Recipe]:
    """One recipe for each epoch of ``run``; equal recipes of critlab's own components are one object."""
    found: list[Recipe] = []
    for first, last in pairwise(_changes(run, base)):
        if run.frozen and first in run.window:
            found += [FROZEN_EPOCH] * (last - first)
            continue
        constant = _unswitched(run, base, first)
        by_rate = _by_rate(constant) if run.switch is None and constant.built_in else {}
        for epoch in range(first, last):
            rate = epoch_rate(base, run, epoch)
            if rate not in by_rate:
                plain = replace(constant, lr=rate.lr, course=rate.course)
                made = plain if run.switch is None else _switched(plain, run.switch, run, base, epoch)
                by_rate[rate] = _one(made) if made.built_in else made
            found.append(by_rate[rate])
    return found


def typical_recipe(runs: Sequence[Run], base: Setup) -> Recipe:
    """The first epoch with a deficit or a switch of the last run that has one; else the first that trains.

    It is what a trial of training takes. A frozen epoch trains nothing, so it is never the one.
    """
    first: Recipe | None = None
    for recipe in (one for run in reversed(runs) for one in recipes(run, base) if not one.frozen):
        if recipe.deficits or recipe.switches:
            return recipe
        first = first or recipe
    assert first is not None, "every study has a run that trains"
    return first


def _changes(run: Run, base: Setup) -> list[int]:
    """The epochs at which anything but the learning rate can change, from 0 to the end of the run."""
    window, pretraining = run.window, base.pretraining
    ends = {0, run.total, *(at + after for at in (window.start, window.stop) for after in (0, 1))}
    ends |= {pretraining.epochs if pretraining else 0}
    for one in run.background:
        ends |= {one.start, run.total if one.stop == "never" else one.stop}
    return sorted(epoch for epoch in ends if 0 <= epoch <= run.total)


@cache
def _by_rate(constant: Recipe) -> dict[EpochRate, Recipe]:
    """The recipes that differ from ``constant`` in the learning rates alone, by these; filled by :func:`recipes`."""
    return {}


@cache
def _one(recipe: Recipe) -> Recipe:
    """The one object of all equal recipes."""
    return recipe


def _unswitched(run: Run, base: Setup, epoch: int) -> Recipe:
    """The recipe of ``epoch`` at the learning rate 0, without the switch."""
    plain = Recipe(
        lr=0.0,
        weight_decay=base.optimizer.weight_decay,
        augment=base.augment,
        objective=_objective(base, epoch),
        switches=_throughout(base),
        intervention=run.intervention if epoch == run.window.stop else None,
        counted_from=run.window.stop if _counts_again(run, base, epoch) else 0,
    )
    suffered = [standing.deficit for standing in run.background if epoch in standing]
    if epoch in run.window and run.deficit is not None:
        suffered.append(run.deficit)
    if suffered:
        # a deficit that is on already is not on twice
        first, *further = dict.fromkeys(suffered)
        plain = replace(plain, deficit=first, further=tuple(further))
    return plain


def _throughout(base: Setup) -> tuple[Switch, ...]:
    """What training itself does in every epoch, as switches that are always on; in the order of the registry."""
    clip, decay = base.optimizer.gradient_clip, base.evaluation.ema
    found: list[Switch] = [] if clip is None else [GradientClip(value=clip)]
    return (*found, *([] if decay is None else [ExponentialAverage(value=decay)]))


def _counts_again(run: Run, base: Setup, epoch: int) -> bool:
    """Whether a user's own loop, whose learning rate only it knows, counts the epochs from the end of the window."""
    return not base.optimizer.schedule_known and schedule(run.clock).restarts and epoch >= run.window.stop


def _objective(base: Setup, epoch: int) -> Objective:
    if base.pretraining is not None and epoch < base.pretraining.epochs:
        return base.pretraining.objective
    return base.objective


def _switched(recipe: Recipe, switch: WindowOverride, run: Run, base: Setup, epoch: int) -> Recipe:
    if epoch in (run.window.start, run.window.stop) and any(one.drops_state() for one in switch):
        recipe = replace(recipe, fresh_optimizer=True)
    if epoch in run.window:
        for one in switch:
            recipe = one.changed(recipe, base)
    # no rate is left that could change from step to step
    return recipe if recipe.lr else replace(recipe, course=None)
