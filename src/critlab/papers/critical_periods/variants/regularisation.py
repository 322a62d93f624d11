"""Time Matters in Regularizing Deep Networks (Golatkar, Achille, Soatto 2019; 1905.13277), in the set-up of paper 1."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.papers.charts import damage_by_part
from critlab.papers.comparisons import last_tested
from critlab.papers.critical_periods.setup import TIMELINES, base
from critlab.papers.figure import Figure, Found, Published, Scale, Studies
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.report.findings import AccuracyAt, Comparison
from critlab.study.ingredients.window_override import WindowOverride
from critlab.study.study import Study

WEIGHT_DECAY = 0.001
SOURCE = "Golatkar, Achille and Soatto 2019"
LATE = Published("weight decay from later on only", "no benefit over none at all", f"{SOURCE}, abstract")
EARLY = Published("weight decay in the first epochs only", "as good as throughout, or better", f"{SOURCE}, abstract")


def studies(scale: Scale) -> Studies:
    """Weight decay left out until an epoch, and weight decay until an epoch only."""
    return {"late_only": _swept(scale, WEIGHT_DECAY, 0.0), "early_only": _swept(scale, 0.0, WEIGHT_DECAY)}


def _swept(scale: Scale, usual: float, switched: float) -> Study:
    timeline = TIMELINES[scale]
    return removal_sweep(
        scale,
        None,
        switch=WindowOverride(weight_decay=switched),
        at=timeline.removals if scale == "paper" else timeline.compared,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        setup=base(scale, optimizer={"weight_decay": usual}),
        name=study_name("regularisation", scale, "late" if usual else "early"),
        controls={"equal_total": True},
    )


def compare(found: Found) -> Sequence[Comparison]:
    """Accuracy with weight decay late only and early only, next to equally long runs with it throughout and without."""
    last = {part: last_tested(results.curve(against="equal_total")) for part, results in found.items()}
    late, early = last["late_only"], last["early_only"]
    if late is None or early is None:
        return []
    clean = (("throughout", late.control.value), ("never", early.control.value))
    return [stated.beside(AccuracyAt(point, clean)) for stated, point in ((LATE, late), (EARLY, early))]


FIGURE = Figure(
    question="when does weight decay matter? Left out at first, or used at first only",
    source=SOURCE,
    studies=studies,
    published=(LATE, EARLY),
    charts=damage_by_part("damage_by_time", "Cost of weight decay at the wrong time", "when it is used"),
    compare=compare,
)
