"""Matrix completion by a deep linear network that first saw another task: what a deficit in a window leaves behind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from critlab.linear.checks import number, numpy_type, one_of, refuse, whole, wholes
from critlab.linear.descent import Kept, Lane, advance
from critlab.linear.portable import portable_instance

Instances = Literal["portable"]
Window = tuple[int, int]
SEVERAL_CORES_FROM = 64
"""The size of matrices from which two threads gain more than Python's lock costs."""


@dataclass(frozen=True)
class CompletionRun:
    """The end of one run.

    Args:
        depth: D, the number of factors.
        seed: of the instance.
        onset: the first update with the deficit.
        removal: the first one without.
        error: mean over all entries of ``(E - M)^2``, M the clean task's target; 1 is what E = 0 gives.
        train_loss: half the mean of it over the observed entries.
        singular_values: of E, descending, all ``size`` of them.
        trace: ``(update, singular values)`` in between, the ten largest, where ``record_every`` asked for it.
    """

    depth: int
    seed: int
    onset: int
    removal: int
    error: float
    train_loss: float
    singular_values: tuple[float, ...]
    trace: tuple[tuple[int, tuple[float, ...]], ...]


@dataclass(frozen=True)
class CompletionTable:
    """All runs of a call, ordered by depth, seed, onset and removal as these were given."""

    runs: tuple[CompletionRun, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One dict a run: depth, seed, onset, removal, error, train_loss, singular_values (a list)."""
        names = ("depth", "seed", "onset", "removal", "error", "train_loss")
        return [
            {**{name: getattr(run, name) for name in names}, "singular_values": list(run.singular_values)}
            for run in self.runs
        ]

    def trace_rows(self) -> list[dict[str, Any]]:
        """One dict a recorded value: depth, seed, onset, removal, update, index (from 0), singular_value."""
        names = ("depth", "seed", "onset", "removal")
        return [
            {**{name: getattr(run, name) for name in names}, "update": update, "index": i, "singular_value": value}
            for run in self.runs
            for update, values in run.trace
            for i, value in enumerate(values)
        ]


@dataclass(frozen=True)
class _Task:
    """One instance as tensors: the clean task, the deficit's, and the start."""

    seed: int
    target: Tensor
    mask: Tensor
    deficit_target: Tensor
    deficit_mask: Tensor
    layers: tuple[Tensor, ...]


@dataclass(frozen=True)
class _Sweep:
    """What :func:`complete_matrix` was asked for, apart from the instances."""

    windows: tuple[Window, ...]
    recovery: int
    learning_rate: float
    record_every: int
    workers: int

    @property
    def clean_ends(self) -> tuple[int, ...]:
        """Where clean runs end, those of empty windows."""
        return tuple(stop + self.recovery for start, stop in self.windows if start >= stop)

    @property
    def onsets(self) -> tuple[int, ...]:
        """Where deficits begin."""
        return tuple(sorted({start for start, stop in self.windows if start < stop}))

    def stops(self, needed: Sequence[int], offset: int = 0) -> tuple[int, ...]:
        """The needed updates, and those to record at: the multiples of ``record_every`` counted from the run's start."""
        if not self.record_every:
            return tuple(sorted(set(needed)))
        first = -offset % self.record_every
        return tuple(sorted({*needed, *range(first, max(needed) + 1, self.record_every)}))


def complete_matrix(
    size: int,
    *,
    ranks: int | Sequence[int] = (10, 5),
    observed: int = 2000,
    first_observed: int | None = None,
    depths: int | Sequence[int] = (3,),
    removals: int | Sequence[int] = (0,),
    onsets: int | Sequence[int] = (0,),
    windows: Sequence[Window] | None = None,
    recovery: int = 30000,
    init_scale: float = 1e-3,
    learning_rate: float = 0.2,
    seeds: int | Sequence[int] = (1,),
    instance: Instances = "portable",
    record_every: int = 0,
    dtype: torch.dtype = torch.float32,
) -> CompletionTable:
    """Completes a matrix by gradient descent on a product of ``depth`` square matrices, after a deficit in a window.

    The deficit acts in updates ``[onset, removal)``: the network learns task 1, of rank ``ranks[0]``; before, and for
    ``recovery`` updates after, it learns task 2, of rank ``ranks[1]``, from the same observed positions. Runs share
    what they have in common: the clean updates before an onset, and the deficit of all removals with the same onset.
    An empty window (``onset >= removal``) is a clean run of ``removal + recovery`` updates: with ``removal`` 0 the
    run without deficit, else the control with the same budget as a run with that removal.

    Args:
        size: of the square matrices.
        ranks: of the deficit's and of the clean task; one number means both.
        observed: entries that are seen, from 1 to ``size^2``.
        first_observed: where given, the deficit is seeing only so many of them, the first, with task 1's matrix as
            the target throughout.
        depths: numbers of factors, each at least 1.
        removals: every onset is combined with every removal.
        onsets: likewise.
        windows: instead of the two, the pairs (onset, removal) themselves.
        recovery: clean updates after the removal.
        init_scale: the start's factors have the standard deviation ``init_scale^(1/depth) / sqrt(size)``.
        learning_rate: above 0.
        seeds: of the instances.
        instance: how they are drawn; ``"portable"`` is :func:`critlab.linear.portable.portable_instance`.
        record_every: keep the ten largest singular values so often; 0 keeps none.
        dtype: of the computation. float32 and float64 agree within 1e-4 in the error, and float32 is twice as fast.

    Raises:
        StudyError: an argument is out of range.

    Cost: ``3 (depth - 1)`` products of ``size^2`` matrices an update; a depth of 1 has a closed form.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), matrix completion; onsets, equal budgets and sharing are ours.
    """
    whole("size", size, 2), one_of("instance", instance, get_args(Instances)), numpy_type(dtype)
    both = wholes("ranks", ranks, 1) if isinstance(ranks, int) else tuple(whole("ranks", rank, 1) for rank in ranks)
    if len(both) not in (1, 2):
        raise refuse("ranks", ranks, "two whole numbers, of the deficit's and of the clean task, or one for both")
    if whole("observed", observed, 1) > size * size:
        raise refuse("observed", observed, f"at most size^2, {size * size}")
    if first_observed is not None and whole("first_observed", first_observed, 1) > observed:
        raise refuse("first_observed", first_observed, f"at most observed, {observed}")
    number("init_scale", init_scale, 0, above=True), number("learning_rate", learning_rate, 0, above=True)
    workers = max(1, min(2, os.cpu_count() or 1)) if size >= SEVERAL_CORES_FROM else 1
    pairs = _windows(onsets, removals, windows)
    sweep = _Sweep(
        pairs, whole("recovery", recovery, 0), learning_rate, whole("record_every", record_every, 0), workers
    )
    runs: list[CompletionRun] = []
    for depth in wholes("depths", depths, 1):
        tasks = [
            _task(size, (both[0], both[-1]), observed, first_observed, depth, init_scale, seed, dtype)
            for seed in wholes("seeds", seeds, 0)
        ]
        runs += _completed(tasks, depth, sweep)
    return CompletionTable(tuple(runs))


def _windows(onsets: Any, removals: Any, windows: Any) -> tuple[Window, ...]:
    if windows is None:
        starts, stops = wholes("onsets", onsets, 0), wholes("removals", removals, 0)
        return tuple((start, stop) for start in starts for stop in stops)
    pairs = tuple(tuple(whole("windows", edge, 0) for edge in pair) for pair in windows)
    if not pairs or len(set(pairs)) < len(pairs) or any(len(pair) != 2 for pair in pairs):
        raise refuse("windows", windows, "a list of different pairs (onset, removal)")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _task(
    size: int,
    ranks: tuple[int, int],
    observed: int,
    first: int | None,
    depth: int,
    init_scale: float,
    seed: int,
    dtype: torch.dtype,
) -> _Task:
    drawn = portable_instance(size, ranks, observed, depth, init_scale, seed)
    entries = torch.from_numpy(drawn.observed)
    mask, part = torch.zeros(size * size, dtype=dtype), torch.zeros(size * size, dtype=dtype)
    mask[entries], part[entries[:first]] = 1, 1
    one, two = (torch.from_numpy(target).to(dtype) for target in (drawn.first, drawn.second))
    layers = tuple(torch.from_numpy(layer).to(dtype) for layer in drawn.layers)
    shape = (size, size)
    return _Task(seed, two if first is None else one, mask.view(shape), one, part.view(shape), layers)


def _completed(tasks: Sequence[_Task], depth: int, sweep: _Sweep) -> list[CompletionRun]:
    """All runs of one depth: clean trunks, then deficits from each onset, then recoveries from each removal."""
    places = [(task, onset) for task in tasks for onset in sweep.onsets]
    pairs = [(task, pair) for task in tasks for pair in sweep.windows if pair[0] < pair[1]]
    whole_clean = (*sweep.clean_ends, *sweep.onsets)
    clean = _advance([(t, False, t.layers, sweep.stops(whole_clean)) for t in tasks], sweep)
    trunks = dict(zip((task.seed for task in tasks), clean, strict=True))
    starts = [
        (t, True, trunks[t.seed][o], sweep.stops([r - o for p, r in sweep.windows if p == o < r], o)) for t, o in places
    ]
    spoiled = dict(zip(((t.seed, o) for t, o in places), _advance(starts, sweep), strict=True))
    ends = [(t, False, spoiled[t.seed, o][r - o], sweep.stops([sweep.recovery], r)) for t, (o, r) in pairs]
    recovered = dict(zip(((t.seed, pair) for t, pair in pairs), _advance(ends, sweep), strict=True))
    found = []
    for task in tasks:
        for onset, removal in sweep.windows:
            if onset >= removal:
                parts, end = [(0, removal + sweep.recovery, trunks[task.seed])], trunks[task.seed]
                final = end[removal + sweep.recovery]
            else:
                end = recovered[task.seed, (onset, removal)]
                final = end[sweep.recovery]
                parts = [(0, onset, trunks[task.seed]), (onset, removal, spoiled[task.seed, onset])]
                parts.append((removal, removal + sweep.recovery, end))
            found.append(_measured(task, depth, (onset, removal), final, _trace(parts, sweep.record_every)))
    return found


def _advance(lanes: Sequence[tuple[_Task, bool, tuple[Tensor, ...], tuple[int, ...]]], sweep: _Sweep) -> list[Kept]:
    """Advances each (task, whether under the deficit, layers, stops)."""
    made = [
        Lane(layers, *((t.deficit_target, t.deficit_mask) if deficit else (t.target, t.mask)), stops)
        for t, deficit, layers, stops in lanes
    ]
    return advance(made, sweep.learning_rate, sweep.workers)


def _trace(parts: Sequence[tuple[int, int, Kept]], every: int) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """The ten largest singular values over a run that consists of stretches (first update, last update, kept)."""
    if not every:
        return ()
    states = {
        start + update: layers
        for start, stop, kept in parts
        for update, layers in kept.items()
        if start + update <= stop and (start + update) % every == 0
    }
    return tuple(
        (update, tuple(torch.linalg.svdvals(_product(layers))[:10].tolist()))
        for update, layers in sorted(states.items())
    )


def _product(layers: Sequence[Tensor]) -> Tensor:
    product = layers[0].double()
    for layer in layers[1:]:
        product = product @ layer.double()
    return product


def _measured(
    task: _Task,
    depth: int,
    window: Window,
    layers: tuple[Tensor, ...],
    trace: tuple[tuple[int, tuple[float, ...]], ...],
) -> CompletionRun:
    product = _product(layers)
    squares = (product - task.target) ** 2
    seen = float((squares * task.mask).sum() / task.mask.sum())
    values = tuple(torch.linalg.svdvals(product).tolist())
    return CompletionRun(depth, task.seed, *window, float(squares.mean()), seen / 2, values, trace)
