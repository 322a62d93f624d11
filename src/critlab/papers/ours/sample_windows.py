"""A sensitivity curve on the images that ship with critlab: when does a blur of fixed length hurt most?"""

from __future__ import annotations

from critlab.deficits import Blur
from critlab.papers.figure import Figure, single
from critlab.papers.ours.sample_base import sample_base
from critlab.papers.sweeps import window_sweep
from critlab.study.study import Study


def sample_windows() -> Study:
    """Blur for four epochs at each onset, all runs of equal length."""
    return window_sweep(
        "small",
        Blur(factor=7),
        onsets=[0, 2, 4, 8, 12, 16],
        length=4,
        total=24,
        seeds=5,
        setup=sample_base(train=6000, width=12, batch=128, lr_decay=0.85),
        name="sample-windows",
    )


FIGURE = Figure(
    question="when does the same blur hurt most, at equal total budget?",
    source="ours",
    scales=("small",),
    studies=single(lambda scale: sample_windows()),
)
