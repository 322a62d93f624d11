"""What a figure costs: the epochs that its studies train, counted from their trees."""

from __future__ import annotations

import json
from dataclasses import dataclass

from critlab.papers.figure import Figure, Scale
from critlab.study.runs.tree import ROOT, build
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
    by_origin: dict[str, set[tuple[int, str]]] = {}
    for study in studies:
        paths = build(study).nodes.keys() - {ROOT}
        by_origin.setdefault(_origin(study), set()).update((seed, path) for seed in study.seeds for path in paths)
    return Cost(sum(map(len, by_origin.values())), sizes.train)


def _origin(study: Study) -> str:
    """Studies of equal origin share their epochs."""
    named = [study.data.identity(), study.model.identity(), study.optimizer.name, study.precision]
    return json.dumps(named, sort_keys=True)
