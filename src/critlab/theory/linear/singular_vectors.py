"""The flow of singular values and vectors of a deep linear network, and gradient descent on its layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from critlab.theory.linear.checks import Floats, number, one_of, refuse, whole
from critlab.theory.linear.portable import portable_instance

Form = Literal["singular", "product"]
Gradient = Callable[[Floats], Floats]


@dataclass(frozen=True)
class SingularVectorFlow:
    """Singular values over time, of the flow and of gradient descent from the same start.

    Args:
        states: int64 ``(recorded,)``: updates before each row.
        flow: ``(recorded, n)``, from the largest.
        descent: the same, by gradient descent.
        switch: the update at which the second task begins.
    """

    states: Tensor
    flow: Tensor
    descent: Tensor
    switch: int

    @property
    def gap(self) -> float:
        """The largest difference between both, over all recorded states and singular values: O(step)."""
        return float((self.flow - self.descent).abs().max())


def singular_vector_flow(
    size: int,
    *,
    ranks: tuple[int, int] = (8, 2),
    observed: int = 5000,
    depth: int = 3,
    step: float = 0.25,
    switch: int = 10000,
    recovery: int = 10000,
    init_scale: float = 1e-3,
    jitter: float = 1e-5,
    seed: int = 1,
    form: Form = "singular",
    record_every: int = 1,
) -> SingularVectorFlow:
    """Completes a matrix, task 1 for ``switch`` steps and task 2 for ``recovery``, by the flow and by gradient descent.

    The flow, with W = U diag(s) V^T the product and G the gradient of the loss by W:
    ``ds_r/dt = -D (s_r^2)^(1-1/D) <u_r, G v_r>``, with the equations of U and V in :func:`singular_velocity`. Both
    start at equal diagonal layers, ``init_scale^(1/D)`` plus the same jitter in each, which are balanced.

    Args:
        size: n.
        ranks: of both tasks.
        observed: entries seen, the same in both tasks.
        depth: D, at least 2.
        step: of Euler's method, and the learning rate; for the same time at half the step, double the counts.
        switch: updates on task 1.
        recovery: updates on task 2.
        init_scale: of the initial product, about which it is a multiple of the identity.
        jitter: standard deviation of the differences between the diagonal entries of a layer.
        seed: of the portable instance that gives tasks and entries, and of the jitter.
        form: ``"singular"``, the equations of the paper, or ``"product"``, the same without their poles.
        record_every: updates between two recorded states; the last one is always recorded.

    Returns:
        All n singular values of both at the recorded states.

    Raises:
        StudyError: an argument is out of range.

    Cost: one decomposition of an n x n matrix a step in the singular form and the product form.

    Source: Arora et al. 2019, theorem 3 and lemma 2; Kleinman et al. 2023 (arXiv 2308.12221), appendix.
    """
    whole("size", size, 1), whole("depth", depth, 2), whole("switch", switch, 0), whole("recovery", recovery, 1)
    number("step", step, 0, above=True), number("init_scale", init_scale, 0, above=True), number("jitter", jitter, 0)
    whole("record_every", record_every, 1), one_of("form", form, get_args(Form))
    if whole("observed", observed, 1) > size * size:
        raise refuse("observed", observed, f"at most size^2, {size * size}")
    for rank in ranks:
        if whole("ranks", rank, 1) > size:
            raise refuse("ranks", rank, f"at most size, {size}")
    instance = portable_instance(size, ranks, observed, 1, 1.0, whole("seed", seed, 0))
    mask = np.zeros((size, size))
    mask[instance.rows, instance.columns] = 1 / observed
    gradients = [partial(_gradient, target=target, mask=mask) for target in instance.targets]
    diagonal = init_scale ** (1 / depth) + jitter * np.random.RandomState(seed + 1).randn(size)
    times = [*range(0, switch + recovery, record_every), switch + recovery]
    flow = _flow(np.diag(diagonal**depth), depth, step, gradients, switch, times, form)
    descent = _descent(np.diag(diagonal), depth, step, gradients, switch, times)
    return SingularVectorFlow(torch.tensor(times), torch.from_numpy(flow), torch.from_numpy(descent), switch)


def singular_velocity(u: Floats, s: Floats, v: Floats, gradient: Floats, depth: int) -> Floats:
    """dW/dt of a balanced product ``W = u diag(s) v^T``, from the velocities of its singular values and vectors.

    ``dU/dt = -U (F o [U^T G V S + S V^T G^T U]) - (I - U U^T) G V S^(1-2/D)``, and V in the same way, with
    ``F_ij = 1 / (s_j^(2/D) - s_i^(2/D))`` and 0 on the diagonal.

    Args:
        u: ``(n, n)`` orthogonal.
        s: ``(n,)``, all different.
        v: ``(n, n)`` orthogonal.
        gradient: G, ``(n, n)``.
        depth: D.

    Source: Arora et al. 2019, theorem 3 and lemma 2.
    """
    seen = u.T @ gradient @ v
    powers = s ** (2 / depth)
    with np.errstate(divide="ignore"):
        poles = 1 / (powers[None, :] - powers[:, None])
    np.fill_diagonal(poles, 0)
    ds = -depth * (s * s) ** (1 - 1 / depth) * np.diagonal(seen)
    # (I - U U^T) and (I - V V^T) vanish for square matrices
    du = -u @ (poles * (seen * s + (seen * s).T))
    dv = -v @ (poles * (seen.T * s + (seen.T * s).T))
    found: Floats = (du * s) @ v.T + (u * ds) @ v.T + (u * s) @ dv.T
    return found


def product_velocity(u: Floats, s: Floats, v: Floats, gradient: Floats, depth: int) -> Floats:
    """The same velocity without poles: ``-U (C o U^T G V) V^T``, ``C_ij = sum_k s_i^(2(k-1)/D) s_j^(2(D-k)/D)``.

    Args:
        u: ``(n, n)`` orthogonal.
        s: ``(n,)``, also with equal values.
        v: ``(n, n)`` orthogonal.
        gradient: G, ``(n, n)``.
        depth: D.

    Source: Arora, Cohen and Hazan 2018, the end-to-end update of balanced layers.
    """
    powers = s ** (2 / depth)
    weights = sum(np.outer(powers ** (k - 1), powers ** (depth - k)) for k in range(1, depth + 1))
    found: Floats = -u @ (weights * (u.T @ gradient @ v)) @ v.T
    return found


def _gradient(product: Floats, target: Floats, mask: Floats) -> Floats:
    found: Floats = mask * (product - target)
    return found


VELOCITIES = {"singular": singular_velocity, "product": product_velocity}


def _flow(
    product: Floats, depth: int, step: float, gradients: list[Any], switch: int, times: list[int], form: Form
) -> Floats:
    """Singular values of ``W <- W + step dW/dt`` at ``times``."""
    velocity, found, wanted = VELOCITIES[form], [], set(times)
    for update in range(times[-1] + 1):
        u, s, vt = np.linalg.svd(product)
        if update in wanted:
            found.append(s)
        gradient: Gradient = gradients[update >= switch]
        product = product + step * velocity(u, s, vt.T, gradient(product), depth)
    return np.stack(found)


def _descent(layer: Floats, depth: int, step: float, gradients: list[Any], switch: int, times: list[int]) -> Floats:
    """Singular values of the product of ``depth`` layers under gradient descent, at ``times``."""
    layers, found, wanted = [layer.copy() for _ in range(depth)], [], set(times)
    for update in range(times[-1] + 1):
        products = [layers[0]]
        for following in layers[1:]:
            products.append(products[-1] @ following)
        if update in wanted:
            found.append(np.linalg.svd(products[-1], compute_uv=False))
        gradient: Gradient = gradients[update >= switch]
        back = step * gradient(products[-1])
        for i in range(depth - 1, 0, -1):
            change = products[i - 1].T @ back
            back = back @ layers[i].T
            layers[i] = layers[i] - change
        layers[0] = layers[0] - back
    return np.stack(found)
