"""The set-ups of paper 2, Critical Learning Periods for Multisensory Integration (Kleinman, Achille, Soatto 2023).

At ``small`` 5,000 images of CIFAR-10 in two views, a split ResNet-18 of width 8, blur by 8 instead of 4, and a learning
rate that falls faster; ``demo`` is the same on the images that ship.
"""

from __future__ import annotations

from typing import Any

from critlab.deficits import Blur
from critlab.papers.figure import Scale
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.study.setup import Setup
from critlab.study.study import Study

PAPER = "Kleinman, Achille and Soatto 2023"
SECONDARY = "secondary notes on the paper"
SEEDS = {"paper": 5, "small": 3, "demo": 3}
EVERY = {"paper": 20, "small": 8, "demo": 4}
"""Epochs from reading to reading; every sweep below begins and ends on one."""
REMOVALS = {"paper": tuple(range(0, 181, 20)), "small": (0, 8, 16, 24), "demo": (0, 4, 8)}
RECOVERY = {"paper": 180, "small": 16, "demo": 8}


def base(scale: Scale, **parts: Any) -> Setup:
    """The paper's main set-up: SGD from 0.075 times 0.97 an epoch, weight decay 0.0005, batch 128, views of 16 of 32.

    At ``paper`` scale BatchNorm statistics are computed again before each test, as in the authors' code.

    Args:
        scale: of the figure.
        parts: in place of whole sections, except ``optimizer``, ``data`` and ``model``, key by key.
    """
    data: dict[str, Any] = {"name": "two_view", "of": "cifar10"}
    if scale != "paper":
        data |= {"train": 5000, "test": 2000} if scale == "small" else {"of": "sample", "train": 2000, "test": 1000}
    images, shown = {"paper": (64, 10_000), "small": (32, 2000), "demo": (16, 1000)}[scale]
    raw: dict[str, Any] = {
        "data": data,
        "model": {"name": "split_resnet18", "width": {"paper": 64, "small": 8, "demo": 4}[scale]},
        "optimizer": {
            "name": "sgd",
            "lr": 0.075,
            "lr_decay": {"paper": 0.97, "small": 0.9, "demo": 0.85}[scale],
            "momentum": 0.9,
            "weight_decay": 0.0005,
            "batch": 64 if scale == "demo" else 128,
        },
        "augment": {"flip": True, "shift": 4 if scale != "demo" else 2},
        "measures": {
            "relative_source_variance": {"every": EVERY[scale], "images": images},
            "usable_information": {"every": EVERY[scale], "images": shown},
        },
    }
    for section in ("data", "model", "optimizer"):
        raw[section] |= parts.pop(section, {})
    if scale == "demo":
        raw["precision"] = "float32"
    if scale == "paper":
        raw["evaluation"] = {"batch_norm": "recomputed"}
    return Setup.read({**raw, **parts}, "base")


def blur(scale: Scale, source: str = "B") -> Blur:
    """The paper's blur, by 4, of one source; below ``paper`` scale stronger, as training is shorter."""
    factor = {"paper": 4, "small": 8, "demo": 7}[scale]
    return Blur.model_validate({"factor": factor, "source": source})


def source_information_study(scale: Scale) -> Study:
    """Blur of B as in ``rsv``, while a tenth of all training images lose A and a tenth lose B from start to end.

    So a network has seen each source alone, and what it makes of one alone is not out of distribution.
    """
    augment = {"flip": True, "shift": 4 if scale != "demo" else 2, "source_dropout": 0.1}
    return removal_sweep(
        scale,
        blur(scale),
        at=REMOVALS[scale],
        recovery=RECOVERY[scale],
        seeds=SEEDS[scale],
        setup=base(scale, augment=augment),
        name=study_name("source-information", scale),
    )
