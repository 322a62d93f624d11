"""The reduced dynamics of two balanced pathways: one equation a mode and pathway, many runs in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from critlab._core.errors import StudyError
from critlab.theory.linear.checks import Floats, array, number, numpy_type, one_of, refuse, whole
from critlab.theory.linear.gates import CONVENTIONS, Convention, Gate, gates_of_runs, open_updates
from critlab.theory.linear.trajectory import PathwayTrajectory

SETTLED = 1e-12
"""A residual below which a run that contracts cannot move by more than this any further."""
LOOK_EVERY = 512


def pathway_flow(
    strengths: Any,
    depth: int,
    *,
    start_a: Any,
    start_b: Any,
    invariant: float = 0.0,
    step: float = 0.01,
    steps: int = 1000,
    gates: Sequence[Gate] | Sequence[Sequence[Gate]] = (),
    convention: Convention = "before",
    record: Sequence[int] | None = None,
    dtype: torch.dtype = torch.float64,
) -> PathwayTrajectory:
    """Integrates the strength of every mode of both pathways by explicit Euler steps.

    With p the odd layer out, q the ``depth - 1`` others and ``q^2 - p^2 = c`` conserved:
    ``K_x = p_x (p_x^2 + c)^((depth-1)/2)`` and ``dp_x/dt = (p_x^2 + c)^((depth-1)/2) (S - K_a - K_b)``, 0 where x is
    gated. Modes and runs do not touch each other.

    Args:
        strengths: S, ``(modes,)``; a number, or ``(runs, modes)``.
        depth: D, the number of weight matrices of a pathway, at least 1.
        start_a: p of pathway a, not K: ``(runs, modes)`` or broadcastable to it; negative only where ``invariant`` > 0.
        start_b: p of pathway b, of the same shape.
        invariant: c, at least 0; 0 where all layers are balanced.
        step: dt, above 0.
        steps: states of a trajectory, the start among them: ``steps - 1`` updates.
        gates: windows in which a pathway stands still; a sequence of sequences holds those of each run.
        convention: ``"before"``: a window blocks the updates that start from the states [start, stop), as in gradient
            descent; ``"producing"``: those that lead to these states, as in the authors' integration, so that a window
            from 0 blocks one update fewer.
        record: the states to give back, negative ones counted from the end; None for all.
        dtype: of the result and the arithmetic, float64 or float32.

    Returns:
        ``a`` and ``b``: K, ``(recorded states, runs, modes)``. A run that diverges ends in values that are not finite.

    Raises:
        StudyError: an argument is out of range, or the shapes do not go together.

    Error: O(step), that of Euler's method. Once every residual is below 1e-12 and shrinks, the rest is not computed;
    this changes the result by less than 1e-12.

    Cost: about 6 microseconds a step for a few hundred modes, whatever the depth.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), equation of the reduced dynamics; gates of each run are ours.
    """
    whole("depth", depth, 1), whole("steps", steps, 1), number("step", step, 0, above=True)
    number("invariant", invariant, 0), one_of("convention", convention, CONVENTIONS)
    runs, kind = gates_of_runs(gates), numpy_type(dtype)
    target = array("strengths", strengths, (0, 1, 2))
    p = _starts(target, start_a, start_b, len(runs))
    if invariant == 0 and (p < 0).any():
        raise StudyError(f"start: received {p.min():g}; must be at least 0 where invariant is 0 (p is odd one out)")
    states = _states(record, steps)
    dynamics = _Dynamics(depth, invariant, step, np.broadcast_to(target, p.shape[1:]).astype(kind), p.astype(kind))
    found = dynamics.run(open_updates(runs, steps - 1, convention), states)
    kept = torch.from_numpy(found)
    return PathwayTrajectory(kept[:, 0], kept[:, 1], torch.from_numpy(target).to(dtype), torch.from_numpy(states))


def mode_strength(p: Any, depth: int, invariant: float = 0.0) -> Floats:
    """``K = p (p^2 + c)^((D-1)/2)``, of any shape."""
    plain = np.asarray(p, dtype=np.float64)
    found: Floats = plain * (plain**2 + invariant) ** ((depth - 1) / 2)
    return found


def odd_layer(strength: Any, depth: int, invariant: float = 0.0) -> Floats:
    """The p whose mode strength is ``strength``, of any shape: the inverse of :func:`mode_strength`.

    K is convex in p above 0, so Newton's method from above falls to the root without overshooting, for every depth.

    Error: relative 1e-14.
    """
    goal = np.abs(np.asarray(strength, dtype=np.float64))
    if depth == 1:
        return np.asarray(strength, dtype=np.float64).copy()
    p = goal ** (1 / depth)
    if invariant > 0:
        p = np.minimum(p, goal / invariant ** ((depth - 1) / 2))
    for _ in range(100):
        square = p**2 + invariant
        slope = square ** ((depth - 3) / 2) * (depth * p**2 + invariant) if invariant else depth * p ** (depth - 1)
        change = np.where(p > 0, (mode_strength(p, depth, invariant) - goal) / np.where(p > 0, slope, 1), 0)
        p = np.maximum(p - change, 0)
        if (np.abs(change) <= 1e-15 * p).all():
            break
    found: Floats = np.copysign(p, strength)
    return found


def flow_field(strength: float, depth: int, k_a: Any, k_b: Any, invariant: float = 0.0) -> tuple[Floats, Floats]:
    """The velocity of the reduced dynamics in the plane of mode strengths, both pathways free.

    ``dK/dt = [(K/p)^2 + (D-1) p (K/p)^((D-3)/(D-1)) K] (S - K_a - K_b)``, where ``K/p = q^(D-1)``.

    Args:
        strength: S.
        depth: D, at least 1.
        k_a: points of the plane, of any shape.
        k_b: the same of pathway b.
        invariant: c.

    Returns:
        dK_a/dt and dK_b/dt, of the shape of the points.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), figure of the phase portraits.
    """
    residual = strength - np.asarray(k_a, dtype=np.float64) - np.asarray(k_b, dtype=np.float64)
    found = []
    for points in (k_a, k_b):
        p = odd_layer(points, depth, invariant)
        square = p**2 + invariant
        # (D-1) p q^(D-3) K = (D-1) p^2 q^(2D-4): written so, it holds at p = 0 as well
        found.append((square ** (depth - 1) + (depth - 1) * p**2 * square ** max(depth - 2, 0)) * residual)
    return found[0], found[1]


def _starts(strengths: Floats, start_a: Any, start_b: Any, gated_runs: int) -> Floats:
    """p of both pathways, ``(2, runs, modes)``."""
    a, b = (array(name, start, (0, 1, 2)) for name, start in (("start_a", start_a), ("start_b", start_b)))
    gated = (gated_runs, 1) if gated_runs > 1 else (1, 1)
    try:
        shape = np.broadcast_shapes(strengths.shape, a.shape, b.shape, gated)
    except ValueError:
        raise StudyError(
            f"start_a: received shapes start_a {a.shape}, start_b {b.shape}, strengths {strengths.shape} and gates of "
            f"{gated_runs} runs; must go together as (runs, modes)"
        ) from None
    return np.stack([np.broadcast_to(start, shape) for start in (a, b)])


def _states(record: Sequence[int] | None, steps: int) -> NDArray[np.int64]:
    if record is None:
        return np.arange(steps)
    indices = [whole("record", index, -steps) for index in record]
    found = np.array([index + steps * (index < 0) for index in indices], dtype=np.int64)
    if not len(found) or found.min() < 0 or found.max() >= steps:
        raise refuse("record", list(record), f"indices of the {steps} states, from {-steps} to {steps - 1}")
    return found


class _Dynamics:
    """p of both pathways, ``(2, runs, modes)``, and the arrays that a step writes into: a step allocates nothing."""

    def __init__(self, depth: int, invariant: float, step: float, target: Floats, p: Floats) -> None:
        self.depth, self.invariant, self.step = depth, invariant, step
        self.p, self.target = p, target * step
        self.gain, self.square, self.change = np.empty_like(p), np.empty_like(p), np.empty_like(p)
        self.scaled, self.residual = np.empty_like(p), np.empty_like(self.target)

    def run(self, free: NDArray[np.bool_], states: NDArray[np.int64]) -> Floats:
        """The mode strengths at ``states``, ``(states, 2, runs, modes)``."""
        wanted = np.unique(states)
        kept = np.empty((len(wanted), *self.p.shape), self.p.dtype)
        ungated = np.atleast_1d(free.all((1, 2))).tolist()
        scratch, row = np.empty_like(self.p), 0
        with np.errstate(over="ignore", invalid="ignore"):
            for state in range(int(wanted[-1]) + 1):
                recorded = state == wanted[row]
                k = self.read(kept[row] if recorded else scratch)
                row += recorded
                if row == len(wanted):
                    break
                if state % LOOK_EVERY == 0 and self.settled(k):
                    kept[row:] = k
                    break
                self.advance(k, None if ungated[state] else free[state][:, :, None])
        found: Floats = kept[np.searchsorted(wanted, states)]
        return found

    def read(self, out: Floats) -> Floats:
        """Writes ``gain = q^(D-1)`` and gives K, in ``out``."""
        np.multiply(self.p, self.p, out=self.square)
        if self.invariant:
            self.square += self.invariant
        _power(self.square, self.depth - 1, self.gain)
        return np.multiply(self.p, self.gain, out=out)

    def advance(self, k: Floats, free: NDArray[np.bool_] | None) -> None:
        np.add(k[0], k[1], out=self.residual)
        self.residual *= self.step
        np.subtract(self.target, self.residual, out=self.residual)
        np.multiply(self.gain, self.residual, out=self.change)
        if free is not None:
            self.change *= free
        self.p += self.change

    def settled(self, k: Floats) -> bool:
        """Every residual is tiny, and one step of both pathways leaves less than it of the same sign."""
        residual = self.target / self.step - k[0] - k[1]
        slope = self.gain * (self.gain + (self.depth - 1) * self.p**2 * _steep(self.square, self.depth))
        return bool((np.abs(residual) <= SETTLED).all() and (self.step * slope.sum(0) < 1).all())


def _power(square: Floats, exponent: int, out: Floats) -> None:
    """Writes ``square ** (exponent / 2)`` for a whole exponent, by multiplication and at most one root."""
    half = exponent // 2
    if exponent % 2:
        np.sqrt(square, out=out)
    elif half:
        out[...], half = square, half - 1
    else:
        out[...] = 1
    factor = square
    while half:
        if half & 1:
            out *= factor
        half >>= 1
        if half:
            factor = factor * factor


def _steep(square: Floats, depth: int) -> Floats:
    """``q^(D-3)``, 0 where q is 0."""
    found: Floats = np.where(square > 0, np.where(square > 0, square, 1) ** ((depth - 3) / 2), 0)
    return found
