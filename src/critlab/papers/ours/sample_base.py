"""The small All-CNN on the images that ship, which several figures and designs share."""

from __future__ import annotations

from critlab.study.setup import Setup


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
