"""The cross entropies that label smoothing and mixup turn into each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from critlab._core.spec import shown
from critlab.objectives import CrossEntropy, Mixup, Objective, SmoothedCrossEntropy

if TYPE_CHECKING:
    from critlab.study.setup import Setup
    from critlab.study.switches.switch import Found


class CrossEntropyParts(NamedTuple):
    """What distinguishes one cross entropy from another: the smoothing of labels, and the ``alpha`` of mixup."""

    smoothing: float = 0.0
    alpha: float = 0.0

    def objective(self) -> Objective:
        """The objective with these parts."""
        if self.alpha:
            return Mixup(alpha=self.alpha, smoothing=self.smoothing)
        return SmoothedCrossEntropy(smoothing=self.smoothing) if self.smoothing else CrossEntropy()


def parts_of(objective: Objective) -> CrossEntropyParts | None:
    """The parts of a cross entropy; None for another objective."""
    if type(objective) is CrossEntropy:
        return CrossEntropyParts()
    if type(objective) is SmoothedCrossEntropy:
        return CrossEntropyParts(objective.smoothing)
    return CrossEntropyParts(objective.smoothing, objective.alpha) if type(objective) is Mixup else None


def other_losses(base: Setup, value: object) -> Found:
    """A problem for each objective of the study that is no cross entropy."""
    named = {"objective": base.objective}
    if base.pretraining is not None:
        named["pretraining.objective"] = base.pretraining.objective
    for place, objective in named.items():
        if parts_of(objective) is None:
            text = f"received {shown(value)}, but {place} is {objective.name!r}; it needs a cross entropy of labels"
            yield (), text
