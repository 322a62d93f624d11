"""Stretches of gradient descent that start where others end: done one after the other, or on all cores at once."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

from critlab.theory.linear.checks import Floats
from critlab.theory.linear.descent import descend, operations
from critlab.theory.linear.descent_process import DescentProcess

HERE_UP_TO = 64
"""Side of the matrices up to which numpy's library multiplies them on one thread by itself."""

HERE_BELOW = 1e10
"""Floating-point operations up to which processes, each of which starts in 0.07 s, are not worth it."""

AT_ONCE = 1e11
"""Operations after which a process answers, so that one whose asker was killed ends within seconds."""


class Descent(NamedTuple):
    """One stretch.

    Args:
        parent: place of the stretch that it goes on from, before its own; None for one that starts from ``layers``.
        layers: A_1 to A_D, ``(D, batch, n, n)``; of those with a parent only the shape counts.
        targets: ``(batch, n, n)``.
        weights: ``(batch, n, n)``.
        updates: how many.
        left: updates to the end of the longest path that goes through it, from its start.
    """

    parent: int | None
    layers: Floats
    targets: Floats
    weights: Floats
    updates: int
    left: int

    @property
    def work(self) -> float:
        """Floating-point operations."""
        return self.updates * operations(self.layers)


def in_turn(descents: Sequence[Descent]) -> Iterator[tuple[int, Floats]]:
    """Place and final layers of every stretch, done in this process, in their order."""
    ends: dict[int, Floats] = {}
    for place, one in enumerate(descents):
        layers = (one.layers if one.parent is None else ends[one.parent]).copy()
        with np.errstate(over="ignore", invalid="ignore"):
            descend(layers, one.targets, one.weights, one.updates)
        ends[place] = layers
        yield place, layers


def side_by_side(descents: Sequence[Descent], processes: int) -> Iterator[tuple[int, Floats]]:
    """Place and final layers of every stretch, as they are done by so many processes, the longest path first."""
    followers: dict[int | None, list[int]] = defaultdict(list)
    for place, one in enumerate(descents):
        followers[one.parent].append(place)
    ready: list[tuple[float, int, Floats]] = []
    idle: SimpleQueue[DescentProcess] = SimpleQueue()
    running: dict[Future[Floats], int] = {}

    def now(parent: int | None, layers: Floats | None) -> None:
        for place in followers[parent]:
            one = descents[place]
            start = one.layers if layers is None else layers
            heapq.heappush(ready, (-one.left * operations(one.layers), place, start))

    def perform(one: Descent, layers: Floats) -> Floats:
        process = idle.get()
        try:
            return _in_pieces(process, one, layers)
        finally:
            idle.put(process)

    with ThreadPoolExecutor(processes) as threads, ExitStack() as opened:
        for _ in range(processes):
            process = DescentProcess()
            opened.callback(process.close)
            idle.put(process)
        now(None, None)
        while ready or running:
            while ready and len(running) < processes:
                _, place, layers = heapq.heappop(ready)
                running[threads.submit(perform, descents[place], layers)] = place
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                place, layers = running.pop(future), future.result()
                now(place, layers)
                yield place, layers


def _in_pieces(process: DescentProcess, one: Descent, layers: Floats) -> Floats:
    """The end of a stretch from ``layers``, asked for in pieces of bounded work."""
    piece = max(1, int(AT_ONCE / operations(layers)))
    for done in range(0, one.updates, piece):
        layers = process.descend(layers, one.targets, one.weights, min(piece, one.updates - done))
    return layers
