"""The task of the two pathways: eight items in a binary tree, fifteen features, and a network started in its modes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from critlab._core.errors import StudyError
from critlab._core.random_streams import generator
from critlab.theory.linear.checks import Floats, array
from critlab.theory.linear.completion.cores import one_core

ITEMS = 8
FEATURES = 15


class Task(NamedTuple):
    """Labels and their singular value decomposition, ``labels = left @ diag(strengths) @ right.T``.

    Args:
        labels: ``(15, 8)``: rows for all items, two halves, four pairs, eight singletons.
        left: ``(15, 8)``, orthonormal columns.
        strengths: ``(8,)``: sqrt 15, sqrt 7, sqrt 3 twice, 1 four times.
        right: ``(8, 8)``, orthogonal.
    """

    labels: Floats
    left: Floats
    strengths: Floats
    right: Floats


def hierarchy() -> Task:
    """The task, its decomposition in closed form: the right vectors are the Haar basis of the tree.

    A numerical decomposition would choose among equal singular values by the library at hand.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), the task of the two pathways.
    """
    sizes = (8, 4, 2, 1)
    labels = np.concatenate([np.kron(np.eye(ITEMS // size), np.ones(size)) for size in sizes])
    haar = [np.ones((1, ITEMS))]
    haar += [np.kron(np.eye(ITEMS // size), np.repeat([1.0, -1.0], size // 2)) for size in sizes[:-1]]
    right = np.concatenate(haar).T
    right = right / np.linalg.norm(right, axis=0)
    projected = labels @ right
    strengths = np.linalg.norm(projected, axis=0)
    return Task(labels, projected / strengths, strengths, right)


def kappas(kappa: Any, width: int) -> Floats:
    """The start strength of each of ``width`` hidden directions, from one number, 8 or ``width``.

    Given 8, the rest take the last value.

    Raises:
        StudyError: another count, or a value that is not above 0.
    """
    given = array("kappa", kappa, (0, 1))
    if given.ndim and given.size not in (ITEMS, width):
        raise StudyError(f"kappa: received {given.size} values; must be one number, {ITEMS} or the width, {width}")
    if (given <= 0).any():
        raise StudyError(f"kappa: received {given.min():g}; must be above 0")
    flat = np.atleast_1d(given)
    return np.concatenate([flat, np.full(width - flat.size, flat[-1])])


def drawn_kappas(scale: float, width: int, seed: int, spread: float = 0.1) -> Floats:
    """``scale * (1 + spread * N(0, 1))`` for every hidden direction, sorted from the largest.

    Source: the authors' program, ``scale`` 0.01 and ``spread`` 0.1.
    """
    draws = torch.randn(width, generator=generator(seed, "init", 1), dtype=torch.float64).numpy()
    return np.sort(scale * (1 + spread * draws))[::-1].copy()


def rotation(width: int, seed: int) -> Floats:
    """An orthogonal ``(width, width)`` matrix, drawn uniformly and keyed by ``seed``."""
    normal = torch.randn(width, width, generator=generator(seed, "init", 0), dtype=torch.float64)
    with one_core():
        q, r = torch.linalg.qr(normal)
        found: Floats = (q * torch.sign(torch.diagonal(r))).numpy()
    return found


def balanced_layers(task: Task, depth: int, kappa: Floats, turn: Floats) -> list[Floats]:
    """Weights of one pathway, first layer first, whose product is ``left @ diag(kappa[:8]) @ right.T``.

    ``W_1 = R d V^T``, ``W_i = R d R^T``, ``W_D = U d R^T`` with ``d = kappa^(1/D)``: balanced, and in the task's modes.

    Args:
        task: gives U and V.
        depth: D, the number of weight matrices.
        kappa: ``(width,)``.
        turn: R, ``(width, width)``.
    """
    if depth == 1:
        return [task.left * kappa[:ITEMS] @ task.right.T]
    d = kappa ** (1 / depth)
    first = turn[:, :ITEMS] * d[:ITEMS] @ task.right.T
    last = task.left * d[:ITEMS] @ turn[:, :ITEMS].T
    scaled, turned = torch.from_numpy(turn * d), torch.from_numpy(turn)
    with one_core():
        middle: Floats = (scaled @ turned.mT).numpy()
    return [first, *(middle for _ in range(depth - 2)), last]
