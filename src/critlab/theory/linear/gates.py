"""Deficits of a two-pathway network: a pathway without gradient for a while, a mode of it that is cut out for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from critlab._core.errors import StudyError
from critlab._core.random_streams import generator
from critlab.theory.linear.checks import number, one_of, refuse, whole

Pathway = Literal["a", "b"]
PATHWAYS: tuple[Pathway, ...] = get_args(Pathway)

Convention = Literal["before", "producing"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)


@dataclass(frozen=True)
class Gate:
    """A window in which a pathway's weights get no gradient; its output stays in the network's.

    Args:
        pathway: ``"a"`` or ``"b"``.
        start: the first update that is blocked, counted from 0.
        stop: the first update after ``start`` that is not; ``stop == start`` blocks nothing.
        probability: of being blocked, drawn for every update in the window; 1 blocks all.

    Raises:
        StudyError: a value is not of this kind, or ``stop`` is before ``start``.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), section 3.
    """

    pathway: Pathway
    start: int
    stop: int
    probability: float = 1.0

    def __post_init__(self) -> None:
        one_of("Gate.pathway", self.pathway, PATHWAYS)
        whole("Gate.stop", self.stop, whole("Gate.start", self.start, 0))
        number("Gate.probability", self.probability, 0.0, most=1.0)


@dataclass(frozen=True)
class Lesion:
    """A mode that is missing from a pathway's output for ever: its row and column of ``U^T Omega V`` count as 0.

    Args:
        pathway: ``"a"`` or ``"b"``.
        mode: from 0 (the largest singular value) to 7.

    Raises:
        StudyError: a value is not of this kind.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), the analogue of Guillery's experiment.
    """

    pathway: Pathway
    mode: int

    def __post_init__(self) -> None:
        one_of("Lesion.pathway", self.pathway, PATHWAYS)
        if whole("Lesion.mode", self.mode, 0) > 7:
            raise refuse("Lesion.mode", self.mode, "at most 7, the network has 8 modes")


def gates_of_runs(gates: Any) -> list[tuple[Gate, ...]]:
    """The gates of every run: a flat sequence is one run's, a nested one holds a sequence for each run.

    Raises:
        StudyError: an item is no :class:`Gate`.
    """
    items = list(gates) if isinstance(gates, Sequence) else [gates]
    nested = bool(items) and all(isinstance(item, Sequence) for item in items)
    runs = [tuple(item) for item in items] if nested else [tuple(items)]
    for gate in (gate for run in runs for gate in run):
        if not isinstance(gate, Gate):
            raise refuse("gates", gate, "a Gate(pathway, start, stop, probability=1.0)")
    return runs


def open_updates(
    runs: Sequence[Sequence[Gate]], updates: int, convention: Convention = "before", seed: int = 0
) -> NDArray[np.bool_]:
    """Which pathway may learn in which update: bool ``(updates, 2, runs)``, pathway "a" first.

    Args:
        runs: the gates of every run.
        updates: how many there are; update u leads from state u to state u + 1.
        convention: ``"before"`` blocks the updates start <= u < stop; ``"producing"`` blocks the updates that produce
            the states start <= t < stop, so u = t - 1, and a window from 0 blocks one update fewer.
        seed: keys the draws of gates whose probability is below 1; equal in every run of a batch.

    Source: "before" is the authors' gradient descent, "producing" their reduced equations.
    """
    one_of("convention", convention, CONVENTIONS)
    shift = int(convention == "producing")
    free = np.ones((updates, len(PATHWAYS), len(runs)), dtype=bool)
    for run, gates in enumerate(runs):
        for index, gate in enumerate(gates):
            start, stop = max(0, gate.start - shift), min(updates, gate.stop - shift)
            length = max(0, stop - start)
            column = free[start : start + length, PATHWAYS.index(gate.pathway), run]
            if gate.probability >= 1:
                column[:] = False
            elif length:
                draws = torch.rand(length, generator=generator(seed, "deficit", index), dtype=torch.float64)
                column &= draws.numpy() >= gate.probability
    return free


def lesioned_modes(lesions: Any) -> dict[Pathway, tuple[int, ...]]:
    """The modes missing from each pathway.

    Raises:
        StudyError: an item is no :class:`Lesion`.
    """
    for lesion in lesions:
        if not isinstance(lesion, Lesion):
            raise StudyError(f"lesions: received {lesion!r}; must be a list of Lesion(pathway, mode)")
    return {name: tuple(sorted({item.mode for item in lesions if item.pathway == name})) for name in PATHWAYS}
