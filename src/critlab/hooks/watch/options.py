"""The options of a watch beyond the model, the log, the budget, the groups and the forks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance
from critlab.hooks.calls import check_call
from critlab.hooks.named_options import with_named
from critlab.hooks.watch.looks.inputs import Forward, Inputs
from critlab.measures.likelihoods.likelihood import Likelihood


@dataclass(frozen=True)
class WatchOptions:
    """Options of :class:`~critlab.hooks.watch.watch.Watch`; it takes each also by name.

    Args:
        probe: the examples to look at, as the model takes them; None is the first batch that ``step`` is shown.
        examples: how many examples are kept of what ``step`` is shown.
        seed: of signs and the choice of examples.
        forward: ``(model, inputs) -> output``, where calling the model with the inputs does not give the logits, or
            what else the likelihood understands.
        likelihood: of the labels, given the output: "categorical", "categorical_per_position", "bernoulli",
            "gaussian", "gaussian_variance", or a value with options, such as ``measures.Gaussian(variance=0.25)``.
        autocast: the type in which a look's forward pass runs; None is the type of the weights.
        gradients: whether norm and signal to noise are read from ``.grad``; needs a copy of the gradients.
        path: whether the distance that the weights go is followed; needs a copy of the weights.
        clip: the norm to which the loop clips gradients before ``step``.
    """

    probe: Inputs | None = None
    examples: int = 128
    seed: int = 0
    forward: Forward | None = None
    likelihood: Likelihood | str = "categorical"
    autocast: torch.dtype | None = None
    gradients: bool = True
    path: bool = True
    clip: float | None = None

    def changed(self, named: dict[str, Any]) -> WatchOptions:
        """These options with those in ``named`` in their place.

        Raises:
            TypeError: there is no such option.
            StudyError: a value is of another type or out of its range.
        """
        made = with_named(self, named, "Watch")
        if made.forward is not None:
            check_call(made.forward, ("model", "inputs"), "watch: forward")
        if made.autocast is not None:
            instance(made.autocast, "watch: autocast", torch.dtype, "a torch.dtype, such as torch.bfloat16, or None")
        if made.clip is not None and not made.clip > 0:
            raise StudyError(f"watch: clip: received {made.clip}; must be above 0, or None")
        return made
