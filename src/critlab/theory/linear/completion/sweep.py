"""The runs of a sweep of matrix completion: trained as trees, looked at where they end and where they are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from critlab._core.threads import one_thread
from critlab.engine.planning.processors import default_workers
from critlab.theory.linear.checks import Floats
from critlab.theory.linear.completion.side_by_side import HERE_BELOW, HERE_UP_TO, Descent, trained
from critlab.theory.linear.completion.table import CompletionState
from critlab.theory.linear.completion.tree import Course, Stretch, stretches
from critlab.theory.linear.portable import Instance

KEPT_VALUES = 10


@dataclass(frozen=True)
class Setting:
    """What all runs of a sweep have in common.

    Args:
        first_observed: entries seen during the deficit; None for the deficit of another task.
        rate: the learning rate.
        record_every: look at every run after each so many updates; None for its end only.
        kind: of the arithmetic.
    """

    first_observed: int | None
    rate: float
    record_every: int | None
    kind: type[np.floating[Any]]


def swept(
    drawn: Mapping[tuple[int, int], Instance], courses: Sequence[Course], setting: Setting
) -> list[CompletionState]:
    """Every run at its end and at the recorded moments.

    Args:
        drawn: an instance for each depth and seed.
        courses: the runs of each instance.
        setting: what they have in common.

    Raises:
        CritlabError: a process that trained was killed from outside.
    """
    every, cores = setting.record_every, default_workers()
    last = max(course.stop for course in courses)
    tree = stretches(courses, range(0, last, every) if every else ())
    groups = [_Group(depth, seeds, drawn, setting) for depth, seeds in _shares(drawn, cores)]
    descents = [one for at, group in enumerate(groups) for one in group.descents(tree, at * len(tree))]
    with one_thread(), torch.inference_mode():
        found = [state for group in groups if every for state in group.look(group.layers, 0, courses)]
        for place, layers in trained(descents, _processes(descents, cores)):
            group, stretch = groups[place // len(tree)], tree[place % len(tree)]
            recorded = every and stretch.stop % every == 0
            ended = [course for course in stretch.courses if recorded or course.stop == stretch.stop]
            found += group.look(layers, stretch.stop, ended)
    return found


def _shares(drawn: Mapping[tuple[int, int], Instance], cores: int) -> list[tuple[int, list[int]]]:
    """Each depth with its seeds, in as many shares as there are cores: those of a share advance as one batch."""
    seeds_of: dict[int, list[int]] = {}
    for depth, seed in drawn:
        seeds_of.setdefault(depth, []).append(seed)
    return [(depth, seeds[i::cores]) for depth, seeds in seeds_of.items() for i in range(min(cores, len(seeds)))]


def _processes(descents: Sequence[Descent], cores: int) -> int:
    """How many processes to use: 0 where this one alone is faster and its library needs no second thread."""
    size = descents[0].weights.shape[-1]
    if size <= HERE_UP_TO and sum(one.work for one in descents) < HERE_BELOW:
        return 0
    ends = len(descents) - len({one.parent for one in descents} - {None})
    return min(cores, ends)


class _Group:
    """Instances of one depth that advance as one batch, with what they are to learn, clean and under the deficit."""

    def __init__(
        self, depth: int, seeds: Sequence[int], drawn: Mapping[tuple[int, int], Instance], setting: Setting
    ) -> None:
        self.depth, self.seeds, kind = depth, seeds, setting.kind
        instances = [drawn[depth, seed] for seed in seeds]
        subset, observed = setting.first_observed, len(instances[0].rows)
        self.layers = np.stack([instance.layers for instance in instances], axis=1).astype(kind)
        self.clean = np.stack([instance.targets[0 if subset else 1] for instance in instances])
        masks = np.zeros((2, *self.clean.shape))
        for place, instance in enumerate(instances):
            for mask, seen in zip(masks, (observed, subset or observed), strict=True):
                mask[place, instance.rows[:seen], instance.columns[:seen]] = 1 / seen
        self.mask = masks[0]
        # the learning rate rides on the weights, which spares a pass over every gradient
        self._weights = (masks * setting.rate).astype(kind)
        self._targets = np.stack([self.clean, np.stack([instance.targets[0] for instance in instances])]).astype(kind)

    def descents(self, tree: Sequence[Stretch], first: int) -> list[Descent]:
        """The stretches of ``tree``, which are counted from ``first``."""
        return [
            Descent(
                None if stretch.parent is None else first + stretch.parent,
                self.layers,
                self._targets[int(stretch.deficit)],
                self._weights[int(stretch.deficit)],
                stretch.stop - stretch.start,
                stretch.left,
            )
            for stretch in tree
        ]

    def look(self, layers: Floats, update: int, courses: Sequence[Course]) -> list[CompletionState]:
        """The runs ``courses``, which share ``layers`` at state ``update``."""
        if not courses:
            return []
        product = _product(layers)
        squares = (product - self.clean) ** 2
        errors, losses = squares.mean((-1, -2)), 0.5 * (squares * self.mask).sum((-1, -2))
        values = _singular_values(product)
        return [
            CompletionState(
                self.depth, seed, course.onset, course.removal, update, float(errors[i]), float(losses[i]),
                tuple(values[i].tolist()),
            )
            for course in courses
            for i, seed in enumerate(self.seeds)
        ]  # fmt: skip


def _product(layers: Floats) -> Floats:
    """A_1 ... A_D of every seed, float64."""
    factors = torch.from_numpy(layers).to(torch.float64)
    product = factors[0]
    for factor in factors[1:]:
        product = product @ factor
    return product.numpy()


def _singular_values(products: Floats) -> Floats:
    """The largest ones of every seed, not numbers where a run has diverged."""
    finite, lost = products.copy(), ~np.isfinite(products).all((-1, -2))
    finite[lost] = 0
    values: Floats = torch.linalg.svdvals(torch.from_numpy(finite))[:, :KEPT_VALUES].numpy()
    values[lost] = np.nan
    return values
