"""Gradient descent on products of square matrices, many at once: gradients by hand, no automatic differentiation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from critlab.linear.checks import Floats
from critlab.linear.cores import one_core, stacked

TWO_CORES_FROM = 64
"""The size of matrices from which a second thread gains more than Python's lock costs."""


def descend(layers: Floats, targets: Floats, weights: Floats, updates: int) -> None:
    """Gradient descent on ``layers`` in place, ``(D, tracks, seeds, n, n)``: 3 (D - 1) products an update.

    With P_i = A_1 ... A_i and Q_D = G the gradient by the product, Q_(i-1) = Q_i A_i^T and dA_i = P_(i-1)^T Q_i.
    """
    depth = len(layers)
    factors = [stacked(layer) for layer in layers]
    weight = stacked(weights)
    if depth == 1:  # every observed entry decays to its target by the same factor an update
        kept = (1 - weight.double()) ** updates
        factors[0] += (stacked(targets) - factors[0]) * (1 - kept).to(weight.dtype)
        return
    goal = stacked(targets)
    shares = [slice(None)]
    if weight.shape[-1] >= TWO_CORES_FROM and len(weight) > 1 and (os.cpu_count() or 1) > 1:
        shares = [slice(0, len(weight) // 2), slice(len(weight) // 2, None)]

    def advance(share: slice) -> None:
        with one_core():
            _advance([factor[share] for factor in factors], goal[share], weight[share], updates)

    if len(shares) == 1:
        advance(shares[0])
        return
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(advance, shares))


def _advance(factors: Sequence[Tensor], goal: Tensor, weight: Tensor, updates: int) -> None:
    """Gradient descent on ``factors`` in place, each ``(batch, n, n)``."""
    depth, wanted = len(factors), -weight * goal
    # views and memory of every product are made once: at n = 50 their making would cost as much as the products
    products = [factors[0], *(torch.empty_like(weight) for _ in range(depth - 1))]
    backs = [torch.empty_like(weight) for _ in range(depth)]
    turned, behind = [factor.mT for factor in factors], [product.mT for product in products]
    for _ in range(updates):
        for i in range(1, depth):
            torch.bmm(products[i - 1], factors[i], out=products[i])
        torch.addcmul(wanted, weight, products[-1], out=backs[-1])
        for i in range(depth - 1, 0, -1):
            torch.bmm(backs[i], turned[i], out=backs[i - 1])
            factors[i].baddbmm_(behind[i - 1], backs[i], alpha=-1)
        factors[0].sub_(backs[0])
