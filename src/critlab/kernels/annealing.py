"""Solving the forward-backward equations: damped sweeps at one width, and a walk of widths from infinity down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor

from critlab.errors import Diverged
from critlab.kernels.activations import Activation
from critlab.kernels.averages import (
    Features,
    Mode,
    Tilt,
    correction,
    features,
    linear_averages,
    output_conjugate,
    pulled_further,
    weights,
)
from critlab.kernels.model import Problem
from critlab.kernels.prior import pulled_back

RETRIES = 3
GROWTH = 10.0
"""Sweeps whose change has grown this much over its least value are running away."""


class Step(NamedTuple):
    """One width on the way.

    Args:
        width: the width.
        sweeps: how many were made.
        change: the largest relative change of a kernel in the last one, before damping.
        damping: the share of the new kernel in each.
    """

    width: float
    sweeps: int
    change: float
    damping: float


@dataclass(frozen=True)
class Attempt:
    """How the equations are solved.

    Args:
        mode: "tilted" or "leading".
        normal: the fixed draws, ``(M, P)``.
        tolerance: the largest relative change that ends the sweeps.
        damping: the share of the new kernel in each sweep.
        sweeps: the most at one width.
    """

    mode: Mode
    normal: Tensor
    tolerance: float
    damping: float
    sweeps: int


class State(NamedTuple):
    """A solution, or a point on the way: C^0 .. C^L, T^1 .. T^L and the effective draws of layers 1 .. L."""

    kernels: list[Tensor]
    conjugates: list[Tensor]
    effective: list[float]


def annealed(
    problem: Problem, attempt: Attempt, start: list[Tensor], widths: Sequence[float]
) -> tuple[State, list[Step]]:
    """The solution at the last of ``widths``, reached through all of them from the kernels ``start``.

    Where the change grows or is no longer finite, that width is tried again from the previous width's solution with
    half the damping and a width half-way in between, three times at most.

    Raises:
        Diverged: also the third time.
    """
    # C^0 is given, so the first layer's draws never change
    first = features(start[0], attempt.normal, problem.prior.activation)
    state = State(start, [], [])
    history: list[Step] = []
    pending, retries, current = list(widths), 0, attempt
    while pending:
        width = pending[0]
        found, step = settled(problem, current, state.kernels, width, first)
        if step.change <= attempt.tolerance or not _ran_away(step):
            state, retries, current = found, 0, attempt
            history.append(step)
            pending.pop(0)
            continue
        retries += 1
        if retries > RETRIES:
            raise Diverged(
                f"adapted_kernels: at width {width:g} the sweeps run away from every solution near that of the "
                f"previous width (depth {problem.prior.depth}, {len(problem.targets)} points); give finer widths, "
                "more noise or mode='leading'"
            )
        current = replace(current, damping=current.damping / 2)
        if history:
            pending.insert(0, math.sqrt(width * history[-1].width))
    return state, history


def settled(
    problem: Problem, attempt: Attempt, start: list[Tensor], width: float, first: Features
) -> tuple[State, Step]:
    """Sweeps at one width until the kernels stay, run away or the sweeps are used up."""
    kernels, least, change = start, math.inf, math.inf
    state = State(start, [], [])
    for sweep in range(1, attempt.sweeps + 1):
        state = swept(problem, attempt, kernels, width, first)
        pairs = list(zip(kernels[1:], state.kernels[1:], strict=True))
        change = max(float((new - old).abs().max() / old.abs().max()) for old, new in pairs)
        if not math.isfinite(change) or change > GROWTH * max(least, attempt.tolerance):
            return state, Step(width, sweep, math.inf, attempt.damping)
        if change <= attempt.tolerance:
            return state, Step(width, sweep, change, attempt.damping)
        least = min(least, change)
        kernels = [start[0], *[old + attempt.damping * (new - old) for old, new in pairs]]
    return State(kernels, state.conjugates, state.effective), Step(width, attempt.sweeps, change, attempt.damping)


def swept(problem: Problem, attempt: Attempt, kernels: list[Tensor], width: float, first: Features) -> State:
    """One sweep: conjugates from the output down, then every layer's kernel anew, without damping.

    Args:
        problem: prior and data.
        attempt: mode and draws.
        kernels: C^0 .. C^L.
        width: the width at which annealing stands.
        first: the draws of the first layer.

    Returns:
        The new kernels, the conjugates that belong to ``kernels``, and the effective draws.
    """
    prior = problem.prior
    conjugates = [output_conjugate(kernels[-1], problem.targets, problem.noise)]
    forward: list[Tensor] = []
    effective: list[float] = []
    for layer in range(prior.depth, 0, -1):
        below, scale = kernels[layer - 1], prior.scales[layer]
        tilt = Tilt(conjugates[0], scale, width, attempt.mode)
        given = first if layer == 1 else None
        corrected, pulled, count = _layer(below, tilt, attempt.normal, prior.activation, given)
        forward.insert(0, scale * prior.activation.moments(below).product + prior.bias + corrected)
        effective.insert(0, count)
        if layer > 1:
            conjugates.insert(0, (pulled + pulled.T) / 2)
    return State([kernels[0], *forward], conjugates, effective)


def _layer(
    below: Tensor, tilt: Tilt, normal: Tensor, activation: Activation, first: Features | None
) -> tuple[Tensor, Tensor, float]:
    """One layer's correction of the kernel, the conjugate of the layer below (layers 2 .. L) and effective draws."""
    if activation.linear:
        return *linear_averages(below, tilt), len(normal) / 2
    drawn = features(below, normal, activation) if first is None else first
    found = weights(drawn, tilt)
    pulled = tilt.conjugate
    if first is None:
        pulled = pulled_back(tilt.conjugate, below, tilt.scale, activation)
    if first is None and tilt.mode == "tilted":
        pulled = pulled + pulled_further(drawn, found, tilt, activation)
    return correction(drawn, found, tilt.scale), pulled, found.effective * (len(normal) / 2) / len(drawn.normal)


def _ran_away(step: Step) -> bool:
    return not math.isfinite(step.change)
