"""Figure 1C of paper 1: a window of blur at each onset."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.papers.critical_periods.setup import NOTES, PAPER, REPLICATION, TIMELINES, base, blur
from critlab.papers.figure import MEDIUM_SCALES, Figure, Found, Published, Scale, single
from critlab.papers.names import study_name
from critlab.papers.sweeps import window_sweep
from critlab.report.findings import Comparison, DamageAt
from critlab.study.study import Study

DECAY = 10
"""Epochs at the end of a ``medium`` run in which the learning rate falls to 0; before them it is stable."""
FIRST = Published(
    "damage at the first onset",
    "3.4 to 3.8 points; 4.1 to 4.5 in the finer file",
    f"accuracy after the window, from the clean accuracies of all its files, in {REPLICATION}",
)
LAST = Published("damage at the last onset", "-0.5 to -0.1 points", f"the same, in {REPLICATION}")
PEAK_ONSET = Published("most sensitive onset", "about epoch 30", f"{NOTES}; epoch 0 in {REPLICATION}")


def study(scale: Scale) -> Study:
    """Figure 1C: a window of blur at each onset; at ``medium`` scale all windows have the same learning rate."""
    timeline = TIMELINES[scale]
    stable = {"clock": "wsd", "lr_decay": 1.0, "decay": DECAY}
    return window_sweep(
        scale,
        blur(scale),
        **timeline.windows,
        seeds=timeline.seeds,
        setup=base(scale, optimizer=stable if scale == "medium" else {}),
        name=study_name("sensitivity", scale),
    )


def compare(found: Found) -> Sequence[Comparison]:
    """The onset at which a window hurts most, and what it costs first and last."""
    curve = next(iter(found.values())).curve()
    if not curve.points:
        return []
    worst = max(curve.points, key=lambda point: point.damage.value)
    return [
        PEAK_ONSET.beside(DamageAt(worst)),
        FIRST.beside(DamageAt(curve.points[0])),
        LAST.beside(DamageAt(curve.points[-1])),
    ]


FIGURE = Figure(
    question="when does a short window of blur hurt most?",
    source=f"{PAPER}, figure 1C",
    scales=MEDIUM_SCALES,
    studies=single(study),
    published=(PEAK_ONSET, FIRST, LAST),
    compare=compare,
)
