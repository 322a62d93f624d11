"""What two sources say about a target: together only (synergy), each alone (unique), or both equally (redundancy)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from critlab._core.errors import StudyError

BARRIERS = tuple(10.0**-power for power in range(10))
"""How far from the least information, in nats, each stage of the search may end."""

TOLERANCE = 1e-3
"""Newton's decrement, as a part of the barrier, at which a stage ends."""

MOST_STEPS = 100
"""Newton steps of a stage; a handful are needed."""


@dataclass(frozen=True)
class PartialInformation:
    """The information of A and B about a target in four parts, in bits; ``total`` is their sum, I(Y; A, B).

    Args:
        redundant: what either source says alone.
        unique_a: what A says and B does not.
        unique_b: what B says and A does not.
        synergistic: what only both together say.
    """

    redundant: float
    unique_a: float
    unique_b: float
    synergistic: float

    @property
    def total(self) -> float:
        """I(Y; A, B)."""
        return self.redundant + self.unique_a + self.unique_b + self.synergistic


def partial_information(joint: Tensor) -> PartialInformation:
    """The decomposition of Bertschinger et al.: what is unique is what remains under every coupling of A and B.

    Among all distributions with the same margins (Y, A) and (Y, B), that with the least ``I_Q(Y; A, B)`` leaves no
    synergy; the four parts follow from it and from I(Y; A), I(Y; B) and I(Y; A, B). The problem is convex; it is solved
    by an interior-point method.

    Args:
        joint: ``(values of Y, values of A, values of B)``, float or counts; scaled to sum 1. Memory grows
            with the square of their product, time with its cube: for small alphabets.

    Raises:
        StudyError: it has another form, a negative or not finite entry, or sums to 0.

    Error: none from sampling is corrected: from n draws each information is too large by about its number of free
    parameters / (2 n ln 2) bits. The search ends within 1e-8 bits of the least information.

    Source: Bertschinger, Rauh, Olbrich, Jost and Ay 2014, Quantifying Unique Information, definition 1; solver: ours.
    """
    if joint.ndim != 3 or not bool((joint >= 0).all()) or not bool(torch.isfinite(joint).all()) or joint.sum() <= 0:
        raise StudyError(
            f"partial_information: received a table of shape {tuple(joint.shape)}; must be (values of Y, of A, of B), "
            "finite, nowhere negative, and not 0 everywhere"
        )
    p = joint.double() / joint.double().sum()
    p = p[p.sum((1, 2)) > 0]
    total, from_a, from_b = (mutual_information(part) for part in (p.flatten(1), p.sum(2), p.sum(1)))
    union = _least_information(p)
    return PartialInformation(
        redundant=from_a + from_b - union,
        unique_a=union - from_b,
        unique_b=union - from_a,
        synergistic=total - union,
    )


def minimum_mutual_information(from_a: float, from_b: float, from_both: float) -> PartialInformation:
    """The decomposition that needs only how much each source and both say: redundancy is the smaller of the two.

    Args:
        from_a: I(Y; A) in bits, or a lower bound of it such as a network's usable information.
        from_b: the same for B.
        from_both: the same for both.

    Error: where the numbers are usable information, synergy is negative when the network does worse with both sources
    than the better source alone.

    Source: Barrett 2015; exact for Gaussian sources with a univariate target.
    """
    redundant = min(from_a, from_b)
    return PartialInformation(redundant, from_a - redundant, from_b - redundant, from_both - max(from_a, from_b))


def mutual_information(joint: Tensor) -> float:
    """I(X; Y) in bits of a float64 table ``(values of X, values of Y)`` that sums to 1; at least 0."""
    apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    there = joint > 0
    return max(float((joint[there] * (joint[there] / apart[there]).log2()).sum()), 0.0)


def _least_information(p: Tensor) -> float:
    """The least I_Q(Y; A, B) in bits among the Q that agree with ``p`` on (Y, A) and (Y, B).

    Newton's method inside the distributions that are nowhere 0 where the margins are not, with a logarithmic barrier
    that is made smaller and smaller.
    """
    mass = p.sum((1, 2), keepdim=True)
    start = p.sum(2, keepdim=True) * p.sum(1, keepdim=True) / mass
    there = start > 0
    moves = _moves(there)
    q = start
    if len(moves):
        entries = int(there.sum())
        for barrier in BARRIERS:
            q = _centred(q, there, moves, barrier / entries)
    return mutual_information(q.flatten(1))


def _moves(there: Tensor) -> Tensor:
    """``(moves, Y, A, B)``: a basis of the changes that keep both margins and touch only what is ``there``."""
    found = []
    for y, table in enumerate(there):
        rows, columns = table.any(1).nonzero().flatten().tolist(), table.any(0).nonzero().flatten().tolist()
        for row in rows[1:]:
            for column in columns[1:]:
                move = torch.zeros(there.shape, dtype=torch.float64)
                move[y, row, column] = move[y, rows[0], columns[0]] = 1
                move[y, row, columns[0]] = move[y, rows[0], column] = -1
                found.append(move)
    return torch.stack(found) if found else torch.zeros(0, *there.shape, dtype=torch.float64)


def _centred(q: Tensor, there: Tensor, moves: Tensor, barrier: float) -> Tensor:
    """The least ``sum q ln(q / q_ab) - barrier sum ln q`` from ``q`` on, by Newton steps along ``moves``."""
    for _ in range(MOST_STEPS):
        inverse = torch.where(there, 1 / torch.where(there, q, 1.0), 0.0)
        pooled = q.sum(0)
        apart = torch.where(there, (q / torch.where(pooled > 0, pooled, 1.0)).log(), 0.0)
        slope = torch.where(there, apart, 0.0) - barrier * inverse
        bent = moves * (inverse + barrier * inverse.square())
        shared = moves.sum(1) / torch.where(pooled > 0, pooled, 1.0)
        curvature = moves.flatten(1) @ bent.flatten(1).T - shared.flatten(1) @ moves.sum(1).flatten(1).T
        downhill = (moves * slope).flatten(1).sum(1)
        step = -torch.linalg.solve(curvature, downhill)
        gain = -float(downhill @ step)
        if gain < TOLERANCE * barrier:
            break
        q = _descended(q, there, torch.einsum("m,myab->yab", step, moves), barrier, gain)
    return q


def _descended(q: Tensor, there: Tensor, move: Tensor, barrier: float, gain: float) -> Tensor:
    """``q`` moved by the largest of ``move``, half of it, a quarter, ... that stays inside and goes down enough."""
    before, share = _height(q, there, barrier), 1.0
    while share > 1e-12:
        after = torch.where(there, q + share * move, 0.0)
        inside = bool((after[there] > 0).all())
        if inside and _height(after, there, barrier) <= before - 0.1 * share * gain:
            return after
        share /= 2
    return q


def _height(q: Tensor, there: Tensor, barrier: float) -> float:
    logs = q[there].log()
    pooled = q.sum(0).expand_as(q)[there].log()
    return float((q[there] * (logs - pooled)).sum() - barrier * logs.sum())
