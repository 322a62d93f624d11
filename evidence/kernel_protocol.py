"""Every number of the protocol of paper 4 that theory and sampling are held to; the tests check some of them.

    python evidence/kernel_protocol.py          exit status 1 if one lies off by more than its tolerance

Alignments of the output kernel on XOR (seed 3): of infinite width, of both modes of the theory, and of the posterior by
Hamiltonian Monte Carlo; and the linear response of the prior beside the theory's adaptation at a large width.
"""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from critlab.theory.kernels import (
    adapted_kernels,
    alignment,
    prior_kernels,
    sample_kernels,
    target_overlap,
    xor_task,
)
from critlab.theory.kernels.model import checked_prior, checked_problem
from critlab.theory.kernels.sampling.importance import layer_draws


class TheoryRow(NamedTuple):
    """One row of the protocol.

    Attributes:
        points: P.
        width: N.
        depth: L, hidden layers.
        noise: kappa.
        wide: the alignment at infinite width.
        limits: leading and tilted in the limit of many draws (``evidence/kernel_draws.csv``).
        protocol: leading and tilted as the protocol has them.
        stated: how far they may lie off: what the protocol says its draws add (0.0005, 0.002 at P = 40, and rounding)
            where that holds. At P = 24 and at L = 2 they lie further off, by as much as single sets of its 4000
            independent draws scatter; there it is None.
    """

    points: int
    width: int
    depth: int
    noise: float
    wide: float
    limits: tuple[float, float]
    protocol: tuple[float, float]
    stated: float | None


THEORY = (
    TheoryRow(12, 100, 1, 0.1, 0.0724, (0.0862, 0.0889), (0.0866, 0.0892), 0.00065),
    TheoryRow(12, 50, 1, 0.1, 0.0724, (0.0954, 0.1021), (0.0960, 0.1025), 0.00065),
    TheoryRow(12, 200, 1, 0.1, 0.0724, (0.0802, 0.0811), (0.0804, 0.0814), 0.00065),
    TheoryRow(12, 100, 1, 0.01, 0.0724, (0.0937, 0.0998), (0.0943, 0.1001), 0.00065),
    TheoryRow(24, 100, 1, 0.1, 0.0604, (0.0786, 0.0839), (0.0774, 0.0824), None),
    TheoryRow(40, 50, 1, 0.1, 0.0509, (0.0818, 0.0956), (0.0826, 0.0972), 0.0020),
    TheoryRow(12, 100, 2, 0.1, 0.1071, (0.1372, 0.1452), (0.1370, 0.1445), None),
    TheoryRow(24, 100, 2, 0.1, 0.0933, (0.1307, 0.1442), (0.1288, 0.1424), None),
)


class SampledRow(NamedTuple):
    """P, N, L, kappa, and the protocol's alignment by HMC with its standard error."""

    points: int
    width: int
    depth: int
    noise: float
    alignment: float
    error: float


SAMPLED = (
    SampledRow(12, 100, 1, 0.1, 0.0898, 0.0004),
    SampledRow(12, 50, 1, 0.1, 0.1033, 0.0003),
    SampledRow(12, 200, 1, 0.1, 0.0813, 0.0002),
    SampledRow(12, 100, 1, 0.01, 0.1013, 0.0002),
    SampledRow(24, 100, 1, 0.1, 0.0846, 0.0002),
    SampledRow(40, 50, 1, 0.1, 0.1001, 0.0002),
    SampledRow(12, 100, 2, 0.1, 0.1446, 0.0010),
    SampledRow(24, 100, 2, 0.1, 0.1459, 0.0007),
)


class ResponseRow(NamedTuple):
    """L, and the protocol's ``y^T dC y``: by sampling the prior, and in theory."""

    depth: int
    sampled: float
    expected: float


RESPONSES = (ResponseRow(1, 0.0568, 0.0577), ResponseRow(2, 0.0604, 0.0608))
OVERLAPS = {"wide": 0.0173, "leading": 0.0209, "tilted": 0.0216}
"""Of the first row of :data:`THEORY`, the overlap of the output kernel with the targets."""


def check_theory(row: TheoryRow) -> None:
    """Fails where infinite width, leading or tilted lie off; of the first row the overlaps with the targets too."""
    inputs, targets = xor_task(row.points, seed=3)
    gram = torch.outer(targets, targets)
    prior = prior_kernels(inputs, depth=row.depth)[-1]
    assert abs(alignment(prior, gram) - row.wide) <= 6e-5
    if row == THEORY[0]:
        assert abs(target_overlap(prior, targets) - OVERLAPS["wide"]) <= 6e-5
    # the default's 64 batches where the protocol's own tolerance is asked for; three deviations of the mean
    many: dict[str, Any] = {} if row.stated else {"batches": 16}
    problem: dict[str, Any] = {"depth": row.depth, "width": row.width, "noise": row.noise}
    for mode, limit, theirs in zip(("leading", "tilted"), row.limits, row.protocol, strict=True):
        found = adapted_kernels(inputs, targets, mode=mode, **problem, **many)
        assert found.converged
        assert found.trusted
        aligned = alignment(found.kernels[-1], gram)
        assert abs(aligned - limit) <= (0.0006 if row.points > 12 else 0.0003), (mode, aligned)
        assert row.stated is None or abs(aligned - theirs) <= row.stated, (mode, aligned)
        if row == THEORY[0]:
            assert abs(target_overlap(found.kernels[-1], targets) - OVERLAPS[mode]) <= 5e-4


def check_sampled(row: SampledRow) -> None:
    """Fails where the posterior by HMC lies off by four standard errors, or has not converged."""
    inputs, targets = xor_task(row.points, seed=3)
    samples = 300 if row.depth == 1 else 150
    found = sample_kernels(inputs, targets, depth=row.depth, width=row.width, noise=row.noise, samples=samples)
    assert found.converged
    assert 0.6 < (found.acceptance or 0) < 0.95
    assert found.alignment_error < 0.002
    assert abs(found.alignment - row.alignment) < 4 * math.hypot(found.alignment_error, row.error)


def check_response(row: ResponseRow) -> None:
    """Fails where the response by sampling, the adaptation in theory, or their agreement lies off."""
    inputs, targets = xor_task(12, seed=3)
    posed = checked_problem(inputs, targets, checked_prior(row.depth, 1.0, None, None, 0.5, "erf"), 100, 0.1)
    drawn = torch.cat([layers[-1] for layers in layer_draws(posed, 20000, 0)])
    wide = prior_kernels(inputs, depth=row.depth)[-1]
    inverse = torch.linalg.inv(wide + 0.1 * torch.eye(12, dtype=torch.float64))
    conjugate = (inverse @ torch.outer(targets, targets) @ inverse - inverse) / 2
    pull = (drawn * conjugate).sum((1, 2))
    response = torch.einsum("s,sab->ab", pull - pull.mean(), drawn) / len(drawn)
    width = 10**5
    model: dict[str, Any] = {"depth": row.depth, "width": width, "draws": 40000, "batches": 1, "tolerance": 1e-9}
    theory = (adapted_kernels(inputs, targets, **model).kernels[-1] - wide) * width / 100
    unit = targets / targets.norm()
    for found, known in ((response, row.sampled), (theory, row.expected)):
        assert abs(float(unit @ found @ unit) - known) <= 0.06 * known
    assert float((response * theory).sum() / response.norm() / theory.norm()) > 0.98


def main() -> None:
    """Check every row, and say which lie off."""
    checks: list[tuple[Callable[[Any], None], tuple[Any, ...]]] = [
        (check_theory, THEORY),
        (check_sampled, SAMPLED),
        (check_response, RESPONSES),
    ]
    off = 0
    for check, rows in checks:
        for row in rows:
            try:
                check(row)
                print("as in the protocol:", row, flush=True)
            except AssertionError:
                off += 1
                print("off:", row, flush=True)
                traceback.print_exc()
    sys.exit(1 if off else 0)


if __name__ == "__main__":
    main()
