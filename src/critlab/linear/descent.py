"""Gradient descent on products of square matrices, many at once: the products written by hand, no automatic gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

CACHE_BYTES = 4 << 20
"""Working memory of lanes that advance in one product: more of them fall out of a core's own cache and get slower."""


@dataclass(frozen=True)
class Lane:
    """One matrix on its way.

    Args:
        layers: A_1 .. A_D, each ``(size, size)``; the matrix is ``E = A_1 A_2 ... A_D``.
        target: what the observed entries should be, ``(size, size)``.
        mask: 1 where an entry is observed, else 0, ``(size, size)``.
        stops: increasing numbers of updates after which the layers are kept; the last one ends the lane.
    """

    layers: tuple[Tensor, ...]
    target: Tensor
    mask: Tensor
    stops: tuple[int, ...]


Kept = dict[int, tuple[Tensor, ...]]
"""Layers by the number of updates before them."""


def advance(lanes: Sequence[Lane], learning_rate: float, workers: int = 1) -> list[Kept]:
    """Advances lanes of one size and depth by full-batch gradient descent, and keeps their layers at their stops.

    The loss is half the mean over a lane's observed entries of ``(E - target)^2``. With ``G = mask (E - target)`` and
    ``rate = learning_rate / observed``: ``A_k -= rate (A_1..A_{k-1})^T G (A_{k+1}..A_D)^T``. A depth of 1 needs no steps,
    since every observed entry decays by ``1 - rate`` an update.

    Args:
        lanes: they advance together, in one batched product for as many as a core's cache holds.
        learning_rate: of the updates.
        workers: threads that share the lanes, each with one core.

    Cost: ``3 (D - 1)`` products of ``size^2`` matrices a lane and update.
    """
    if not lanes:
        return []
    depth, first = len(lanes[0].layers), lanes[0].layers[0]
    bytes_each = first.numel() * first.element_size() * (2 * depth + 4)
    most = max(1, min(CACHE_BYTES // bytes_each, -(-len(lanes) // workers)))
    # lanes of one length side by side, so that a group shrinks late
    order = sorted(range(len(lanes)), key=lambda index: -lanes[index].stops[-1])
    groups = [order[i : i + most] for i in range(0, len(order), most)]
    found: list[Kept] = [{} for _ in lanes]

    def perform(group: list[int]) -> None:
        for index, kept in zip(group, _advance_group([lanes[i] for i in group], learning_rate), strict=True):
            found[index] = kept

    with one_thread(), ThreadPoolExecutor(workers) as pool:
        list(pool.map(perform, groups))
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Products on the calling core only: for matrices this small the threads' hand-over costs more than it saves."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _advance_group(lanes: Sequence[Lane], learning_rate: float) -> list[Kept]:
    torch.set_num_threads(1)  # the setting belongs to the thread
    found: list[Kept] = [{} for _ in lanes]
    active = list(range(len(lanes)))
    layers = [torch.stack(parts) for parts in zip(*(lane.layers for lane in lanes), strict=True)]
    done = 0
    for stop in sorted({stop for lane in lanes for stop in lane.stops}):
        going = [place for place, index in enumerate(active) if lanes[index].stops[-1] >= stop]
        layers = [part[going] for part in layers]
        active = [active[place] for place in going]
        _descend(layers, [lanes[index] for index in active], learning_rate, stop - done)
        done = stop
        for place, index in enumerate(active):
            if stop in lanes[index].stops:
                found[index][stop] = tuple(part[place].clone() for part in layers)
    return found


def _descend(layers: list[Tensor], lanes: Sequence[Lane], learning_rate: float, updates: int) -> None:
    """Advances stacked layers, each ``(lanes, size, size)``, in place."""
    target, mask = torch.stack([lane.target for lane in lanes]), torch.stack([lane.mask for lane in lanes])
    rate = learning_rate / mask.sum((1, 2), keepdim=True)
    if len(layers) == 1:
        layers[0] += mask * (target - layers[0]) * (1 - (1 - rate.double()) ** updates).to(mask.dtype)
    elif updates:
        step = _one_update(layers, mask, target * mask, rate)
        for _ in range(updates):
            step()


def _one_update(layers: list[Tensor], mask: Tensor, target: Tensor, rate: Tensor) -> Callable[[], None]:
    """The function that makes one update in place; ``target`` is 0 where nothing is observed."""
    scaled, wanted = mask * rate, -target * rate
    # heads[k] = A_1 .. A_{k+1}; the views and the memory of every product are made once
    heads = [layers[0], *(torch.empty_like(mask) for _ in layers[1:])]
    backs = [torch.empty_like(mask), torch.empty_like(mask)]
    turned_heads, turned_layers = [head.mT for head in heads], [layer.mT for layer in layers]
    depth = len(layers)

    def update() -> None:
        for k in range(1, depth):
            torch.bmm(heads[k - 1], layers[k], out=heads[k])
        back, spare = backs
        torch.addcmul(wanted, scaled, heads[-1], out=back)
        for k in range(depth - 1, 0, -1):
            torch.bmm(back, turned_layers[k], out=spare)
            layers[k].baddbmm_(turned_heads[k - 1], back, alpha=-1)
            back, spare = spare, back
        layers[0].sub_(back)

    return update
