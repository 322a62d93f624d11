"""Figure 5 of paper 1: the layers' shares of the Fisher information after removal."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.deficits import VerticalFlip
from critlab.papers.critical_periods.setup import NOTES, PAPER, TIMELINES, base, blur, trace_measure
from critlab.papers.figure import Figure, Found, Published, Scale, single
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, with_intervals
from critlab.report.findings import Comparison
from critlab.report.text.names import spaced
from critlab.study.study import Study

SHARES = Published("layer shares after removal", "reorganise after 40 epochs, frozen after 100", NOTES)
REMOVED = "Deficit removed after epoch"


def study(scale: Scale) -> Study:
    """Figure 5: layer by layer, clean, blurred for ever, removed early and late, and under the flip."""
    timeline = TIMELINES[scale]
    return removal_sweep(
        scale,
        blur(scale),
        at=(*timeline.compared, "never"),
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        setup=base(scale, trace_measure(scale)),
        name=study_name("layers", scale),
        controls={"deficits": [VerticalFlip()], "at": timeline.compared[1:]},
    )


def charts(found: Found) -> Sequence[Chart]:
    """How far the layer shares still move after removal, against the removal epoch."""
    rows = [
        {
            "deficit": spaced(one.arm),
            "removed": one.removal,
            "moved": one.distance.mean,
            "low": one.distance.low,
            "high": one.distance.high,
            "noise": one.floor,
            "drift": one.drift.mean if one.drift else None,
            "n": one.distance.n,
        }
        for one in next(iter(found.values())).plasticity()
    ]
    if not rows:
        return []
    title = "Total variation of the layer shares"
    panel = with_intervals(rows, "removed", REMOVED, "moved", title, "deficit", None)
    caption = (
        "How far each layer's share of the trace moves between removal and the end: 0 is frozen, 1 is everything; "
        "means over seeds, 95 % t intervals. The column noise is what the readings' errors alone would show; "
        "drift is how far the shares move between the same epochs where the deficit is never removed."
    )
    alt = "A chart of the movement of the layer shares against removal epoch. The numbers follow in a table."
    return [chart("plasticity", "Information plasticity", caption, alt, [("", panel)], rows, "95 % t")]


def compare(found: Found) -> Sequence[Comparison]:
    """How far the layer shares move after removal, early against late."""
    return [
        SHARES.beside(one, f"total variation of the shares after removal, {spaced(one.arm)} until {one.removal}")
        for one in next(iter(found.values())).plasticity()
    ]


FIGURE = Figure(
    question="does the information move to other layers after removal, or is it frozen?",
    source=f"{PAPER}, figure 5",
    studies=single(study),
    published=(SHARES,),
    charts=charts,
    compare=compare,
)
