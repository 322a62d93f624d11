"""The set-ups of paper 2, Critical Learning Periods for Multisensory Integration (Kleinman, Achille, Soatto 2023).

At ``small`` 5,000 images of CIFAR-10 in two views, a split ResNet-18 of width 8, blur by 8 instead of 4, and a learning
rate that falls faster; ``demo`` is the same on the images that ship.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.deficits import Blank, Blur, Decorrelate
from critlab.presets.critical_periods_setup import named
from critlab.presets.preset import Scale, Studies
from critlab.study.study import Base, Study, removal, windows

PAPER = "Kleinman, Achille and Soatto 2023"

SEEDS = {"paper": 5, "small": 3, "demo": 3}
EVERY = {"paper": 20, "small": 8, "demo": 4}
"""Epochs from reading to reading; every sweep below begins and ends on one."""

REMOVALS = {"paper": tuple(range(0, 181, 20)), "small": (0, 8, 16, 24), "demo": (0, 4, 8)}
RECOVERY = {"paper": 180, "small": 16, "demo": 8}


def base(scale: Scale, **parts: Any) -> Base:
    """The paper's main set-up: SGD from 0.075 times 0.97 an epoch, weight decay 0.0005, batch 128, views of 16 of 32.

    At ``paper`` scale BatchNorm statistics are computed anew before each test, as in the authors' code.

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
    return Base.read({**raw, **parts}, "base")


def blur(scale: Scale, source: str = "B") -> Blur:
    """The paper's blur, by 4, of one source; below ``paper`` scale stronger, as training is shorter."""
    factor = {"paper": 4, "small": 8, "demo": 7}[scale]
    return Blur.model_validate({"factor": factor, "source": source})


def rsv_study(scale: Scale) -> Study:
    """Blur of B until each epoch, then clean images; and its mirror, blur of A, at the longest.

    Initial networks lean to one source by chance, so each is compared with the clean run of its own seed, and the
    mirror shows that the deficit decides.
    """
    removals = REMOVALS[scale]
    return removal(
        blur(scale),
        at=removals,
        recovery=RECOVERY[scale],
        seeds=SEEDS[scale],
        base=base(scale),
        name=named("rsv", scale),
        controls={"deficits": [blur(scale, "A")], "at": removals[-1:]},
    )


def source_information_study(scale: Scale) -> Study:
    """Blur of B as in ``rsv``, while a tenth of all training images lose A and a tenth lose B from start to end.

    So a network has seen each source alone, and what it makes of one alone is not out of distribution.
    """
    augment = {"flip": True, "shift": 4 if scale != "demo" else 2, "source_dropout": 0.1}
    return removal(
        blur(scale),
        at=REMOVALS[scale],
        recovery=RECOVERY[scale],
        seeds=SEEDS[scale],
        base=base(scale, augment=augment),
        name=named("source-information", scale),
    )


def dissociation_study(scale: Scale) -> Study:
    """The sources never show the same scene until each epoch, then always: learning rate 0.05, no weight decay, no
    augmentation, three heads.
    """
    longest, decay = {"paper": (180, 0.97), "small": (40, 0.95), "demo": (12, 0.9)}[scale]
    made = base(
        scale,
        data={"heads": 3},
        model={"heads": 3},
        optimizer={"lr": 0.05, "lr_decay": decay, "weight_decay": 0.0},
        augment=None,
    )
    return removal(
        Decorrelate(),
        at=(0, longest),
        recovery=longest,
        seeds=SEEDS[scale],
        base=made,
        name=named("dissociation", scale),
    )


def source_window_study(scale: Scale) -> Study:
    """Blur of B in a window at each onset, all runs of equal length."""
    onsets, length, total = {
        "paper": (tuple(range(0, 161, 40)), 40, 240),
        "small": ((0, 8, 16), 8, 32),
        "demo": ((0, 4, 8), 4, 16),
    }[scale]
    return windows(
        blur(scale),
        onsets=onsets,
        length=length,
        total=total,
        seeds=SEEDS[scale],
        base=base(scale),
        name=named("source-window", scale),
    )


def source_depth_studies(scale: Scale) -> Studies:
    """Two towers of one, two and three blocks before the sources meet, at a constant learning rate.

    Where the rate does not fall, longer training helps a clean network too: clean runs of equal length stand beside.
    """
    removals, recovery = {
        "paper": (tuple(range(0, 281, 40)), 160),
        "small": ((0, 16), 16),
        "demo": ((0, 8), 8),
    }[scale]
    optimizer = {
        "lr": 0.001 if scale == "paper" else 0.01,
        "lr_decay": 1.0,
        "weight_decay": 0.001,
    }
    width = {"paper": 96, "small": 8, "demo": 6}[scale]
    return {
        f"n={blocks}": removal(
            blur(scale),
            at=removals,
            recovery=recovery,
            seeds=SEEDS[scale],
            base=_towers(scale, blocks, width, optimizer),
            name=named("source-depth", scale, str(blocks)),
            controls={"equal_total": True},
        )
        for blocks in (1, 2, 3)
    }


def _towers(scale: Scale, blocks: int, width: int, optimizer: Mapping[str, Any]) -> Base:
    made = base(scale, optimizer=dict(optimizer))
    fields = {field: getattr(made, field) for field in Base.model_fields}
    return Base.read({**fields, "model": {"name": "two_tower", "blocks": blocks, "width": width}}, "towers")


def reconstruction_studies(scale: Scale) -> Studies:
    """One source blank in a window at each onset, while the network predicts patches, or learns from labels.

    The data are moving patterns, whose class lies in the motion alone: it needs both sources. Both parts end with the
    same epochs of learning from labels alone, after the last window, and both have the same budget. Patches of 3,000
    patterns begin to be predicted after about 30 epochs; labels of clean ones are learned in four. At ``paper`` scale
    more and larger patterns; the paper's own data are Kinetics-400, of which nothing is downloaded here.
    """
    return {
        "reconstruction": _patterns(scale, {"objective": "cross_source_reconstruction"}),
        "supervised": _patterns(scale, None),
    }


def _patterns(scale: Scale, pretraining: Mapping[str, Any] | None) -> Study:
    train, side, width, first, last, length = {
        "paper": (20_000, 32, 64, 80, 20, 20),
        "small": (3000, 16, 32, 48, 8, 16),
        "demo": (1000, 16, 16, 24, 8, 8),
    }[scale]
    raw: dict[str, Any] = {
        "data": {"name": "moving_patterns", "side": side, "train": train, "test": 1000},
        "model": {"name": "two_stream_transformer", "width": width, "reconstruction": True},
        "optimizer": {"name": "adam", "lr": 0.002, "batch": 64},
        "measures": {"usable_information": {"every": EVERY[scale] if scale != "paper" else 20, "images": 1000}},
        "precision": "float32",
    }
    if pretraining is not None:
        raw["pretraining"] = {**pretraining, "epochs": first}
    return windows(
        Blank(source="B"),
        onsets=range(0, first, length),
        length=length,
        total=first + last,
        seeds=SEEDS[scale],
        base=Base.read(raw, "patterns"),
        name=named("reconstruction", scale, "" if pretraining is not None else "supervised"),
    )
