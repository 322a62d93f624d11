"""Pre-training: another objective in the first epochs, whatever the window."""

from __future__ import annotations

from critlab._core.spec import Spec
from critlab.study.types import AnyObjective, Epochs


class PretrainingSpec(Spec):
    """The objective of the first epochs; then the study's own, which fine-tunes all weights.

    Deficit and augmentation are as without it, so that a supervised twin is the same study without this section.

    Args:
        objective: a name, or a table of name and options.
        epochs: so many.
    """

    objective: AnyObjective
    epochs: Epochs
