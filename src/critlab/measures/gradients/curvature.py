"""The sharpest direction of the loss: the largest eigenvalue of its Hessian."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from critlab._core.errors import StudyError
from critlab._core.estimate import Estimate
from critlab.measures.components.curvature import Curvature
from critlab.measures.eval_guard import eval_guard
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.head import checked_labels, checked_output, fitted_labels, operations
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.parameter_groups import (
    ParameterGroups,
    flat,
    in_graphs,
    real,
    refuse_mixing,
)

AT_ONCE = 64
"""Images whose graph is held at a time, for the second backward pass."""

NO_SECOND_DERIVATIVE = (
    "derivative for",  # "the derivative for 'aten::...' is not implemented"
    "differentiate twice",
    "double backward",
    "does not require grad and does not have a grad_fn",
)
"""Parts of torch's messages where an operation has no second derivative."""


def hessian_top_eigenvalue(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    generator: torch.Generator,
    tolerance: float = 1e-2,
    iterations: int = 40,
    likelihood: Likelihood | str = "categorical",
) -> Estimate:
    """The largest eigenvalue of the Hessian of the mean loss in all weights that learn, in nats.

    By Lanczos iteration from a random direction, with full reorthogonalisation: the Hessian is only ever multiplied by
    a vector, ``H v = d (g . v) / dw``, with g the gradient.

    Args:
        model: gives logits ``(N, classes)`` or ``(N, heads, classes)``, and can be differentiated twice; it is left as
            it was. Evaluation mode.
        images: ``(N, ...)`` as the model takes them.
        labels: int64 ``(N,)`` or ``(N, heads)``; the loss is the mean over those that are not -1.
        generator: source of the first direction; it advances.
        tolerance: the iteration ends where the residual is no more than this part of the value.
        iterations: or after so many products at most.
        likelihood: of the labels: the loss is its mean negative log-likelihood.

    Raises:
        StudyError: nothing to differentiate, no such output, labels that do not fit, or options out of range.
        Diverged: logits are not finite.

    Error: no chance is left but the first direction. ``stderr`` is the residual ``|| H u - value u ||``, with u of
    length 1: so far away at most is an eigenvalue, almost surely the largest; the error itself is nearer to its square
    over the distance to the next eigenvalue. The value is never above the largest but for rounding, which in float32
    is about 1e-5 of the largest absolute eigenvalue.

    Cost: for each product a forward pass, a backward pass and one through both for each image; memory for
    ``iterations`` copies of the parameters. Measured at 256 images, All-CNN of width 24 in its first epoch, 28 x 28,
    one thread: 0.6 of a training epoch of 10,000 images.

    Source: Lanczos 1950; as a measure of training: Jastrzebski et al. 2020.
    """
    weights = ParameterGroups.of(model, "curvature")
    refuse_mixing(model, "curvature")
    if len(images) < 1 or iterations < 1 or not 0 < tolerance < 1:
        raise StudyError(
            f"curvature: received {len(images)} images, {iterations} iterations and tolerance {tolerance}; "
            "images and iterations must be at least 1, tolerance between 0 and 1"
        )
    first = torch.cat(
        [
            torch.randn(numbers.numel(), generator=generator, device=generator.device).to(numbers)
            for numbers in map(real, weights.parameters)
        ]
    )
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with eval_guard(model, seed), _twice_differentiable():
        seen = in_graphs(images)
        given = checked_labels(labels, seen, "curvature").to(seen.device)
        loss = _Loss(model, weights, seen, given, likelihood_of(likelihood, "curvature"))
        return lanczos(loss.hessian_times, first, tolerance=tolerance, iterations=iterations)


def lanczos(times: Callable[[Tensor], Tensor], first: Tensor, *, tolerance: float, iterations: int) -> Estimate:
    """The largest eigenvalue of a symmetric matrix, and the length of its residual.

    Args:
        times: the matrix times a vector ``(n,)``.
        first: the first direction, ``(n,)``, not 0.
        tolerance: ends the iteration: the residual's part of the value.
        iterations: ends it too.
    """
    basis = [first / torch.linalg.vector_norm(first)]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        product = times(basis[-1])
        diagonal.append(float(product.double() @ basis[-1].double()))
        known = torch.stack(basis)
        for _ in range(2):  # once leaves what rounding hides
            product = product - known.T @ (known @ product)
        beside.append(float(torch.linalg.vector_norm(product, dtype=torch.float64)))
        matrix = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
        values, vectors = np.linalg.eigh(matrix)
        value, residual = float(values[-1]), float(beside[-1] * abs(vectors[-1, -1]))
        rounding = torch.finfo(first.dtype).eps * float(np.abs(values).max())
        done = residual <= tolerance * abs(value) or beside[-1] <= rounding
        if done or len(basis) == min(iterations, len(first)):
            return Estimate(value, residual)
        basis.append(product / beside[-1])


@contextmanager
def _twice_differentiable() -> Iterator[None]:
    """Plain attention and uncompiled models, since fast kernels have no second derivative; refuses what has none."""
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.compiler.set_stance("force_eager"):
            yield
    except RuntimeError as error:
        said = str(error).splitlines()[0] if str(error) else ""
        if not any(sign in said for sign in NO_SECOND_DERIVATIVE):
            raise
        raise StudyError(
            f"curvature: model: cannot be differentiated twice ({said[:160]}); use layers with a second derivative, "
            "or omit this measure"
        ) from error


class _Loss:
    """The mean loss over images, as a function of the weights, for its second derivatives."""

    def __init__(
        self, model: nn.Module, weights: ParameterGroups, images: Tensor, labels: Tensor, likelihood: Likelihood
    ) -> None:
        self.model, self.weights, self.likelihood = model, weights, likelihood
        self.parts = list(zip(images.split(AT_ONCE), labels.split(AT_ONCE), strict=True))
        self.counted = max(int(likelihood.counted(labels).sum()), 1)

    def hessian_times(self, vector: Tensor) -> Tensor:
        """The Hessian times ``(numbers,)``, all parameters in a row."""
        return torch.stack([self._part(images, labels, vector) for images, labels in self.parts]).sum(0)

    def _part(self, images: Tensor, labels: Tensor, vector: Tensor) -> Tensor:
        output = checked_output(self.model(images), len(images), "curvature", self.likelihood, labels=labels.shape)
        chosen = fitted_labels(labels, output, "curvature", self.likelihood)
        loss = self.likelihood.negative_log_likelihood(output, chosen).sum() / self.counted
        parameters = self.weights.parameters
        gradients = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True, materialize_grads=True)
        along = torch.cat([flat(gradient) for gradient in gradients]) @ vector
        if not along.requires_grad:
            return torch.zeros_like(vector)
        if "Error" in operations(along):
            # torch would leave such weights out without a word, where unused ones are allowed
            raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
        second = torch.autograd.grad(along, parameters, allow_unused=True, materialize_grads=True)
        return torch.cat([flat(gradient) for gradient in second])


def measure(model: nn.Module, probe: Probe, options: Curvature) -> list[Reading]:
    """``curvature``, of the whole; see :func:`hessian_top_eigenvalue`."""
    found = hessian_top_eigenvalue(
        model,
        probe.images,
        probe.labels,
        generator=probe.generator(0),
        tolerance=options.tolerance,
        iterations=options.iterations,
        likelihood=options.likelihood or probe.likelihood,
    )
    return [Reading("curvature", "", found.value, found.stderr)]
