"""Deep and shallow linear networks that learn tasks from several sensors, with a sensor taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.theory.linear.checks import Floats, array, number, one_of, refuse, whole, wholes

PAPER = (
    (1, 0, 3, 1, 0, 0, 0, 0),
    (1, 0, 0, 0, 1, 0, 0, 0),
    (0, 1, 0, 0, 0, 1, 0, 0),
    (0, 1, 0, 0, 0, 0, 1, 0),
    (0, 0, 3, 0, 0, 0, 0, 1),
)
TREE = ((1, 1, 1, 1), (1, 1, 0, 0), (0, 0, 1, 1), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
TREE_SIGNED = ((1, 1, 1, 1), (1, 1, -1, -1), (-1, -1, 1, 1), (1, 0, 0, -1), (0, 1, -1, 0), (0, -1, 1, 0), (-1, 0, 0, 1))
TASKS = {"paper": (PAPER, False), "tree": (TREE, True), "tree_signed": (TREE_SIGNED, True)}
"""Named tasks, and whether their rows are scaled to norm 1.

Sources: "paper" is Kleinman, Achille and Soatto 2023 (arXiv 2210.04643), figure of the synthetic sensors; "tree" is
Saxe, McClelland and Ganguli 2019, figure 3; "tree_signed" is the variant in the former's published program.
"""

VANISHING = 1e-12
"""Singular values below this share of the largest are dropped: their curve would be 0/0."""


@dataclass(frozen=True)
class SensorCurves:
    """Weights from sensors to tasks over time.

    Args:
        time: t / tau, ``(points,)``.
        deep: ``(points, tasks, sensors)`` of the network with one hidden layer.
        shallow: the same of the one without.
        singular_values: of the task without the removed sensors, ``(min(tasks, sensors),)``.
    """

    time: Tensor
    deep: Tensor
    shallow: Tensor
    singular_values: Tensor


def sensor_curves(
    task: Any,
    *,
    start: float = 1e-4,
    horizon: float = 10.0,
    points: int = 1000,
    without: int | Sequence[int] | None = None,
    dtype: torch.dtype = torch.float64,
) -> SensorCurves:
    """The exact learning curves of a deep and a shallow linear network, from small weights in the task's modes.

    With ``Sigma = U s V^T`` and x = t/tau: deep ``a(x) = s / (1 + (s/a0 - 1) e^(-2 s x))``, shallow
    ``b(x) = s (1 - e^-x) + a0 e^-x``, and the weights are ``U a V^T``. Sensors are coupled through the modes of a deep
    network only.

    Args:
        task: ``(tasks, sensors)``, the correlations Sigma; or ``"paper"``, ``"tree"``, ``"tree_signed"``.
        start: a0, the initial strength of every mode, above 0.
        horizon: the last t/tau, above 0.
        points: of the grid ``linspace(0, horizon, points)``, at least 2.
        without: sensors that are removed; their columns come back as zeros.
        dtype: of the result.

    Returns:
        The curves; modes whose singular value is 0 are left out.

    Raises:
        StudyError: an argument is out of range.

    Source: Saxe, McClelland and Ganguli 2014 and 2019; Kleinman, Achille and Soatto 2023 (arXiv 2210.04643).
    """
    sigma = _named(one_of("task", task, tuple(TASKS))) if isinstance(task, str) else array("task", task, (2,))
    number("start", start, 0, above=True), number("horizon", horizon, 0, above=True), whole("points", points, 2)
    removed = () if without is None else wholes("without", without, 0)
    if removed and max(removed) >= sigma.shape[1]:
        raise refuse("without", max(removed), f"a sensor from 0 to {sigma.shape[1] - 1}")
    if len(removed) == sigma.shape[1] or not sigma.size:
        raise StudyError(f"without: received {removed}; must leave a sensor")
    left = [sensor for sensor in range(sigma.shape[1]) if sensor not in removed]
    u, s, vt = np.linalg.svd(sigma[:, left], full_matrices=False)
    known = s > VANISHING * max(1.0, s[0])
    x, strength = np.linspace(0, horizon, points), s[known]
    curves = []
    for modes in (deep_mode(strength, x[:, None], start), shallow_mode(strength, x[:, None], start)):
        weights = np.zeros((points, *sigma.shape))
        weights[:, :, left] = np.einsum("ik,tk,kj->tij", u[:, known], modes, vt[known], optimize=True)
        curves.append(torch.from_numpy(weights).to(dtype))
    return SensorCurves(torch.from_numpy(x).to(dtype), curves[0], curves[1], torch.from_numpy(s).to(dtype))


def deep_mode(s: Floats, x: Floats, start: float) -> Floats:
    """``s / (1 + (s/a0 - 1) e^(-2 s x))``, in the form that does not overflow.

    Args:
        s: singular values above 0.
        x: t/tau, broadcastable with ``s``.
        start: a0.

    Source: Saxe, McClelland and Ganguli 2014, equation of the mode strength.
    """
    found: Floats = s / (1 + (s / start - 1) * np.exp(-2 * s * x))
    return found


def shallow_mode(s: Floats, x: Floats, start: float) -> Floats:
    """``s (1 - e^-x) + a0 e^-x``, of the network without hidden layer; arguments as in :func:`deep_mode`."""
    found: Floats = s * -np.expm1(-x) + start * np.exp(-x)
    return found


def _named(name: str) -> Floats:
    rows, scaled = TASKS[name]
    sigma = np.array(rows, dtype=np.float64)
    return sigma / np.linalg.norm(sigma, axis=1, keepdims=True) if scaled else sigma
