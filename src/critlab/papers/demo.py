"""The demo: a critical period on the images that ship with critlab, found on two cores in minutes.

The setting was searched for, see ``evidence/demo_search.py``: a network, data and schedule so small that the damage of
late removal is significant with five seeds in that time.
"""

from __future__ import annotations

from critlab.deficits import Blur, VerticalFlip
from critlab.papers.figure import Figure, single
from critlab.papers.sweeps import removal_sweep
from critlab.study.setup import Setup
from critlab.study.study import Study

FURTHER = (
    (
        "When in training does a blur of fixed length hurt most? A window at each onset, at equal total budget; "
        "the plan says how long it takes here:",
        "critlab plan sample-windows --measure && critlab run sample-windows && critlab report sample-windows",
    ),
    (
        "The same question on CIFAR-10, which critlab fetches once:",
        "critlab plan removal --scale small --measure && critlab run removal --scale small",
    ),
)
"""What to ask after the demo: questions, each with the command that answers it."""


def sample_base(train: int, width: int, batch: int, lr_decay: float) -> Setup:
    """A small All-CNN on the sample, with a schedule so short that the learning rate has fallen when recovery ends.

    Args:
        train: training images.
        width: channels of the first blocks.
        batch: images of one step.
        lr_decay: factor of the learning rate from epoch to epoch.
    """
    raw = {
        "data": {"name": "sample", "train": train, "test": 2000},
        "model": {"name": "all_cnn", "width": width},
        "optimizer": {
            "name": "sgd",
            "lr": 0.05,
            "lr_decay": lr_decay,
            "momentum": 0.9,
            "weight_decay": 0.001,
            "batch": batch,
        },
        "augment": {"flip": True, "shift": 2},
        "measures": {"fisher_trace": {"every": 2, "images": 128}},
    }
    return Setup.read(raw, "sample_base")


def demo() -> Study:
    """Blur from the first epoch until removal, with the vertical flip and a restarted schedule as controls."""
    return removal_sweep(
        Blur(factor=7),
        at=[0, 4, 8, 12],
        recovery=10,
        seeds=5,
        setup=sample_base(train=2000, width=8, batch=64, lr_decay=0.75),
        name="demo",
        precision="float32",  # the same table on every machine of a kind
        controls={"deficits": [VerticalFlip()], "clocks": ["since_removal"], "at": [8, 12]},
    )


FIGURE = Figure(
    question="does early blur leave lasting damage on the sample that ships?",
    source="ours",
    scales=("demo",),
    studies=single(lambda scale: demo()),
)
