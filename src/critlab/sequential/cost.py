"""What a study costs whose seeds and points are chosen while it runs: from the first look to the last."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from critlab.engine.planning.plan import Plan
from critlab.engine.planning.plan import plan as plan_stage
from critlab.engine.records.look_record import now_in_play
from critlab.store import Store
from critlab.study.runs.parts import Part
from critlab.study.study import Study


def plan(
    study: Study,
    store: Store,
    *,
    workers: int,
    measure: bool = False,
    folder: Path | None = None,
    part: Part | None = None,
) -> Plan:
    """The plan of ``study`` with the seeds and points in play, and in ``at_most`` with all that may be added.

    The arguments and errors are those of :func:`critlab.engine.planning.plan`.
    """
    stage = now_in_play(study, store)
    found = plan_stage(stage, store, workers=workers, measure=measure, folder=folder, part=part)
    if study.sequential is None and study.sweep.adaptive is None:
        return found
    return replace(found, at_most=plan_stage(largest(stage), store, workers=workers, folder=folder, part=part))


def largest(study: Study) -> Study:
    """``study`` with its whole budget: all seeds, and further points where they cost most epochs.

    Which points will be added is not known; the earliest and the latest whole epochs are tried.
    """
    plan, adaptive = study.sequential, study.sweep.adaptive
    seeds = study.seeds if plan is None else tuple(range(max(plan.most, len(study.seeds))))
    if adaptive is None:
        return study.staged(seeds, study.sweep.points)
    points = [int(at) for at in study.sweep.own_points(study.sweep.points)]
    free, count = [at for at in range(points[0], points[-1]) if at not in points], adaptive.most - len(points)
    choices = [tuple(sorted([*points, *islice(order, count)])) for order in (free, reversed(free))]
    return max((study.staged(seeds, chosen) for chosen in choices), key=lambda one: one.epochs())
