"""Instances of matrix completion that every implementation can reproduce, from numpy's frozen legacy generator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from critlab.theory.linear.checks import Floats


class Instance(NamedTuple):
    """Two tasks, what is seen of them, and where learning starts.

    Args:
        targets: M1 and M2, ``(2, n, n)`` float64, of Frobenius norm n, so that the mean square of an entry is 1.
        rows: int64 ``(m,)``: row of every observed entry, in the order in which they were drawn.
        columns: int64 ``(m,)``.
        layers: A_1 to A_D, ``(D, n, n)`` float64.
    """

    targets: Floats
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    layers: Floats


def portable_instance(
    size: int, ranks: tuple[int, int], observed: int, depth: int, init_scale: float, seed: int
) -> Instance:
    """Draws an instance with ``RandomState(seed)``: M1, M2, the observed entries, the layers, in this order.

    M = U V^T with standard normal ``(n, R)`` factors, scaled to norm n; the entries are the first of a permutation; a
    layer is standard normal times ``init_scale^(1/D) / sqrt(n)``. Instances of one seed that differ in depth share
    tasks and entries.

    Args:
        size: n.
        ranks: of M1 and M2.
        observed: m, entries seen of n^2.
        depth: D, the number of layers.
        init_scale: the scale of the product of the layers.
        seed: from 0 to 2^32 - 1.

    Source: ours; the distribution is that of Kleinman et al. 2023 (arXiv 2308.12221).
    """
    draw = np.random.RandomState(seed)
    targets = []
    for rank in ranks:
        product = draw.randn(size, rank) @ draw.randn(size, rank).T
        targets.append(product * size / np.linalg.norm(product))
    entries = draw.permutation(size * size)[:observed]
    layers = [draw.randn(size, size) * init_scale ** (1 / depth) / np.sqrt(size) for _ in range(depth)]
    return Instance(np.stack(targets), entries // size, entries % size, np.stack(layers))
