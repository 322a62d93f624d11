"""Paper 1, Critical Learning Periods in Deep Neural Networks (Achille, Rovere, Soatto 2019; arXiv 1711.08856)."""

from __future__ import annotations

from typing import Literal

from critlab.deficits import Blur, VerticalFlip
from critlab.measures import FisherTraceOptions
from critlab.study.study import Base, Study, removal

Scale = Literal["demo", "small", "paper"]


def all_cnn_cifar10(width: int = 96, train: int | None = None, test: int | None = None, lr_decay: float = 0.97) -> Base:
    """The paper's set-up: All-CNN on CIFAR-10, SGD from 0.05 times 0.97 an epoch, flips and shifts up to 4 pixels.

    Args:
        width: channels of the first blocks; 96 in the paper.
        train: a class-balanced subset of so many training images; None for all 50,000.
        test: likewise of the 10,000 test images.
        lr_decay: factor of the learning rate from epoch to epoch.

    Source: section 2 and appendix A; momentum 0.9 is not stated there and follows the same laboratory's later code.
    """
    raw = {
        "data": {"name": "cifar10", "train": train, "test": test},
        "model": {"name": "all_cnn", "width": width},
        "optimizer": {
            "name": "sgd",
            "lr": 0.05,
            "lr_decay": lr_decay,
            "momentum": 0.9,
            "weight_decay": 0.001,
            "batch": 128,
        },
        "augment": {"flip": True, "shift": 4},
        "measures": {"fisher_trace": FisherTraceOptions(every=5)},
    }
    return Base.read(raw, "all_cnn_cifar10")


def removal_figure(scale: Scale) -> Study:
    """Figure 1: blur by 4, removed at epochs 0 to 200, then 160 clean epochs.

    At ``small`` the schedule is compressed: the learning rate falls by 0.85 an epoch, so that 20 clean epochs end where
    the paper's recovery ends; 8,000 images and width 24.
    """
    if scale == "paper":
        return removal(
            Blur(factor=4),
            at=range(0, 201, 20),
            recovery=160,
            seeds=5,
            base=all_cnn_cifar10(),
            name="removal",
        )
    return removal(
        Blur(factor=4),
        at=[0, 8, 20],
        recovery=20,
        seeds=3,
        base=all_cnn_cifar10(width=24, train=8000, test=2000, lr_decay=0.85),
        name="removal-small",
        controls={"deficits": [VerticalFlip()], "clocks": ["since_removal"], "at": [20]},
    )
