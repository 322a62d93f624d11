"""The network and the data of paper 4 as checked values: what every function of this room starts from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab.theory.kernels.averages.activations import Activation, Function, activation_of


@dataclass(frozen=True)
class Prior:
    """The network's prior.

    Args:
        scales: g_0 .. g_L: variance of a layer's weights times its number of inputs.
        bias: g_b, variance of every bias, the input layer's included.
        activation: phi.
    """

    scales: tuple[float, ...]
    bias: float
    activation: Activation

    @property
    def depth(self) -> int:
        """L, the number of hidden layers."""
        return len(self.scales) - 1


@dataclass(frozen=True)
class Problem:
    """A prior of finite width with the data that it meets.

    Args:
        prior: the network's prior.
        kernel: C^0, float64 ``(P, P)``.
        targets: Y, float64 ``(P, K)``.
        width: N of every hidden layer.
        noise: kappa, variance of the noise on the targets.
    """

    prior: Prior
    kernel: Tensor
    targets: Tensor
    width: int
    noise: float


def checked_prior(
    depth: int,
    weight_scale: float,
    input_scale: float | None,
    readout_scale: float | None,
    bias_scale: float,
    activation: str | Function | Activation,
) -> Prior:
    """The prior with these scales; ``input_scale`` and ``readout_scale`` equal ``weight_scale`` where None.

    Raises:
        StudyError: a value out of range.
    """
    layers = whole("depth", depth, 1)
    hidden = positive("weight_scale", weight_scale)
    first = hidden if input_scale is None else positive("input_scale", input_scale)
    last = hidden if readout_scale is None else positive("readout_scale", readout_scale)
    bias = positive("bias_scale", bias_scale, zero=True)
    return Prior((first, *[hidden] * (layers - 1), last), bias, activation_of(activation))


def checked_inputs(inputs: Any) -> Tensor:
    """The inputs as finite float64 ``(P, D)``.

    Raises:
        StudyError: they are no such array.
    """
    found = matrix("inputs", inputs)
    if found.ndim != 2 or 0 in found.shape:
        raise StudyError(f"inputs: received shape {tuple(found.shape)}; must be (points, dimension), both at least 1")
    return found


def checked_problem(inputs: Any, targets: Any, prior: Prior, width: int, noise: float) -> Problem:
    """The problem of these data.

    Args:
        inputs: ``(P, D)``, P at least 2, no row twice.
        targets: ``(P,)`` or ``(P, K)``.
        prior: the network's prior.
        width: N, at least 1.
        noise: kappa, above 0.

    Raises:
        StudyError: the data are not finite, do not fit together or repeat a point, or a number is out of range.
    """
    points = checked_inputs(inputs)
    if len(points) < 2:
        raise StudyError("inputs: received 1 point; must be at least 2, else there is nothing to align")
    values = matrix("targets", targets)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(points) or values.shape[1] < 1:
        shape = tuple(values.shape)
        raise StudyError(f"targets: received shape {shape}; must be ({len(points)},) or ({len(points)}, outputs)")
    distinct, counts = np.unique(points.numpy(), axis=0, return_counts=True)
    if len(distinct) < len(points):
        first = points.eq(torch.from_numpy(distinct[counts.argmax()])).all(1).nonzero().flatten().tolist()[:2]
        raise StudyError(f"inputs: points {first[0]} and {first[1]} are equal; every point must be given once")
    return Problem(prior, input_kernel(points, prior), values, whole("width", width, 1), positive("noise", noise))


def input_kernel(inputs: Tensor, prior: Prior) -> Tensor:
    """``C^0 = g_0 X X^T / D + g_b``, ``(P, P)``.

    Raises:
        StudyError: inputs so large that their products are no longer finite.
    """
    kernel = prior.scales[0] * inputs @ inputs.T / inputs.shape[1] + prior.bias
    if not kernel.isfinite().all():
        largest = float(inputs.abs().max())
        raise StudyError(f"inputs: up to {largest:.0e} in size, their products are not finite; scale them down")
    return kernel


def matrix(field: str, value: Any) -> Tensor:
    """``value``, an array, a tensor or nested lists, as finite float64 on the CPU, detached.

    Raises:
        StudyError: it holds no numbers, or some that are not finite.
    """
    try:
        # a read-only array, as images from a file are, would make torch warn; lists would become float32
        listed = isinstance(value, Sequence) and not isinstance(value, str)
        kind = torch.float64 if listed else None
        given = torch.as_tensor(value.copy() if isinstance(value, np.ndarray) else value, dtype=kind).detach()
        if given.is_complex():
            raise TypeError("complex")
        found = given.to("cpu", torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise StudyError(f"{field}: received {shown(value)}; must be an array of real numbers") from None
    bad = int((~found.isfinite()).sum())
    if bad:
        raise StudyError(f"{field}: {bad} of {found.numel()} numbers are not finite; remove or replace them")
    return found


def positive(field: str, value: Any, *, zero: bool = False) -> float:
    """``value`` as a finite number above 0, or at least 0 where ``zero``.

    Raises:
        StudyError: it is none.
    """
    number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < 0 or (value == 0 and not zero):
        raise StudyError(
            f"{field}: received {shown(value)}; must be a finite number {'of at least' if zero else 'above'} 0"
        )
    return float(value)


def whole(field: str, value: Any, least: int) -> int:
    """``value`` as an integer of at least ``least``.

    Raises:
        StudyError: it is none.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise StudyError(f"{field}: received {shown(value)}; must be an integer of at least {least}")
    return int(value)


def one_of(field: str, value: Any, allowed: Sequence[str]) -> str:
    """``value`` where it is one of the ``allowed`` names.

    Raises:
        StudyError: it is not.
    """
    if value not in allowed:
        raise StudyError(f"{field}: received {shown(value)}; must be one of {', '.join(allowed)}")
    return str(value)
