"""The last width solved again with many batches of draws, for the price of a few sweeps over them."""

from __future__ import annotations

import math
from dataclasses import replace

from critlab.theory.kernels.model import Problem
from critlab.theory.kernels.sampling.annealing import Attempt, State, Step, largest_change, settled, swept

ROUNDS = 10
FINER = 0.1
"""Share of the tolerance to which sweeps over the first batch are made, so that their rest is no matter."""


def refined(problem: Problem, attempt: Attempt, state: State, width: float, batches: int) -> tuple[State, list[Step]]:
    """The solution for averages over ``batches`` batches of draws, from the one for the first batch.

    Defect correction: G, one sweep over all batches, and G_1, one over the first, differ by little, so
    ``C = G_1(C) + (G(C*) - G_1(C*))`` is solved with cheap sweeps, and its solution becomes the next C*. The distance
    from the solution shrinks in each round by about the relative error of the first batch's averages.

    Args:
        problem: prior and data.
        attempt: how the first batch was solved.
        state: its solution.
        width: N.
        batches: how many batches, the first included; at least 2.

    Returns:
        The solution, and one :class:`~critlab.theory.kernels.sampling.annealing.Step` for every sweep over all batches:
        the change that it made, and the sweeps over the first batch before it. A last change above the tolerance
        says that ten rounds did not reach it, that a round no longer made the change smaller, or that the cheap sweeps
        found no solution.

    Cost: usually three sweeps over all batches. Source: the method: Stetter 1978; its use here: ours.
    """
    full = replace(attempt, batches=batches)
    kernels, sweeps, least = state.kernels, 0, math.inf
    steps: list[Step] = []
    for _ in range(ROUNDS):
        state = swept(problem, full, kernels, width)
        change = largest_change(kernels, state.kernels)
        steps.append(Step(width, sweeps, change, attempt.damping))
        if change <= attempt.tolerance or not math.isfinite(change) or change >= least:
            break
        least = change
        coarse = swept(problem, attempt, kernels, width)
        shift = tuple(many - few for many, few in zip(state.kernels[1:], coarse.kernels[1:], strict=True))
        shifted = replace(attempt, shift=shift, tolerance=FINER * attempt.tolerance)
        moved, inner = settled(problem, shifted, kernels, width)
        if inner.change > shifted.tolerance:
            break
        kernels, sweeps = moved.kernels, inner.sweeps
    return state, steps
