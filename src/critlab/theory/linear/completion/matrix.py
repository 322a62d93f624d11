"""Matrix completion by a deep linear network that first learns another task: whole sweeps as one batched product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch

from critlab.theory.linear.checks import number, numpy_type, one_of, refuse, whole, wholes
from critlab.theory.linear.completion.sweep import Setting, swept
from critlab.theory.linear.completion.table import CompletionTable, gathered
from critlab.theory.linear.completion.tree import Course
from critlab.theory.linear.portable import portable_instance

InstanceKind = Literal["portable"]


@dataclass(frozen=True)
class MatrixTask:
    """What :func:`complete_matrix` learns, and where learning starts.

    Args:
        ranks: of M1 and M2.
        observed: entries seen, of n^2.
        first_observed: entries seen during the deficit; None for the deficit of another task.
        init_scale: scale of the product of the initial layers.
        instance: how instances are drawn; ``"portable"`` is :func:`~critlab.theory.linear.portable.portable_instance`.
    """

    ranks: Sequence[int] = (10, 5)
    observed: int = 2000
    first_observed: int | None = None
    init_scale: float = 1e-3
    instance: InstanceKind = "portable"


def complete_matrix(
    size: int,
    *,
    task: MatrixTask | None = None,
    depths: Sequence[int] = (3,),
    removals: Sequence[int] = (0,),
    onsets: Sequence[int] = (0,),
    windows: Sequence[tuple[int, int]] | None = None,
    recovery: int = 30000,
    learning_rate: float = 0.2,
    seeds: Sequence[int] = (1,),
    record_every: int | None = None,
    dtype: torch.dtype = torch.float32,
    **options: Any,
) -> CompletionTable:
    """Completes a low-rank matrix by gradient descent on ``E = A_1 ... A_D``, after a deficit.

    The loss is half the MEAN of ``(E - M)^2`` over the observed entries. In the updates ``[onset, removal)`` of a run
    the deficit is applied: the target is M1, of the first rank, in place of M2, of the second; with
    ``first_observed`` the target is M1 throughout and only the first entries of the list are seen. Then come
    ``recovery`` clean updates. Every onset meets every removal, and a run has ``removal + recovery`` updates whatever
    its onset: one whose onset is not before its removal is clean, and is the control of equal budget.

    Args:
        size: n, side of the matrix.
        task: what is learned; None is ``MatrixTask()``.
        depths: the numbers of layers, each at least 1.
        removals: updates at which the deficit ends; 0 is the run without deficit.
        onsets: updates at which it begins.
        windows: pairs (onset, removal), in place of every onset with every removal.
        recovery: clean updates after the removal, at least 1.
        learning_rate: above 0.
        seeds: of the instances, from 0 to 2^32 - 1.
        record_every: also look at every run after each so many updates, for :meth:`CompletionTable.traces`.
        dtype: of the arithmetic; instances are drawn in float64.
        options: fields of :class:`MatrixTask` by name, which replace those of ``task``.

    Returns:
        The table; a run that diverges has errors that are not finite.

    Raises:
        StudyError: an argument is out of range.
        TypeError: an option that :class:`MatrixTask` does not have.
        CritlabError: a process that trained was killed from outside.

    Error: float32 and float64 agree to 1e-5 in the error at n = 30 and 50, and float32 takes 0.6 of the time.

    Cost: 3 (D - 1) products of n x n matrices for each different update; what runs of one depth share is done once.
    Sweeps of more than 10 GFLOP, or of n above 64, run in one process per core, which start in 0.07 s.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), matrix completion; windows, controls and sharing are ours.
    """
    whole("size", size, 1), whole("recovery", recovery, 1), number("learning_rate", learning_rate, 0, above=True)
    task = _checked(replace(task or MatrixTask(), **options), size)
    if record_every is not None:
        whole("record_every", record_every, 1)
    depths, seeds = wholes("depths", depths, 1), wholes("seeds", seeds, 0)
    if max(seeds) >= 2**32:
        raise refuse("seeds", max(seeds), "below 2^32")
    courses = [Course(*pair, recovery) for pair in _pairs(onsets, removals, windows)]
    setting = Setting(task.first_observed, float(learning_rate), record_every, numpy_type(dtype))
    drawn = {
        (depth, seed): portable_instance(size, _ranks(task.ranks, size), task.observed, depth, task.init_scale, seed)
        for depth in depths
        for seed in seeds
    }
    return gathered(swept(drawn, courses, setting), depths, seeds, courses)


def _checked(task: MatrixTask, size: int) -> MatrixTask:
    observed, first_observed = whole("observed", task.observed, 1), task.first_observed
    if observed > size * size:
        raise refuse("observed", observed, f"at most size^2, {size * size}")
    if first_observed is not None and whole("first_observed", first_observed, 1) > observed:
        raise refuse("first_observed", first_observed, f"at most observed, {observed}")
    number("init_scale", task.init_scale, 0, above=True)
    one_of("instance", task.instance, get_args(InstanceKind))
    return task


def _pairs(onsets: Any, removals: Any, windows: Any) -> list[tuple[int, int]]:
    if windows is None:
        return [(o, r) for o in wholes("onsets", onsets, 0) for r in wholes("removals", removals, 0)]
    try:
        pairs = [(whole("windows", onset, 0), whole("windows", removal, 0)) for onset, removal in windows]
    except (TypeError, ValueError):
        raise refuse("windows", windows, "a list of pairs (onset, removal)") from None
    if not pairs or len(set(pairs)) < len(pairs):
        raise refuse("windows", windows, "a list of at least one pair, without repeats")
    return pairs


def _ranks(ranks: Any, size: int) -> tuple[int, int]:
    try:
        first, second = ranks
    except (TypeError, ValueError):
        raise refuse("ranks", ranks, "two whole numbers") from None
    for rank in (whole("ranks", first, 1), whole("ranks", second, 1)):
        if rank > size:
            raise refuse("ranks", rank, f"at most size, {size}")
    return first, second
