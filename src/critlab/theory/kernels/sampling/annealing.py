"""Solving the forward-backward equations: damped sweeps at one width, and a walk of widths from infinity down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from critlab._core.errors import Diverged
from critlab._core.terminal.progress import Progress
from critlab.theory.kernels.averages.gaussian import (
    Features,
    Mode,
    Tilt,
    correction,
    features,
    fixed_draws,
    linear_averages,
    output_conjugate,
    pulled_further,
    weights,
)
from critlab.theory.kernels.model import Problem
from critlab.theory.kernels.prior import pulled_back

RETRIES = 3
GROWTH = 10.0
"""Sweeps whose change has grown this much over its least value are running away."""
STALLED = 100
"""Sweeps at one width that no longer make the least change smaller go round in circles and end there."""
MOST_WIDTHS = 4
"""Widths that may be solved, in parts of those that were given; more, put in between, lead nowhere."""


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
        normal: the fixed draws of the first batch with their mirror images, ``(2 M, P)``.
        seed: keys the draws.
        tolerance: the largest relative change that ends the sweeps.
        damping: the share of the new kernel in each sweep.
        sweeps: the most at one width.
        batches: batches of draws over which every average is taken.
        shift: what is added to the new kernels C^1 .. C^L in every sweep; empty is nothing.
        total: the most sweeps over all widths.
        progress: what is reported to a person who waits.
    """

    mode: Mode
    normal: Tensor
    seed: int
    tolerance: float
    damping: float
    sweeps: int
    batches: int = 1
    shift: tuple[Tensor, ...] = ()
    total: int = 3000
    progress: Progress = field(default_factory=lambda: Progress("adapted_kernels"))

    @property
    def draws(self) -> int:
        """M, of one batch, mirror images not counted."""
        return len(self.normal) // 2


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
    half the damping and a width half-way in between, three times at most. Once all sweeps are used up, the solution of
    the width that was reached stands, whose step says that it did not converge.

    Raises:
        Diverged: also the third time, or so many widths had to be put in between that they lead nowhere.
    """
    state = State(start, [], [])
    history: list[Step] = []
    pending, retries, current, left = list(widths), 0, attempt, attempt.total
    while pending and left > 0:
        width = pending[0]
        few = replace(current, sweeps=min(current.sweeps, left))
        found, step = settled(problem, few, state.kernels, width)
        left -= step.sweeps
        if step.change <= attempt.tolerance or not _ran_away(step):
            state, retries, current = found, 0, attempt
            history.append(step)
            pending.pop(0)
            continue
        retries += 1
        if retries > RETRIES or len(history) >= MOST_WIDTHS * len(widths):
            raise Diverged(
                f"adapted_kernels: at width {width:g} the sweeps run away from every solution near that of the "
                f"previous width (depth {problem.prior.depth}, {len(problem.targets)} points); give finer widths, "
                "more noise or mode='leading'"
            )
        current = replace(current, damping=current.damping / 2)
        if history:
            pending.insert(0, math.sqrt(width * history[-1].width))
    if pending:  # the sweeps are used up before the last width
        history.append(Step(pending[0], attempt.total, math.inf, current.damping))
    return state, history


def settled(problem: Problem, attempt: Attempt, start: list[Tensor], width: float) -> tuple[State, Step]:
    """Sweeps at one width until the kernels stay, run away or the sweeps are used up."""
    # C^0 is given, so the first layer's draws never change
    first = drawn_features(problem, attempt, start[0], 0) if attempt.batches == 1 else None
    kernels, least, change, since = start, math.inf, math.inf, 0
    state = State(start, [], [])
    for sweep in range(1, attempt.sweeps + 1):
        known = f", relative change {change:.1e} of {attempt.tolerance:g}" if sweep > 1 else ""
        attempt.progress.advance(0, f"width {width:g}, sweep {sweep} of at most {attempt.sweeps}{known}")
        state = swept(problem, attempt, kernels, width, first)
        change = largest_change(kernels, state.kernels)
        if not math.isfinite(change) or change > GROWTH * max(least, attempt.tolerance):
            return state, Step(width, sweep, math.inf, attempt.damping)
        if change <= attempt.tolerance:
            return state, Step(width, sweep, change, attempt.damping)
        since = 0 if change < least else since + 1
        least = min(least, change)
        if since >= STALLED:
            return state, Step(width, sweep, change, attempt.damping)
        pairs = zip(kernels[1:], state.kernels[1:], strict=True)
        kernels = [start[0], *[old + attempt.damping * (new - old) for old, new in pairs]]
    return State(kernels, state.conjugates, state.effective), Step(width, attempt.sweeps, change, attempt.damping)


def swept(
    problem: Problem, attempt: Attempt, kernels: list[Tensor], width: float, first: Features | None = None
) -> State:
    """One sweep: conjugates from the output down, then every layer's kernel again, without damping.

    Args:
        problem: prior and data.
        attempt: mode and draws.
        kernels: C^0 .. C^L.
        width: the width at which annealing stands.
        first: the first layer's draws, where they are at hand and of one batch.

    Returns:
        The new kernels, the conjugates that belong to ``kernels``, and the effective draws, mean of all batches.
    """
    prior = problem.prior
    conjugates = [output_conjugate(kernels[-1], problem.targets, problem.noise)]
    forward: list[Tensor] = []
    effective: list[float] = []
    for layer in range(prior.depth, 0, -1):
        below, scale = kernels[layer - 1], prior.scales[layer]
        tilt = Tilt(conjugates[0], scale, width, attempt.mode)
        found = _layer(problem, attempt, below, tilt, layer, first if layer == 1 else None)
        added = found.correction if not attempt.shift else found.correction + attempt.shift[layer - 1]
        forward.insert(0, scale * prior.activation.moments(below).product + prior.bias + added)
        effective.insert(0, found.effective)
        if layer > 1:
            conjugates.insert(0, (found.pulled + found.pulled.T) / 2)
    return State([kernels[0], *forward], conjugates, effective)


class _Averages(NamedTuple):
    """One layer's correction of the kernel, the conjugate of the layer below (layers 2 .. L) and effective draws."""

    correction: Tensor
    pulled: Tensor
    effective: float


def _layer(
    problem: Problem, attempt: Attempt, below: Tensor, tilt: Tilt, layer: int, first: Features | None
) -> _Averages:
    """The mean of all batches: their ratios' bias, of order one over the effective draws of a batch, stays."""
    activation = problem.prior.activation
    if activation.linear:
        return _Averages(*linear_averages(below, tilt), float(attempt.draws))
    pulled = tilt.conjugate if layer == 1 else pulled_back(tilt.conjugate, below, tilt.scale, activation)
    corrected, effective = torch.zeros_like(below), 0.0
    for batch in range(attempt.batches):
        if attempt.batches > 1:
            note = f"width {tilt.width:g}, averages of layer {layer}, batch {batch + 1} of {attempt.batches}"
            attempt.progress.advance(0, note)
        drawn = drawn_features(problem, attempt, below, batch) if first is None else first
        found = weights(drawn, tilt)
        corrected = corrected + correction(drawn, found, tilt.scale) / attempt.batches
        effective += found.effective * attempt.draws / len(drawn.normal) / attempt.batches
        if layer > 1 and tilt.mode == "tilted":
            pulled = pulled + pulled_further(drawn, found, tilt, activation) / attempt.batches
    return _Averages(corrected, pulled, effective)


def drawn_features(problem: Problem, attempt: Attempt, below: Tensor, batch: int) -> Features:
    """The draws of one batch; all but the first are made again each time, else memory would grow by their number."""
    normal = fixed_draws(attempt.draws, len(below), attempt.seed, batch) if batch else attempt.normal
    return features(below, normal, problem.prior.activation)


def largest_change(old: list[Tensor], new: list[Tensor]) -> float:
    """The largest change of a kernel in units of its largest entry; C^0 never changes."""
    pairs = zip(old[1:], new[1:], strict=True)
    return max(float((after - before).abs().max() / before.abs().max()) for before, after in pairs)


def _ran_away(step: Step) -> bool:
    return not math.isfinite(step.change)
