"""The designs for which docs/statistics.md says how well they decide: two removal sweeps and a window sweep."""

from __future__ import annotations

from critlab.deficits import Blur
from critlab.papers.ours.sample_base import sample_base
from critlab.study.constructors import removal_sweep, window_sweep
from critlab.study.setup import Setup
from critlab.study.study import Study

POINTS = (4, 8, 12, 16, 20)
RECOVERY = 20

COUNTS = (3, 4, 5, 10, 20)
"""Fixed numbers of seeds that are simulated."""


def standard_designs() -> tuple[Study, ...]:
    """Three designs of five points each, with the controls that critlab trains by default.

    In the first the learning rate goes on decaying, so harm and damage beyond delay are known at the last point. In
    the second it restarts after each removal, so harm is known at each point. In the third it is constant, so windows
    have a matched rate. The last two are compared with clean runs of equal length.
    """
    decaying, restarted, constant = (_setup(clock) for clock in ("absolute", "since_removal", "constant"))
    blur, equal = Blur(factor=7), {"equal_total": True}
    onsets = tuple(at - POINTS[0] for at in POINTS)
    return (
        removal_sweep(blur, at=POINTS, recovery=RECOVERY, setup=decaying, seeds=5, name="removal decaying rate"),
        removal_sweep(
            blur,
            at=POINTS,
            recovery=RECOVERY,
            setup=restarted,
            seeds=5,
            name="removal restarted rate",
            controls=equal,
        ),
        window_sweep(
            blur,
            onsets=onsets,
            length=POINTS[0],
            recovery=RECOVERY,
            setup=constant,
            seeds=5,
            name="windows constant rate",
            controls=equal,
        ),
    )


def _setup(clock: str) -> Setup:
    setup = sample_base(train=2000, width=16, batch=64, lr_decay=0.9)
    return setup.model_copy(update={"optimizer": setup.optimizer.model_copy(update={"clock": clock})})
