"""Paper 2, sensitivity: a window of blur of one source at each onset."""

from __future__ import annotations

from critlab.papers.figure import Figure, Published, Scale, single
from critlab.papers.multisensory.accuracy import accuracy_charts, accuracy_comparisons
from critlab.papers.multisensory.setup import PAPER, SEEDS, base, blur
from critlab.papers.names import study_name
from critlab.papers.sweeps import window_sweep
from critlab.study.study import Study

WINDOW = Published("sensitivity to a window", "highest at early onsets", f"{PAPER}, shown")


def study(scale: Scale) -> Study:
    """Blur of B in a window at each onset, all runs of equal length."""
    onsets, length, total = {
        "paper": (tuple(range(0, 161, 40)), 40, 240),
        "small": ((0, 8, 16), 8, 32),
        "demo": ((0, 4, 8), 4, 16),
    }[scale]
    return window_sweep(
        scale,
        blur(scale),
        onsets=onsets,
        length=length,
        total=total,
        seeds=SEEDS[scale],
        setup=base(scale),
        name=study_name("source-window", scale),
    )


FIGURE = Figure(
    question="when does a window of blur of one source cost most?",
    source=f"{PAPER}, sensitivity",
    studies=single(study),
    published=(WINDOW,),
    charts=accuracy_charts,
    compare=accuracy_comparisons(WINDOW),
)
