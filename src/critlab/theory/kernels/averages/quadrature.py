"""Gaussian averages of products of any activation function, by Hermite expansion."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

NODES = 128
Made = TypeVar("Made")


def hermite_products(
    kernel: Tensor,
    value: Callable[[Tensor], Tensor],
    slope: Callable[[Tensor], Tensor],
    made: Callable[[Tensor, Tensor, Tensor], Made],
) -> Made:
    """``<phi_a phi_b>``, ``<phi'_a phi'_b>`` and ``<phi''_a phi_b>`` over ``h ~ N(0, kernel)``, given to ``made``.

    With normalised Hermite polynomials and ``c_k(s) = <phi(s x) he_k(x)>``, ``<phi_a phi_b> = sum_k rho_ab^k c_k(s_a)
    c_k(s_b)`` (Mehler), s the standard deviations and rho the correlation. With as many terms as nodes the sum on the
    diagonal is exactly the one-dimensional Gauss-Hermite rule. The last average follows from Stein's identity
    ``<h_a phi'_a phi_b> = K_aa <phi''_a phi_b> + K_ab <phi'_a phi'_b>``, so that no second derivative is needed.

    Args:
        kernel: float64 ``(P, P)``, positive semi-definite.
        value: phi, elementwise.
        slope: phi', elementwise.
        made: what to make of the three ``(P, P)`` averages.

    Cost: 128 evaluations per point, 384 multiplications per pair. Source: Mehler 1866; the use here: ours.
    """
    variance = kernel.diagonal().clamp_min(1e-300)
    deviation = variance.sqrt()
    correlation = (kernel / (deviation[:, None] * deviation[None, :])).clamp(-1, 1)
    nodes, basis = _rule()
    at = deviation[:, None] * nodes
    phi = value(at)
    phi_slope = slope(at)
    coefficients = [(values @ basis) for values in (phi, phi_slope, at * phi_slope)]
    product = _mehler(correlation, coefficients[0], coefficients[0])
    slopes = _mehler(correlation, coefficients[1], coefficients[1])
    mixed = _mehler(correlation, coefficients[2], coefficients[0])
    return made(product, slopes, (mixed - kernel * slopes) / variance[:, None])


def _mehler(correlation: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """``sum_k rho^k left_k right_k`` by Horner's rule, in the memory of one matrix."""
    if len(left) == 1:
        # one variance, as fixed points ask for many thousand times: one sum instead of 128 steps
        return (left * right * correlation ** torch.arange(left.shape[1])).sum(1, keepdim=True)
    total = torch.zeros_like(correlation)
    for k in range(left.shape[1] - 1, -1, -1):
        total = total * correlation + torch.outer(left[:, k], right[:, k])
    return total


@cache
def _rule() -> tuple[Tensor, Tensor]:
    """The nodes ``(n,)``, and ``(n, n)`` weight times normalised Hermite polynomial, by node and degree."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    # the rule's own weights do not sum to the normal density's integral to all digits
    weights = weights / weights.sum()
    basis = np.zeros((NODES, NODES))
    basis[:, 0] = 1
    basis[:, 1] = nodes
    for k in range(1, NODES - 1):
        basis[:, k + 1] = (nodes * basis[:, k] - np.sqrt(k) * basis[:, k - 1]) / np.sqrt(k + 1)
    return torch.from_numpy(nodes), torch.from_numpy(basis * weights[:, None])
