"""Activation functions with their Gaussian averages: closed forms for erf, linear and ReLU, quadrature for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown
from critlab.theory.kernels.averages.quadrature import hermite_products

Function = Callable[[Tensor], Tensor]
_TINY = 1e-300


class Moments(NamedTuple):
    """Gaussian averages over ``h ~ N(0, K)`` for all pairs of points, each ``(P, P)``.

    Args:
        product: ``<phi_a phi_b>``.
        slopes: ``<phi'_a phi'_b>``.
        curvature: ``<phi''_a phi_b>``, row a, column b.
    """

    product: Tensor
    slopes: Tensor
    curvature: Tensor


@dataclass(frozen=True)
class Activation:
    """An activation function, elementwise on float64.

    Args:
        name: as shown to a person.
        value: phi.
        slope: phi'.
        moments: from a kernel ``(P, P)`` to its :class:`Moments`.
        curvature: phi''; None where it is no function (ReLU) or not known.
        odd: whether phi(-h) = -phi(h), which halves the number of draws that need to be computed.
        linear: whether phi(h) = h: tilted averages are then closed forms too, and no draws are used.
    """

    name: str
    value: Function
    slope: Function
    moments: Callable[[Tensor], Moments]
    curvature: Function | None = None
    odd: bool = False
    linear: bool = False


def activation_of(choice: str | Function | Activation) -> Activation:
    """The activation that ``choice`` stands for: a name, an :class:`Activation`, or any elementwise torch function.

    A function's Gaussian averages come from Gauss-Hermite quadrature with 128 nodes: to about 1e-6 for smooth
    functions such as tanh at variances up to 5, to a few 1e-3 where there is a kink. Its slope is found by automatic
    differentiation.

    Raises:
        StudyError: an unknown name, or something that is no elementwise function.
    """
    if isinstance(choice, Activation):
        return choice
    if isinstance(choice, str):
        if choice in ACTIVATIONS:
            return ACTIVATIONS[choice]
        raise StudyError(f"activation: received {choice!r}{nearest(choice, ACTIVATIONS)}, or an elementwise function")
    if not callable(choice):
        allowed = ", ".join(ACTIVATIONS)
        raise StudyError(f"activation: received {shown(choice)}; must be one of {allowed}, or an elementwise function")
    return _of_function(choice)


def _of_function(function: Function) -> Activation:
    name = getattr(function, "__name__", "function")
    probe = torch.linspace(-2, 2, 5, dtype=torch.float64)
    found = function(probe)
    if not isinstance(found, Tensor) or found.shape != probe.shape or not found.isfinite().all():
        raise StudyError(f"activation: {name} must give a finite tensor of the shape it receives, element by element")

    def slope(h: Tensor) -> Tensor:
        with torch.enable_grad():
            at = h.detach().requires_grad_()
            return torch.autograd.grad(function(at).sum(), at)[0]

    return Activation(name, function, slope, lambda kernel: hermite_products(kernel, function, slope, Moments))


def _erf_slope(h: Tensor) -> Tensor:
    return 2 / math.sqrt(math.pi) * (-h.square()).exp()


def _erf_moments(kernel: Tensor) -> Moments:
    """The arcsine kernel and its derivatives (Williams 1998); ``<phi''_a phi_b> = -(2 / q_a) E_ab K_ab``."""
    scale = 1 + 2 * kernel.diagonal()
    both = scale[:, None] * scale[None, :]
    product = 2 / math.pi * torch.asin((2 * kernel / both.sqrt()).clamp(-1, 1))
    slopes = 4 / math.pi / (both - 4 * kernel.square()).sqrt()
    return Moments(product, slopes, -2 / scale[:, None] * slopes * kernel)


def _linear_moments(kernel: Tensor) -> Moments:
    return Moments(kernel, torch.ones_like(kernel), torch.zeros_like(kernel))


def _relu_moments(kernel: Tensor) -> Moments:
    """The arc-cosine kernels of Cho and Saul 2009; ``phi''`` is a delta function, its average is finite."""
    deviation = kernel.diagonal().clamp_min(_TINY).sqrt()
    both = deviation[:, None] * deviation[None, :]
    cosine = (kernel / both).clamp(-1, 1)
    sine, angle = (1 - cosine.square()).sqrt(), torch.arccos(cosine)
    # arccos loses half the digits next to 1, which the diagonal is exactly
    angle = angle - torch.diag(angle.diagonal())
    sine = sine - torch.diag(sine.diagonal())
    product = both * (sine + (math.pi - angle) * cosine) / (2 * math.pi)
    ratio = deviation[None, :] / deviation[:, None]
    return Moments(product, (math.pi - angle) / (2 * math.pi), ratio * sine / (2 * math.pi))


def _tanh_slope(h: Tensor) -> Tensor:
    return 1 - torch.tanh(h).square()


def _tanh_curvature(h: Tensor) -> Tensor:
    value = torch.tanh(h)
    return -2 * value * (1 - value.square())


ACTIVATIONS: dict[str, Activation] = {
    "erf": Activation("erf", torch.erf, _erf_slope, _erf_moments, curvature=lambda h: -2 * h * _erf_slope(h), odd=True),
    "linear": Activation(
        "linear", lambda h: h, torch.ones_like, _linear_moments, curvature=torch.zeros_like, odd=True, linear=True
    ),
    "relu": Activation("relu", torch.relu, lambda h: (h > 0).to(h), _relu_moments),
    "tanh": Activation(
        "tanh",
        torch.tanh,
        _tanh_slope,
        lambda kernel: hermite_products(kernel, torch.tanh, _tanh_slope, Moments),
        curvature=_tanh_curvature,
        odd=True,
    ),
}
"""By name; all averages closed but tanh's."""
