"""Small tasks for the theory: XOR clusters, two classes of images, and a user's own arrays made ready."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.data import load
from critlab.data.spec import DataSpec
from critlab.theory.kernels.model import matrix, positive, whole

CORNERS = ((1, 1), (-1, -1), (1, -1), (-1, 1))


def xor_task(
    points: int, dimension: int = 10, *, radius: float = 1.0, spread: float = 0.5, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Four Gaussian clusters whose labels are the product of two signs.

    ``x = r sqrt(D/2) (s1 e1 + s2 e2) + sigma xi``, label ``s1 s2``; point a lies in cluster ``a mod 4``, in the order
    (1, 1), (-1, -1), (1, -1), (-1, 1). XOR is even in x: an odd network (erf, no bias) cannot learn it.

    Args:
        points: P, at least 2.
        dimension: D, at least 2.
        radius: r, above 0.
        spread: sigma, at least 0.
        seed: of ``numpy.random.default_rng``.

    Returns:
        Inputs ``(P, D)`` and targets ``(P,)`` of -1 and 1, float64.

    Raises:
        StudyError: a number out of range.

    Source: task: Refinetti et al. 2021, as named by Fischer et al. 2024; numbers: ours.
    """
    count, size = whole("points", points, 2), whole("dimension", dimension, 2)
    width, spread = positive("radius", radius) * math.sqrt(size / 2), positive("spread", spread, zero=True)
    inputs = spread * np.random.default_rng(whole("seed", seed, 0)).standard_normal((count, size))
    signs = np.array([CORNERS[a % 4] for a in range(count)], dtype=np.float64)
    inputs[:, :2] += width * signs
    return torch.from_numpy(inputs), torch.from_numpy(signs.prod(1))


def image_task(
    points: int, *, data: str = "sample", classes: tuple[int, int] = (0, 3), folder: Path | None = None
) -> tuple[Tensor, Tensor]:
    """Two classes of a data set of images: the first ``points / 2`` training images of each, in file order.

    Args:
        points: P, even, at least 2.
        data: a data set's name: "mnist" as in the paper, "fashion_mnist", or "sample", the part of Fashion-MNIST
            that ships with critlab.
        classes: the labels that become +1 and -1.
        folder: as in :func:`critlab.data.load`.

    Returns:
        As :func:`array_task`, the first class first.

    Raises:
        StudyError: a number out of range, or too few images.
        DataError: the data set is missing or damaged.

    Source: digits 0 and 3: Fischer et al. 2024; Fashion-MNIST in their place: ours.
    """
    found = load(DataSpec(name=data), folder)
    return array_task(found.train_images, found.train_labels, points=points, classes=classes)


def array_task(
    arrays: Any, labels: Any, *, points: int | None = None, classes: tuple[int, int] | None = None
) -> tuple[Tensor, Tensor]:
    """Your own arrays as inputs and targets: two classes, centred, every example scaled to ``|x|^2 = D``.

    Args:
        arrays: ``(n, ...)``, finite; flattened to ``(n, D)``.
        labels: ``(n,)``, whole numbers.
        points: P, even: the first P/2 of each class; None takes as many as both classes have.
        classes: the labels that become +1 and -1; None asks for exactly two in ``labels``.

    Returns:
        Inputs ``(P, D)`` and targets ``(P,)`` of -1 and 1, float64. The mean of each coordinate over the P examples
        is taken out before scaling.

    Raises:
        StudyError: arrays that do not fit together, too few examples, or one that equals the mean of all.
    """
    values, names = matrix("arrays", arrays), matrix("labels", labels)
    if values.ndim < 2 or names.ndim != 1 or len(values) != len(names):
        shapes = f"{tuple(values.shape)} and {tuple(names.shape)}"
        raise StudyError(f"arrays and labels: received shapes {shapes}; must be (n, ...) and (n,)")
    pair = tuple(classes) if classes is not None else tuple(sorted({int(name) for name in names}, reverse=True))
    if len(pair) != 2 or pair[0] == pair[1]:
        raise StudyError(f"classes: received {pair}; must be two different labels")
    rows = [names.eq(label).nonzero().flatten() for label in pair]
    most = 2 * min(map(len, rows))
    count = most if points is None else whole("points", points, 2)
    if count % 2 or not 2 <= count <= most:
        raise StudyError(f"points: received {count}; must be even, from 2 to {most}: half of them from each class")
    chosen = values[torch.cat([row[: count // 2] for row in rows])].flatten(1)
    centred = chosen - chosen.mean(0)
    norms = centred.norm(dim=1, keepdim=True)
    if float(norms.min()) == 0:
        raise StudyError("arrays: an example equals the mean of all and cannot be scaled; omit it")
    targets = torch.ones(count, dtype=torch.float64)
    targets[count // 2 :] = -1
    return centred / norms * math.sqrt(centred.shape[1]), targets
