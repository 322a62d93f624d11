"""How well a kernel fits the targets: centred alignment, overlap and spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.theory.kernels.model import matrix

SMALLEST = torch.finfo(torch.float64).tiny


class Spectrum(NamedTuple):
    """A kernel's eigenvalues and where the targets lie among its eigenvectors.

    Args:
        values: ``(P,)``, falling.
        shares: ``(P,)``, the share of the squared targets along each eigenvector; sums to 1.
    """

    values: Tensor
    shares: Tensor


def alignment(kernel: Any, other: Any) -> float:
    """The centred kernel alignment, ``<HKH, HMH>_F / (|HKH|_F |HMH|_F)``, ``H = 1 - 11^T / P``.

    Args:
        kernel: K, ``(P, P)``, P at least 2.
        other: M, ``(P, P)``, often ``Y Y^T``.

    Returns:
        Between -1 and 1; between 0 and 1 for positive semi-definite matrices. Blind to scale and to constants.

    Raises:
        StudyError: not two square matrices of one size, or one is constant, so that nothing is left when centred.

    Source: Cortes, Mohri and Rostamizadeh 2012; Kornblith et al. 2019 (CKA). The paper's measure.
    """
    first, second = matrix("kernel", kernel), matrix("other", other)
    for field, value in (("kernel", first), ("other", second)):
        if value.ndim != 2 or value.shape[0] != value.shape[1] or len(value) < 2:
            raise StudyError(f"{field}: received shape {tuple(value.shape)}; must be (P, P) with P of at least 2")
    if first.shape != second.shape:
        raise StudyError(f"other: received {len(second)} points where kernel has {len(first)}; must be as many")
    # in units of the largest entry, else the squares of very large or small ones are not numbers any more
    first, second = (value / value.abs().max().clamp_min(SMALLEST) for value in (first, second))
    left, right = centred(first), centred(second)
    for field, before, after in (("kernel", first, left), ("other", second, right)):
        if after.norm() <= 1e-13 * before.norm():
            raise StudyError(f"{field}: is the same for all pairs of points; must vary, else no alignment is defined")
    return float((left * right).sum() / (left.norm() * right.norm()))


def centred(kernel: Tensor) -> Tensor:
    """``H K H`` of ``(..., P, P)``."""
    rows = kernel - kernel.mean(-1, keepdim=True)
    return rows - rows.mean(-2, keepdim=True)


def alignments(kernels: Tensor, gram: Tensor) -> Tensor:
    """The centred alignment of each of ``(..., P, P)`` with ``gram``; not a number where one is constant."""
    left, right = centred(kernels), centred(gram)
    found: Tensor = (left * right).sum((-1, -2)) / (left.norm(dim=(-1, -2)) * right.norm())
    return found


def layer_alignments(kernels: Sequence[Any], targets: Any) -> list[float]:
    """The alignment of every kernel with ``Y Y^T``; ``targets`` as in :func:`target_overlap`."""
    gram = gram_of(targets)
    return [alignment(kernel, gram) for kernel in kernels]


def target_overlap(kernel: Any, targets: Any) -> float:
    """``Y^T C Y / P^2``, summed over outputs: the uncentred overlap, which knows the kernel's scale.

    Args:
        kernel: C, ``(P, P)``.
        targets: Y, ``(P,)`` or ``(P, K)``.

    Source: ours.
    """
    found, gram = _fitting(kernel, targets)
    return float((found * gram).sum() / len(gram) ** 2)


def spectrum(kernel: Any, targets: Any) -> Spectrum:
    """The eigenvalues of ``kernel`` and the share of ``targets`` along each eigenvector; ours."""
    found, gram = _fitting(kernel, targets)
    values, vectors = torch.linalg.eigh(found)
    shares = (vectors * (gram @ vectors)).sum(0) / gram.trace()
    return Spectrum(values.flip(0), shares.flip(0))


def _fitting(kernel: Any, targets: Any) -> tuple[Tensor, Tensor]:
    """The kernel with ``Y Y^T``, of one shape."""
    found, gram = matrix("kernel", kernel), gram_of(targets)
    if found.shape != gram.shape:
        raise StudyError(f"kernel: received shape {tuple(found.shape)}; must be {tuple(gram.shape)}, by the targets")
    return found, gram


def gram_of(targets: Any) -> Tensor:
    """``Y Y^T``, ``(P, P)``, of targets ``(P,)`` or ``(P, K)``."""
    values = matrix("targets", targets)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2:
        raise StudyError(f"targets: received shape {tuple(values.shape)}; must be (points,) or (points, outputs)")
    return values @ values.T
