"""The looks at a study: at which level the present one is judged, and how they add up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from critlab.analysis.statistics.sequential import look_level, overall_level
from critlab.analysis.statistics.summary import LEVEL
from critlab.analysis.tables.study_table import StudyTable
from critlab.study.runs.sequential import STANDARD, SequentialSeeds
from critlab.study.runs.stages import Look


@dataclass(frozen=True)
class Looks:
    """The present look at a study, and those before it at other seeds.

    Args:
        level: one-sided, at which the present look is judged.
        planned: whether the present look was fixed before the first seed was judged.
        earlier: the looks before it, the last one at each set of seeds, in order.
        seeds: in play now.
        most: seeds at the last planned look; None where the study fixes its seeds.
        false_present: probability that some look so far calls a null study present; a bound where the seeds of a look
            do not contain those of the one before.
    """

    level: float
    planned: bool
    earlier: tuple[Look, ...]
    seeds: tuple[int, ...]
    most: int | None
    false_present: float

    @property
    def number(self) -> int:
        """Looks so far, the present one included."""
        return len(self.earlier) + 1

    @property
    def unplanned(self) -> int:
        """Unplanned looks so far, the present one included."""
        return sum(not planned for planned in (*(look.planned for look in self.earlier), self.planned))


def looks(results: StudyTable) -> Looks:
    """The level of the look at ``results``, and what the looks made so far add up to.

    Ours. The first look at a study that fixes its seeds has the level 0.025. A study whose seeds are added has the
    constant level that keeps 0.025 over all planned looks. Every other look is unplanned, and has the level of the
    standard design of 3 to 20 seeds. A look at the same seeds as an earlier one is no new look and keeps its level.

    Error: ``false_present`` is exact for one contrast with normal values of known variance; see
    :func:`critlab.analysis.statistics.sequential.overall_level`.
    """
    return looks_among(results.looks, results.study.seeds, results.study.sequential)


def looks_among(recorded: Sequence[Look], given: Iterable[int], plan: SequentialSeeds | None) -> Looks:
    """As :func:`looks`, for a look at the seeds ``given`` after the ``recorded`` ones, with or without a ``plan``."""
    seeds = tuple(sorted(given))
    sets = list(dict.fromkeys(tuple(sorted(look.seeds)) for look in recorded))
    before = sets[: sets.index(seeds)] if seeds in sets else sets
    last = {tuple(sorted(look.seeds)): look for look in recorded}
    earlier = tuple(last[one] for one in before)
    if seeds in sets:
        level, planned = last[seeds].level, last[seeds].planned
    else:
        level, planned = _level(plan, earlier, len(seeds))
    chance = _false_present([*before, seeds], [*(look.level for look in earlier), level])
    most = plan.most if plan else None
    return Looks(level, planned, earlier, seeds, most, chance)


def _level(plan: SequentialSeeds | None, earlier: Sequence[Look], count: int) -> tuple[float, bool]:
    """The level of a look that was not made yet, and whether it is planned."""
    if plan is None:
        return (LEVEL, True) if not earlier else (look_level(STANDARD.counts), False)
    level = look_level(plan.counts)
    done = [len(look.seeds) for look in earlier]
    kept = all(look.planned and abs(look.level - level) < 1e-9 for look in earlier)
    if kept and [*done, count] == [*plan.counts[: len(done) + 1]]:
        return level, True
    return min(level, look_level(STANDARD.counts)), False


def _false_present(sets: Sequence[tuple[int, ...]], levels: Sequence[float]) -> float:
    if all(set(one) < set(other) for one, other in pairwise(sets)):
        return overall_level([len(one) for one in sets], levels)
    return min(sum(levels), 1.0)
