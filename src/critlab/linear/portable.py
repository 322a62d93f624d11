"""Instances of matrix completion that every implementation can make again, number for number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from critlab.linear.checks import Floats


@dataclass(frozen=True)
class Instance:
    """Two targets, the list of observed entries and a start.

    Args:
        first: M1, ``(size, size)``, of Frobenius norm ``size``.
        second: M2, likewise.
        observed: indices of observed entries, row ``i // size`` and column ``i % size``, in the order of the list.
        layers: the start weights A_1 .. A_D, each ``(size, size)``.
    """

    first: Floats
    second: Floats
    observed: np.ndarray[tuple[int], np.dtype[np.int64]]
    layers: tuple[Floats, ...]


def portable_instance(
    size: int, ranks: tuple[int, int], observed: int, depth: int, init_scale: float, seed: int
) -> Instance:
    """Draws an instance from numpy's legacy generator, whose stream is frozen.

    In this order: ``M = U V^T`` of each rank with standard normal U and V, scaled to Frobenius norm ``size``; a
    permutation of all entries, cut to ``observed``; then each layer, normal with standard deviation
    ``init_scale^(1/depth) / sqrt(size)``.

    Source: ours; the distributions are those of Kleinman et al. 2023 (arXiv 2308.12221), matrix completion.
    """
    draws = np.random.RandomState(seed)
    first, second = (_target(draws, size, rank) for rank in ranks)
    entries = draws.permutation(size * size)[:observed].astype(np.int64)
    spread = init_scale ** (1 / depth) / np.sqrt(size)
    layers = tuple(draws.randn(size, size) * spread for _ in range(depth))
    return Instance(first, second, entries, layers)


def _target(draws: np.random.RandomState, size: int, rank: int) -> Floats:
    product = draws.randn(size, rank) @ draws.randn(size, rank).T
    found: Floats = product * size / np.linalg.norm(product)
    return found
