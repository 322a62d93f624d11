"""The cross entropies that label smoothing, mixup and CutMix turn into each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from critlab._core.problems import shown
from critlab.objectives import CrossEntropy, CutMix, Mixup, Objective, SmoothedCrossEntropy

if TYPE_CHECKING:
    from critlab.study.setup import Setup
    from critlab.study.switches.switch import Found


class CrossEntropyParts(NamedTuple):
    """What distinguishes one cross entropy from another.

    Args:
        smoothing: of labels.
        alpha: of mixup; 0 mixes nothing.
        cut: ``alpha`` of CutMix; 0 cuts nothing. Mixup and CutMix do not go together.
        probability: of a step with CutMix.
    """

    smoothing: float = 0.0
    alpha: float = 0.0
    cut: float = 0.0
    probability: float = 1.0

    def objective(self) -> Objective:
        """The objective with these parts."""
        if self.cut:
            return CutMix(alpha=self.cut, probability=self.probability, smoothing=self.smoothing)
        if self.alpha:
            return Mixup(alpha=self.alpha, smoothing=self.smoothing)
        return SmoothedCrossEntropy(smoothing=self.smoothing) if self.smoothing else CrossEntropy()


def parts_of(objective: Objective) -> CrossEntropyParts | None:
    """The parts of a cross entropy; None for another objective."""
    if type(objective) is CutMix:
        return CrossEntropyParts(objective.smoothing, 0.0, objective.alpha, objective.probability)
    if type(objective) is Mixup:
        return CrossEntropyParts(objective.smoothing, objective.alpha)
    if type(objective) is SmoothedCrossEntropy:
        return CrossEntropyParts(objective.smoothing)
    return CrossEntropyParts() if type(objective) is CrossEntropy else None


def other_losses(base: Setup, value: object) -> Found:
    """A problem for each objective of the study that is no cross entropy."""
    named = {"objective": base.objective}
    if base.pretraining is not None:
        named["pretraining.objective"] = base.pretraining.objective
    for place, objective in named.items():
        if parts_of(objective) is None:
            text = f"received {shown(value)}, but {place} is {objective.name!r}; it needs a cross entropy of labels"
            yield (), text
