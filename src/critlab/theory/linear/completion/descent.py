"""Gradient descent on products of square matrices, several at once: gradients by hand, no automatic differentiation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from critlab.theory.linear.checks import Floats


def descend(layers: Floats, targets: Floats, weights: Floats, updates: int) -> None:
    """Gradient descent on ``layers`` in place, ``(D, batch, n, n)``: 3 (D - 1) products an update and matrix.

    With P_i = A_1 ... A_i and Q_D = G the gradient by the product, Q_(i-1) = Q_i A_i^T and dA_i = P_(i-1)^T Q_i.

    Args:
        layers: A_1 to A_D, float32 or float64.
        targets: what the products are to become, ``(batch, n, n)``.
        weights: of each entry's square, halved, in the loss, times the learning rate, ``(batch, n, n)``.
        updates: how many.
    """
    if len(layers) == 1:  # every observed entry decays to its target by the same factor an update
        kept = (1 - weights.astype(np.float64)) ** updates
        layers[0] += (targets - layers[0]) * (1 - kept).astype(layers.dtype)
        return
    # views and memory of every product are made once: at n = 50 their making would cost as much as the products
    between = range(1, len(layers))
    changes = np.empty_like(layers)
    products = [layers[0], *(np.empty_like(weights) for _ in between)]
    backs = [changes[0], *(np.empty_like(weights) for _ in between)]
    turned, behind = layers.swapaxes(-1, -2), [product.swapaxes(-1, -2) for product in products]
    factors, wanted = list(layers), weights * targets
    for _ in range(updates):
        for i in between:
            np.matmul(products[i - 1], factors[i], out=products[i])
        np.multiply(weights, products[-1], out=backs[-1])
        np.subtract(backs[-1], wanted, out=backs[-1])
        for i in reversed(between):
            np.matmul(behind[i - 1], backs[i], out=changes[i])
            np.matmul(backs[i], turned[i], out=backs[i - 1])
        np.subtract(layers, changes, out=layers)


def operations(layers: Floats) -> float:
    """Floating-point operations of one update of ``layers``, about."""
    depth, batch, size, _ = layers.shape
    return float(batch * (6 * (depth - 1) * size + 3 + depth) * size**2)
