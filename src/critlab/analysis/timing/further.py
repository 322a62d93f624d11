"""What to train next: successive halving over times, with paired seeds and a level that holds over all looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from critlab.analysis.statistics.sequential import look_level
from critlab.analysis.timing.answer import CurvePoint, Timing, is_decided, judge_timing
from critlab.analysis.timing.table import Cell, Goal, TimingTable
from critlab.study.runs.sequential import STANDARD, SequentialSeeds

COARSE = 5
"""Times that all first seeds have at the first look, evenly spread."""

FINE = 9
"""Times that one seed has then: a peak between two coarse times shows there."""

AT_ONCE = 2
"""Candidates that are added at a look."""

FEWEST = 3
"""Times that stay in play at every look, where so many are undecided."""


@dataclass(frozen=True)
class Design:
    """Which times and seeds may be trained.

    Args:
        candidates: times that may be tried, increasing.
        seeds: those that may be used, in order.
        counts: the numbers of seeds at which the table is judged, increasing; the last one is at most all seeds.
        coarse: times that every seed of the first look has.
        fine: times that the first seed has as well.
        most_times: how many times may be tried.
    """

    candidates: tuple[int, ...]
    seeds: tuple[int, ...]
    counts: tuple[int, ...]
    coarse: tuple[int, ...]
    fine: tuple[int, ...]
    most_times: int

    @classmethod
    def of(
        cls,
        candidates: Sequence[int],
        seeds: Sequence[int],
        first_seeds: int = STANDARD.first,
        always: Sequence[int] = (),
        most_times: int | None = None,
    ) -> Design:
        """The design of ``candidates`` and ``seeds``: nine times first, those of ``always`` included.

        Args:
            candidates: times that may be tried.
            seeds: those that may be used.
            first_seeds: how many before the first look.
            always: times that are tried in any case, such as never and the present one.
            most_times: how many times may be tried; None is all.
        """
        times = sorted({*candidates, *always})
        fine = sorted({*_spread(times, FINE), *always})
        counts: tuple[int, ...] = (len(seeds),)
        if len(seeds) > first_seeds >= STANDARD.first:
            counts = SequentialSeeds(first=first_seeds, most=len(seeds)).counts
        coarse = sorted({*_spread(times, COARSE), *always})
        most = max(most_times or len(times), len({*coarse, *fine}))
        return cls(tuple(times), tuple(seeds), counts, tuple(coarse), tuple(fine), most)

    @property
    def level(self) -> float:
        """One-sided, of each look: it keeps 2.5 % over all looks, and over those at seeds that may be added later.

        The same call with more seeds judges the earlier ones again, so the level is that of a design with at least 20.
        """
        most = max(self.counts[-1], STANDARD.most)
        return look_level(SequentialSeeds(first=max(min(self.counts[0], most), STANDARD.first), most=most).counts)


def run_design(
    design: Design,
    train: Callable[[tuple[Cell, ...]], Mapping[Cell, float]],
    *,
    tolerance: float,
    goal: Goal = "max",
    present: int | None = None,
    never: int | None = None,
) -> Timing:
    """Train cells of ``design`` until the answer is decided or nothing is left, and give the answer.

    Args:
        design: what may be trained.
        train: gives the metric of each cell that it receives; never the same cell twice.
        tolerance: as in :func:`~critlab.analysis.timing.answer.judge_timing`, like the rest.
        goal: whether more or less is better.
        present: the user's time; one of the design's.
        never: the time that stands for never; one of the design's.
    """
    cells: dict[Cell, float] = {}
    table, timing = TimingTable.of(cells, design.candidates, never), None
    while asked := further_cells(table, timing, design):
        cells |= train(asked)
        table = TimingTable.of(cells, design.candidates, never)
        timing = judge_timing(table, tolerance=tolerance, goal=goal, present=present, level=design.level)
    assert timing is not None, "a design has a first look"
    return timing


def further_cells(table: TimingTable, timing: Timing | None, design: Design) -> tuple[Cell, ...]:
    """The cells that decide most, all of them one round; empty where the answer is decided or nothing is left.

    Ours. At first, a few times with the first seeds. Then, while some candidate is likely to be better than every tried
    time by more than the tolerance, the two likeliest are tried with the first seeds. Then the undecided times are
    halved: those most likely to be the best get further seeds, up to the next number of the design. A pure function of
    its arguments, so a training that was stopped asks for the same cells again.

    Args:
        table: what is known.
        timing: its answer, with every candidate of ``design`` among its points; None where nothing is known.
        design: what may be trained.
    """
    known = {
        (time, seed)
        for row, time in enumerate(table.times)
        for column, seed in enumerate(table.seeds)
        if not np.isnan(table.values[row, column])
    }
    first = design.seeds[: design.counts[0]]
    wanted = [(time, seed) for seed in first for time in design.coarse]
    wanted += [(time, design.seeds[0]) for time in design.fine]
    if missing := tuple(cell for cell in wanted if cell not in known):
        return missing
    # further repeats of one deterministic training would be copies again
    if timing is None or timing.decided or timing.reason == "equal_seeds":
        return ()
    points = {one.epoch: one for one in timing.points}
    tried = sorted({time for time, _ in known})
    promising = [one for time in design.candidates if (one := points[time]).seeds == 0 and not _settled(one, timing)]
    if promising and len(tried) < design.most_times:
        chosen = sorted(promising, key=lambda one: (-one.chance_better, one.epoch))
        count = min(AT_ONCE, design.most_times - len(tried))
        return tuple((one.epoch, seed) for seed in first for one in chosen[:count])
    return _more_seeds([points[time] for time in tried], timing, design, known)


def _more_seeds(tried: Sequence[CurvePoint], timing: Timing, design: Design, known: set[Cell]) -> tuple[Cell, ...]:
    """Further seeds for the better half of the undecided times; first the first seeds for all that lack some."""
    undecided = [one for one in tried if not _settled(one, timing)]
    ranked = sorted(undecided, key=lambda one: (-one.chance_best, one.deficit, one.epoch))
    chosen = [one.epoch for one in ranked[: max(FEWEST, (len(ranked) + 1) // 2)]]
    times = sorted({*chosen, timing.best.epoch}) if undecided else []
    fewest = min((one.seeds for one in tried if one.epoch in times), default=0)
    following = next((count for count in design.counts if count > fewest), None)
    if following is None:
        return ()
    return tuple((time, seed) for seed in design.seeds[:following] for time in times if (time, seed) not in known)


def _settled(point: CurvePoint, timing: Timing) -> bool:
    return is_decided(point, timing.tolerance)


def _spread(times: Sequence[int], count: int) -> set[int]:
    """So many of ``times``, evenly spread by place, both ends included."""
    return {times[round(place)] for place in np.linspace(0, len(times) - 1, min(count, len(times)))}
