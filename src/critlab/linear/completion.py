"""Matrix completion by a deep linear network that first learns another task: whole sweeps as one batched product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from critlab.linear.checks import Floats, number, numpy_type, one_of, refuse, whole, wholes
from critlab.linear.completion_tree import Course, Segment, segments
from critlab.linear.cores import one_core
from critlab.linear.descent import descend
from critlab.linear.portable import Instance, portable_instance

InstanceKind = Literal["portable"]
KEPT_VALUES = 10


@dataclass(frozen=True)
class CompletionRow:
    """One run at its end.

    Args:
        depth: D.
        seed: of the instance.
        onset: first update under the deficit.
        removal: first update after it.
        error: mean over all entries of ``(E - M)^2``, M the clean task; the empty matrix has error 1.
        train_loss: half the mean of ``(E - M)^2`` over the observed entries.
        singular_values: the ten largest of E, or all where there are fewer.
    """

    depth: int
    seed: int
    onset: int
    removal: int
    error: float
    train_loss: float
    singular_values: tuple[float, ...]


@dataclass(frozen=True)
class CompletionState:
    """A run at one moment of a recorded sweep: the fields of :class:`CompletionRow`, after ``update`` updates."""

    depth: int
    seed: int
    onset: int
    removal: int
    update: int
    error: float
    train_loss: float
    singular_values: tuple[float, ...]


@dataclass(frozen=True)
class CompletionTable:
    """What a sweep found.

    Args:
        finals: one row for each depth, seed, onset and removal, in this order.
        states: what was recorded on the way; empty unless asked for.
    """

    finals: tuple[CompletionRow, ...]
    states: tuple[CompletionState, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """Every run at its end: depth, seed, onset, removal, error, train_loss, singular_values."""
        return [{**vars(row), "singular_values": list(row.singular_values)} for row in self.finals]

    def traces(self) -> list[dict[str, Any]]:
        """Every run at every recorded moment, with ``update``."""
        return [{**vars(state), "singular_values": list(state.singular_values)} for state in self.states]


def complete_matrix(
    size: int,
    *,
    ranks: Sequence[int] = (10, 5),
    observed: int = 2000,
    first_observed: int | None = None,
    depths: Sequence[int] = (3,),
    removals: Sequence[int] = (0,),
    onsets: Sequence[int] = (0,),
    windows: Sequence[tuple[int, int]] | None = None,
    recovery: int = 30000,
    init_scale: float = 1e-3,
    learning_rate: float = 0.2,
    seeds: Sequence[int] = (1,),
    instance: InstanceKind = "portable",
    record_every: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> CompletionTable:
    """Completes a low-rank matrix by gradient descent on ``E = A_1 ... A_D``, after a deficit.

    The loss is half the MEAN of ``(E - M)^2`` over the observed entries. In the updates ``[onset, removal)`` of a run
    the network suffers the deficit: the target is M1, of the first rank, in place of M2, of the second; with
    ``first_observed`` the target is M1 throughout and only the first entries of the list are seen. Then come
    ``recovery`` clean updates. Every onset meets every removal, and a run has ``removal + recovery`` updates whatever
    its onset: one whose onset is not before its removal is clean, and is the control of equal budget.

    Args:
        size: n, side of the matrix.
        ranks: of M1 and M2.
        observed: entries seen, of n^2.
        first_observed: entries seen during the deficit; None for the deficit of another task.
        depths: the numbers of layers, each at least 1.
        removals: updates at which the deficit ends; 0 is the run without deficit.
        onsets: updates at which it begins.
        windows: pairs (onset, removal), in place of every onset with every removal.
        recovery: clean updates after the removal, at least 1.
        init_scale: scale of the product of the initial layers.
        learning_rate: above 0.
        seeds: of the instances, from 0 to 2^32 - 1.
        instance: how instances are drawn; ``"portable"`` is :func:`~critlab.linear.portable.portable_instance`.
        record_every: also look at every run after each so many updates, for :meth:`CompletionTable.traces`.
        dtype: of the arithmetic; instances are drawn in float64.

    Returns:
        The table; a run that diverges has errors that are not finite.

    Raises:
        StudyError: an argument is out of range.

    Error: float32 and float64 agree to 1e-5 in the error at n = 30 and 50, and float32 takes 0.6 of the time.

    Cost: 3 (D - 1) products of n x n matrices for each different update; what runs of one depth share is done once, and
    all seeds and branches advance together.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), matrix completion; windows, controls and sharing are ours.
    """
    whole("size", size, 1), whole("observed", observed, 1), whole("recovery", recovery, 1)
    if observed > size * size:
        raise refuse("observed", observed, f"at most size^2, {size * size}")
    if first_observed is not None and whole("first_observed", first_observed, 1) > observed:
        raise refuse("first_observed", first_observed, f"at most observed, {observed}")
    number("init_scale", init_scale, 0, above=True), number("learning_rate", learning_rate, 0, above=True)
    one_of("instance", instance, get_args(InstanceKind))
    if record_every is not None:
        whole("record_every", record_every, 1)
    depths, seeds = wholes("depths", depths, 1), wholes("seeds", seeds, 0)
    if max(seeds) >= 2**32:
        raise refuse("seeds", max(seeds), "below 2^32")
    courses = [Course(*pair, recovery) for pair in _pairs(onsets, removals, windows)]
    setting = _Setting(first_observed, float(learning_rate), record_every, numpy_type(dtype))
    found: list[CompletionState] = []
    for depth in depths:
        drawn = [portable_instance(size, _ranks(ranks, size), observed, depth, init_scale, seed) for seed in seeds]
        found += _sweep(drawn, seeds, depth, courses, setting)
    return _table(found, depths, seeds, courses)


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


@dataclass(frozen=True)
class _Setting:
    """What all depths of a sweep have in common."""

    first_observed: int | None
    rate: float
    record_every: int | None
    kind: type[np.floating[Any]]


def _table(
    found: Sequence[CompletionState], depths: Sequence[int], seeds: Sequence[int], courses: Sequence[Course]
) -> CompletionTable:
    stops = {(course.onset, course.removal): course.stop for course in courses}
    order = {key: i for i, key in enumerate((d, s, *c[:2]) for d in depths for s in seeds for c in courses)}
    ranked = sorted(found, key=lambda state: (order[state.depth, state.seed, state.onset, state.removal], state.update))
    finals = [state for state in ranked if state.update == stops[state.onset, state.removal]]
    rows = [CompletionRow(**{k: v for k, v in vars(state).items() if k != "update"}) for state in finals]
    return CompletionTable(tuple(rows), tuple(ranked) if len(found) > len(finals) else ())


def _sweep(
    drawn: Sequence[Instance], seeds: Sequence[int], depth: int, courses: Sequence[Course], setting: _Setting
) -> list[CompletionState]:
    """Every run of one depth, at its end and at the recorded moments."""
    sight = _Sight(drawn, setting)
    layers = np.stack([instance.layers for instance in drawn], axis=1)[:, None].astype(setting.kind)
    last = max(course.stop for course in courses)
    moments = range(0, last, setting.record_every) if setting.record_every else ()
    found: list[CompletionState] = []
    with np.errstate(over="ignore", invalid="ignore"), one_core():
        for segment in segments(courses, moments):
            layers = np.ascontiguousarray(layers[:, list(segment.parents)])
            if setting.record_every and segment.start % setting.record_every == 0:
                found += _look(layers, segment, segment.start, courses, seeds, depth, sight)
            descend(layers, *sight.of(segment), segment.stop - segment.start)
            ended = [course for course in courses if course.stop == segment.stop]
            found += _look(layers, segment, segment.stop, ended, seeds, depth, sight)
    return found


class _Sight:
    """Targets and weights of the loss for every seed, clean and under the deficit."""

    def __init__(self, drawn: Sequence[Instance], setting: _Setting) -> None:
        size, observed = drawn[0].targets.shape[-1], len(drawn[0].rows)
        subset = setting.first_observed
        self.clean = np.stack([instance.targets[0 if subset else 1] for instance in drawn])
        self.masks = np.zeros((2, len(drawn), size, size))
        for seed, instance in enumerate(drawn):
            self.masks[0, seed, instance.rows, instance.columns] = 1 / observed
            seen = subset or observed
            self.masks[1, seed, instance.rows[:seen], instance.columns[:seen]] = 1 / seen
        learned = np.stack([self.clean, np.stack([instance.targets[0] for instance in drawn])])
        # the learning rate rides on the weights, which spares a pass over every gradient
        self.weights = (self.masks * setting.rate).astype(setting.kind)
        self.learned = learned.astype(setting.kind)

    def of(self, segment: Segment) -> tuple[Floats, Floats]:
        """Targets and weights of a segment's tracks, each ``(tracks, seeds, n, n)``."""
        chosen = [int(track.deficit) for track in segment.tracks]
        return self.learned[chosen], self.weights[chosen]


def _look(
    layers: Floats,
    segment: Segment,
    update: int,
    courses: Sequence[Course],
    seeds: Sequence[int],
    depth: int,
    sight: _Sight,
) -> list[CompletionState]:
    """The runs ``courses`` that are alive in ``segment``, at state ``update``."""
    alive = [course for course in courses if course.stop > segment.start]
    places = {track: place for place, track in enumerate(segment.tracks)}
    used = {course: places[course.track(segment.start)] for course in alive}
    if not used:
        return []
    product = _product(layers)
    squares = (product - sight.clean) ** 2
    errors, losses = squares.mean((-1, -2)), 0.5 * (squares * sight.masks[0]).sum((-1, -2))
    values = _singular_values(product, sorted(set(used.values())))
    return [
        CompletionState(
            depth, seed, course.onset, course.removal, update, float(errors[place, i]), float(losses[place, i]),
            tuple(values[place][i].tolist()),
        )
        for course, place in used.items()
        for i, seed in enumerate(seeds)
    ]  # fmt: skip


def _product(layers: Floats) -> Floats:
    """A_1 ... A_D of every track and seed, float64."""
    factors = torch.from_numpy(layers).to(torch.float64)
    product = factors[0]
    for factor in factors[1:]:
        product = product @ factor
    return product.numpy()


def _singular_values(product: Floats, places: Sequence[int]) -> dict[int, NDArray[np.float64]]:
    """The largest ones of every seed at each of ``places``, not numbers where a run has diverged."""
    found = {}
    for place in places:
        matrices = product[place].copy()
        lost = ~np.isfinite(matrices).all((-1, -2))
        matrices[lost] = 0
        values = torch.linalg.svdvals(torch.from_numpy(matrices))[:, :KEPT_VALUES].numpy()
        values[lost] = np.nan
        found[place] = values
    return found
