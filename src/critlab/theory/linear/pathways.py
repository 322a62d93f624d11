"""Two pathways that share a task: gradient descent on their weight matrices, under gates and lesions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.theory.linear.checks import Floats, number, numpy_type, one_of, whole, wholes
from critlab.theory.linear.completion.cores import one_core, stacked
from critlab.theory.linear.gates import PATHWAYS, Gate, Lesion, Pathway, gates_of_runs, lesioned_modes, open_updates
from critlab.theory.linear.hierarchy import FEATURES, ITEMS, Task, balanced_layers, hierarchy, kappas, rotation
from critlab.theory.linear.trajectory import PathwayTrajectory

Activation = Literal["linear", "tanh", "relu"]

RECORDED_AT_ONCE = 4096
"""States whose products are held before they become mode strengths, which keeps long runs small in memory."""


def train_pathways(
    depth: int,
    *,
    kappa: Any,
    learning_rate: float = 0.01,
    steps: int = 1000,
    width: int = 100,
    activation: Activation = "linear",
    gates: Sequence[Gate] | Sequence[Sequence[Gate]] = (),
    lesions: Sequence[Lesion] = (),
    rotation_seed: int | Sequence[int] = 0,
    dtype: torch.dtype = torch.float64,
) -> PathwayTrajectory:
    """Trains both pathways together on the tree of 8 items and 15 features, by full-batch gradient descent.

    The network's output is ``Omega_a + Omega_b``, each a product of ``depth`` matrices without bias; the loss is half
    the sum of squared errors over the 15 x 8 labels. Both pathways start equal and balanced in the task's modes. A
    gated pathway gets no gradient and stays in the output; a lesioned mode is missing from the output for ever.

    Args:
        depth: D, the number of weight matrices of a pathway, at least 1.
        kappa: start strength of the modes: a number, 8, or one for each hidden direction; given 8, the rest take the
            last value.
        learning_rate: above 0.
        steps: recorded states; the strengths are read before each update.
        width: hidden units, at least 8.
        activation: after every layer, the last one included: ``"linear"``, ``"tanh"`` or ``"relu"``.
        gates: windows without gradient; a sequence of sequences trains one run for each, all in one batch.
        lesions: missing modes, the same in all runs.
        rotation_seed: keys the random rotation of the hidden layers, and the draws of stochastic gates (the first
            seed); several train one run for each. Without activation it changes nothing but rounding.
        dtype: float64 or float32.

    Returns:
        ``a`` and ``b``: K_x = diag(U^T Omega_x V), ``(steps, 8)``, or ``(steps, runs, 8)`` where ``gates`` or
        ``rotation_seed`` held several. Equal singular values share a subspace: with an activation average over them.

    Raises:
        StudyError: an argument is out of range.

    Without activation, gradient descent does not know the hidden basis, and from this start no gradient leaves the span
    of the rotation's first 8 columns: the 8 x 8 blocks of the weight matrices in that basis are what is trained, and
    the rest of the matrices, which the output never feels, stays where it is. The tests compare with full matrices.

    Cost: about 3 ``depth`` products of small matrices a step, for all runs at once; no automatic differentiation.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), two-pathway networks; the batch over runs is ours.
    """
    whole("depth", depth, 1), whole("steps", steps, 1), number("learning_rate", learning_rate, 0, above=True)
    whole("width", width, ITEMS), one_of("activation", activation, get_args(Activation))
    runs, seeds = gates_of_runs(gates), wholes("rotation_seed", rotation_seed, 0)
    count = max(len(runs), len(seeds))
    if {len(runs), len(seeds)} - {1, count}:
        raise StudyError(f"gates: received {len(runs)} runs for {len(seeds)} rotation seeds; must be as many, or one")
    task, kind = hierarchy(), numpy_type(dtype)
    strengths = kappas(kappa, width)
    if activation == "linear":
        start = [balanced_layers(task, depth, strengths[:ITEMS], np.eye(ITEMS))]
    else:
        start = [balanced_layers(task, depth, strengths, rotation(width, seed)) for seed in seeds]
    layers = [_tiled(parts, count, kind) for parts in zip(*start, strict=True)]
    free = open_updates(runs, steps, "before", seeds[0])
    strengths_over_time = _descend(
        layers, learning_rate, free, _BENDS[activation], _Output(task, lesioned_modes(lesions), count, kind)
    )
    shape = (steps, 8) if count == 1 and not _several(gates, rotation_seed) else (steps, count, 8)
    a, b = (torch.from_numpy(strengths_over_time[:, i].reshape(shape).copy()) for i in range(2))
    return PathwayTrajectory(a, b, torch.from_numpy(task.strengths).to(dtype), torch.arange(steps))


def _several(gates: Any, rotation_seed: Any) -> bool:
    return not isinstance(rotation_seed, int) or (len(gates) > 0 and not isinstance(gates[0], Gate))


def _tiled(parts: Sequence[Floats], count: int, kind: type[np.floating[Any]]) -> Floats:
    """One layer of all runs and both pathways, ``(2, count, rows, columns)``, from one or ``count`` starts."""
    runs = np.broadcast_to(np.stack(parts), (count, *parts[0].shape))
    return np.repeat(runs[None], len(PATHWAYS), axis=0).astype(kind)


def _bend_tanh(before: Floats, out: Floats) -> None:
    np.tanh(before, out=out)


def _bend_relu(before: Floats, out: Floats) -> None:
    np.maximum(before, 0, out=out)


def _slope_tanh(after: Floats) -> Floats:
    slope: Floats = 1 - after * after
    return slope


def _slope_relu(after: Floats) -> Floats:
    return (after > 0).astype(after.dtype)


Bend = tuple[Callable[[Floats, Floats], None], Callable[[Floats], Floats]]
_BENDS: dict[str, Bend | None] = {"linear": None, "tanh": (_bend_tanh, _slope_tanh), "relu": (_bend_relu, _slope_relu)}
"""The activation, written into its second argument, and its slope as a function of its value."""


class _Output:
    """The network's output and loss, and how mode strengths are read from the pathways' products."""

    def __init__(
        self, task: Task, missing: dict[Pathway, tuple[int, ...]], count: int, kind: type[np.floating[Any]]
    ) -> None:
        self.labels = task.labels.astype(kind)
        self.residual = np.empty((count, FEATURES, ITEMS), kind)
        self.read = np.einsum("im,jm->ijm", task.left, task.right).reshape(-1, ITEMS).astype(kind)
        self.lesion = any(missing.values())
        self.left = np.stack([_without(task.left, missing[name]) for name in PATHWAYS])[:, None].astype(kind)
        self.right = np.stack([_without(task.right, missing[name]) for name in PATHWAYS])[:, None].astype(kind)

    def error(self, products: Floats) -> Floats:
        """The gradient of the loss by each pathway's product: ``(2, runs, 15, 8)``, or ``(runs, 15, 8)`` for both."""
        seen = self.left @ products @ self.right if self.lesion else products
        np.add(seen[0], seen[1], out=self.residual)
        self.residual -= self.labels
        return self.left @ self.residual @ self.right if self.lesion else self.residual

    def strengths(self, products: Floats) -> Floats:
        """Mode strengths ``(..., 8)`` of products ``(..., 15, 8)``."""
        found: Floats = products.reshape(*products.shape[:-2], -1) @ self.read
        return found


def _without(basis: Floats, modes: tuple[int, ...]) -> Floats:
    """The projection that takes ``modes``, columns of ``basis``, out."""
    columns = basis[:, list(modes)]
    found: Floats = np.eye(len(basis)) - columns @ columns.T
    return found


def _descend(layers: list[Floats], rate: float, free: NDArray[np.bool_], bend: Bend | None, output: _Output) -> Floats:
    """Advances ``layers`` in place and gives the strengths before each update, ``(steps, 2, runs, 8)``."""
    steps, depth = len(free), len(layers)
    signals = [np.empty((*layer.shape[:-1], ITEMS), layer.dtype) for layer in layers]
    changes = [np.empty_like(layer) for layer in layers]
    backs = [np.empty_like(signal) for signal in signals]
    # the last signal is the product: it is written where it is kept, chunk by chunk
    held = np.empty((min(steps, RECORDED_AT_ONCE), *signals[-1].shape), layers[0].dtype)
    weights, sent = [stacked(layer) for layer in layers], [stacked(back) for back in backs]
    heard, moved = [stacked(signal) for signal in signals[:-1]], [stacked(change) for change in changes]
    found, ungated = [], np.atleast_1d(free.all((1, 2))).tolist()
    with np.errstate(over="ignore", invalid="ignore"), one_core():
        for step in range(steps):
            place = step % len(held)
            signals[-1] = held[place]
            _forward(layers, signals, weights, [*heard, stacked(signals[-1])], bend)
            if place == len(held) - 1 or step == steps - 1:
                found.append(output.strengths(held[: place + 1]))
            if step == steps - 1:
                break
            np.multiply(output.error(signals[-1]), rate, out=backs[-1])
            if not ungated[step]:
                backs[-1] *= free[step][:, :, None, None]
            for i in range(depth - 1, -1, -1):
                if bend:
                    backs[i] *= bend[1](signals[i])
                if i:
                    torch.bmm(weights[i].mT, sent[i], out=sent[i - 1])
                    torch.bmm(sent[i], heard[i - 1].mT, out=moved[i])
                layers[i] -= changes[i] if i else backs[0]
    return np.concatenate(found)


def _forward(
    layers: Sequence[Floats],
    signals: Sequence[Floats],
    weights: Sequence[Tensor],
    heard: Sequence[Tensor],
    bend: Bend | None,
) -> None:
    """Writes what every layer says about the 8 items, ``(2, runs, rows, 8)``, into ``signals``.

    ``weights`` and ``heard`` are ``layers`` and ``signals`` as tensors in the same memory.
    """
    for i, layer in enumerate(layers):
        if i:
            torch.bmm(weights[i], heard[i - 1], out=heard[i])
        else:
            signals[0][...] = layer
        if bend:
            bend[0](signals[i], signals[i])
