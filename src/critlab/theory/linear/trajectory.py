"""What the two-pathway models give back: the strength of every mode of both pathways over time."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class PathwayTrajectory:
    """Mode strengths ``K_x = diag(U^T Omega_x V)`` of both pathways.

    Args:
        a: of pathway a; ``(states, modes)``, or ``(states, runs, modes)`` where the call had several runs.
        b: of pathway b, of the same shape.
        strengths: what ``a + b`` tends to, the singular values S of the task; ``(modes,)`` or ``(runs, modes)``.
        states: int64 ``(states,)``: how many updates lie before each recorded state.

    A run that diverges ends in values that are not finite.
    """

    a: Tensor
    b: Tensor
    strengths: Tensor
    states: Tensor
