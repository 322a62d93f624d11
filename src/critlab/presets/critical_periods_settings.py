"""Figures 2 and 3 of paper 1: the same question of other depths, data, optimisers, schedules and weight decays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.deficits import Blur
from critlab.presets.critical_periods_setup import TIMELINES, base, blur, named
from critlab.presets.preset import Scale, Studies
from critlab.study.study import Base, Study, removal

WEIGHT_DECAYS: Mapping[Scale, tuple[float, ...]] = {
    "paper": (0.0, 0.0005, 0.001, 0.002),
    "small": (0.0, 0.001, 0.002),
    "demo": (0.0, 0.001, 0.002),
}
"""From none to the strongest that figure 3 is said to show; the exact list is not recovered."""

CONSTANT_RATE = {"paper": 0.001, "small": 0.01, "demo": 0.01}
"""The paper's needs the paper's number of steps; with few it has hardly begun to learn."""


def depth_studies(scale: Scale) -> Studies:
    """Figure 2, right: the n-block family at a constant learning rate."""
    width = {"paper": 96, "small": 12, "demo": 8}[scale]
    return {
        f"n={blocks}": _compared(
            scale,
            base(scale, model={"name": "depth_family", "blocks": blocks, "width": width}, optimizer=_constant(scale)),
            named("depth", scale, str(blocks)),
        )
        for blocks in (1, 2, 3)
    }


def constant_lr_study(scale: Scale) -> Study:
    """Figure 3: without annealing, so that a decayed learning rate cannot be the cause."""
    return _compared(scale, base(scale, optimizer=_constant(scale)), named("constant-lr", scale))


def adam_study(scale: Scale) -> Study:
    """Figure 3: Adam at 0.001 with weight decay 0.0001, constant."""
    optimizer = {"name": "adam", "momentum": None, "lr": 0.001, "lr_decay": 1.0, "weight_decay": 0.0001}
    return _compared(scale, base(scale, optimizer=optimizer), named("adam", scale))


def weight_decay_studies(scale: Scale) -> Studies:
    """Figure 3: weaker and stronger weight decay."""
    return {
        f"{decay:g}": _compared(
            scale, base(scale, optimizer={"weight_decay": decay}), named("weight-decay", scale, f"{decay:g}")
        )
        for decay in WEIGHT_DECAYS[scale]
    }


def mnist_study(scale: Scale) -> Study:
    """Figure 3: a fully connected network on MNIST padded to 32 x 32; below ``paper`` scale on Fashion-MNIST.

    Learning rate 0.005, constant, no weight decay and no augmentation (from memory of the paper, unconfirmed).
    """
    data: dict[str, Any] = {"name": "mnist", "pad": 2}
    hidden: tuple[int, ...] = (2500, 2000, 1500, 1000, 500)
    if scale != "paper":
        data = {"name": "fashion_mnist" if scale == "small" else "sample", "pad": 2, "train": 4000, "test": 2000}
        hidden = tuple(size // 10 for size in hidden)
    optimizer = {"name": "sgd", "lr": 0.005, "momentum": 0.9, "batch": 128}
    made = Base.read({"data": data, "model": {"name": "mlp", "hidden": hidden}, "optimizer": optimizer}, "mnist")
    return _compared(scale, made, named("mnist", scale), Blur(factor=4))


def _constant(scale: Scale) -> dict[str, Any]:
    return {"lr": CONSTANT_RATE[scale], "lr_decay": 1.0}


def _compared(scale: Scale, chosen: Base, name: str, deficit: Blur | None = None) -> Study:
    """With clean runs of equal length beside the plain control: where the rate does not fall, longer training helps."""
    timeline = TIMELINES[scale]
    return removal(
        deficit or blur(scale),
        at=timeline.removals if scale == "paper" else timeline.compared,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        base=chosen,
        name=name,
        controls={"equal_total": True},
    )
