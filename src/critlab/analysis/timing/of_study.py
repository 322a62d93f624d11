"""When to switch, from the results of a study whose sweep asks that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from critlab._core.errors import StudyError
from critlab.analysis.judgement.looks import Looks, looks
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import least_sd
from critlab.analysis.timing.answer import PROMISING, Timing, judge_timing
from critlab.analysis.timing.table import Cell, Goal, TimingTable
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.study.runs.run import Run
from critlab.study.runs.tree import build
from critlab.study.sweeps import SWEEPS
from critlab.study.sweeps.timing import TimingSweep

FALLBACK = 0.01
"""The tolerance of a study whose smallest damage of interest is 0."""


@dataclass(frozen=True)
class StudyTiming:
    """When to switch, and what the answer took.

    Args:
        timing: of the final test score, in the unit of ``metric``.
        direction: whether the switch goes on at each time, or off.
        looks: at which level this look is judged, and the looks before it.
        spent: epochs trained, each once.
        reruns: epochs that full reruns of the same times and seeds take.
        diverged: runs left out because they diverged.
        missing: runs that are not done.
        candidate: an untried epoch that is likely to be better than all tried ones; None where there is none, or where
            times cannot be compared.
        metric: what is compared.
    """

    timing: Timing
    direction: Literal["on", "off"]
    looks: Looks
    spent: int
    reruns: int
    diverged: int
    missing: int
    candidate: int | None
    metric: Metric = ACCURACY

    @property
    def decided(self) -> bool:
        """Whether further seeds would not change the answer."""
        return self.timing.decided and not self.missing


def timing_sweep(sweep: object) -> TimingSweep:
    """``sweep``, where it asks when to switch.

    Raises:
        StudyError: it does not.
    """
    if isinstance(sweep, TimingSweep):
        return sweep
    kinds = [name for name in SWEEPS if SWEEPS[name].asks_when]
    kind = getattr(sweep, "kind", type(sweep).__name__)
    raise StudyError(
        f"sweep.kind: received {kind!r}; when needs a sweep over switch times (allowed: {', '.join(kinds)})"
    )


def study_timing(results: StudyTable) -> StudyTiming | None:
    """When to switch; None where no run with the switch is done.

    What is compared is the final test score in the study's metric. The tolerance is ``statistics.tolerance``, else the
    smallest damage of interest; the present time is ``statistics.present``. Runs that diverged have no final score and
    are left out.

    Raises:
        StudyError: the sweep does not ask when to switch.

    Error: see :func:`~critlab.analysis.timing.answer.judge_timing`; a study whose seeds are added has the level that
    keeps 2.5 % over all planned looks.
    """
    study, sweep = results.study, timing_sweep(results.study.sweep)
    cells = dict(_cells(results, sweep))
    if not cells:
        return None
    made = looks(results)
    goal: Goal = "max" if results.metric.better == "higher" else "min"
    tolerance = study.statistics.tolerance or study.statistics.smallest_damage or FALLBACK
    present, never = study.statistics.present, sweep.flip_time("never")

    def judged(candidates: tuple[int, ...]) -> Timing:
        table = TimingTable.of(cells, candidates, never)
        given = {"tolerance": tolerance, "level": made.level, "least_sd": least_sd(results, 1)}
        return judge_timing(table, goal=goal, present=present, **given)

    times = sorted({*map(sweep.flip_time, sweep.points), *([] if present is None else [present])})
    timing = judged(tuple(times))
    statuses = [results.outcome_named[run.identifier(seed)].status for run, _, seed in _runs(results, sweep)]
    diverged = statuses.count("diverged")
    return StudyTiming(
        timing=timing,
        direction=sweep.direction,
        looks=made,
        spent=build(study).epochs * len(study.seeds),
        reruns=study.epochs(),
        diverged=diverged,
        missing=len(statuses) - diverged - statuses.count("done"),
        candidate=_candidate(judged(_between(times, sweep, study.statistics.final_epochs))),
        metric=results.metric,
    )


def _runs(results: StudyTable, sweep: TimingSweep) -> Iterator[tuple[Run, int, int]]:
    """Each run of the sweep with its switch time and a seed: those of the deficit, and the clean one at the origin."""
    for run in results.study.runs:
        if run.role not in ("deficit", "control"):
            continue
        at = sweep.origin if run.role == "control" else run.at
        assert at is not None, "a sweep over switch times has a run that is never on"
        for seed in results.study.seeds:
            yield run, sweep.flip_time(at), seed


def _cells(results: StudyTable, sweep: TimingSweep) -> Iterator[tuple[Cell, float]]:
    for run, time, seed in _runs(results, sweep):
        found = results.final_scores.get(run.identifier(seed))
        if found is not None:
            yield (time, seed), found[0]


def _between(times: list[int], sweep: TimingSweep, final_epochs: int) -> tuple[int, ...]:
    """The times, and between neighbours the one half-way, where a run may switch."""
    halves = ((one + other) // 2 for one, other in pairwise(times))
    allowed = [time for time in halves if time <= sweep.end - final_epochs]
    return tuple(sorted({*times, *allowed}))


def _candidate(timing: Timing) -> int | None:
    if timing.reason:
        return None
    untried = [one for one in timing.points if not one.seeds and one.chance_better >= PROMISING]
    best = max(untried, key=lambda one: (one.chance_better, -one.epoch), default=None)
    return None if best is None else best.epoch
