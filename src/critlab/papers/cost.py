"""What a figure costs: the epochs that its studies train, each counted once."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from critlab.papers.figure import Figure, Scale
from critlab.study.runs.recipe import FROZEN_EPOCH, recipe_digest, recipes
from critlab.study.study import Study


@dataclass(frozen=True)
class Cost:
    """The work of one scale of a figure.

    Args:
        epochs: trained over all parts and seeds; an epoch that several runs share counts once.
        examples: training images of one epoch.
    """

    epochs: int
    examples: int

    def __str__(self) -> str:
        return f"{self.epochs:,} epochs of {self.examples:,} images"


def cost(figure: Figure, scale: Scale) -> Cost | None:
    """The cost of ``figure`` at ``scale``; None where it has no studies, or the size of its data is not known."""
    if figure.studies is None:
        return None
    studies = [*figure.studies(scale).values()]
    sizes = studies[0].data.sizes()
    if sizes is None:
        return None
    by_origin = defaultdict[str, list[Study]](list)
    for study in studies:
        by_origin[_origin(study)].append(study)
    return Cost(sum(map(_epochs, by_origin.values())), sizes.train)


def _origin(study: Study) -> str:
    """Studies of equal origin share their epochs."""
    named = [study.data.identity(), study.model.identity(), study.optimizer.name, study.precision]
    return json.dumps(named, sort_keys=True)


def _epochs(studies: Sequence[Study]) -> int:
    """Epochs that studies of one origin train, each once for each seed."""
    seeds = sorted({seed for study in studies for seed in study.seeds})
    together = Counter(tuple(place for place, study in enumerate(studies) if seed in study.seeds) for seed in seeds)
    return sum(count * _states([studies[place] for place in places]) for places, count in together.items())


def _states(studies: Sequence[Study]) -> int:
    """The nodes of the tree of all runs, numbered instead of named."""
    numbers: dict[tuple[int, int | str], int] = {}
    for study in studies:
        for run in study.runs:
            at = 0
            for recipe in recipes(run, study):
                # equal recipes of critlab's own components are one object
                key = id(recipe) if recipe.built_in else recipe_digest(recipe)
                at = numbers.setdefault((at, key), len(numbers) + 1)
    return sum(recipe != id(FROZEN_EPOCH) for _, recipe in numbers)
