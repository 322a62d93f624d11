"""The demo: a critical period on the images that ship with critlab, found on two cores in minutes.

The setting was searched for, see ``evidence/demo_search.py``: the smallest network, data and schedule at which the
damage of late removal is significant with five seeds.
"""

from __future__ import annotations

from critlab.deficits import Blur, VerticalFlip
from critlab.study.study import Base, Study, removal, windows


def sample_base() -> Base:
    """A small All-CNN on the sample, with a schedule so short that recovery ends when the learning rate has fallen."""
    raw = {
        "data": {"name": "sample", "train": 3000, "test": 2000},
        "model": {"name": "all_cnn", "width": 8},
        "optimizer": {
            "name": "sgd",
            "lr": 0.05,
            "lr_decay": 0.75,
            "momentum": 0.9,
            "weight_decay": 0.001,
            "batch": 128,
        },
        "augment": {"flip": True, "shift": 2},
        "measures": {"fisher_trace": {"every": 2, "images": 256}},
    }
    return Base.read(raw, "sample_base")


def demo_removal() -> Study:
    """Blur from the first epoch until removal, with the vertical flip and a restarted schedule as controls."""
    return removal(
        Blur(factor=7),
        at=[0, 3, 6, 12],
        recovery=10,
        seeds=5,
        base=sample_base(),
        name="demo",
        controls={"deficits": [VerticalFlip()], "clocks": ["since_removal"], "at": [6, 12]},
    )


def demo_windows() -> Study:
    """The same blur for three epochs at each onset, all runs of equal length."""
    return windows(
        Blur(factor=7),
        onsets=[0, 3, 6, 9],
        length=3,
        total=16,
        seeds=5,
        base=sample_base(),
        name="demo-windows",
    )
