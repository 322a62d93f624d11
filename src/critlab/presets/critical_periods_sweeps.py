"""Figures 1, 1C and 2 of paper 1: removal, sensitivity, and which deficits have a critical period at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.deficits import Deficit, LabelPermutation, Noise, RandomLabels, VerticalFlip, read_deficit
from critlab.presets.critical_periods_setup import TIMELINES, base, blur, named
from critlab.presets.preset import Scale, Studies
from critlab.study.study import Study, removal, windows
from critlab.study.values import Clock

CLOCKS: tuple[Clock, ...] = ("since_removal", "cosine_restart")
"""Two ways to restart the learning rate after the deficit; constant rates are a figure of their own."""

CORRUPTIONS: Mapping[Scale, tuple[str, ...]] = {
    "paper": ("gaussian_noise", "impulse_noise", "defocus_blur", "motion_blur", "fog", "contrast", "jpeg_compression"),
    "small": ("gaussian_noise", "fog", "jpeg_compression"),
    "demo": ("gaussian_noise", "fog", "jpeg_compression"),
}
"""A part of the ten that there are, of every kind."""


def removal_studies(scale: Scale) -> Studies:
    """Figure 1: blur until each epoch, then clean images; All-CNN and ResNet-18."""
    return {"all_cnn": all_cnn_removal(scale), "resnet18": resnet18_removal(scale)}


def all_cnn_removal(scale: Scale) -> Study:
    """All-CNN; at ``paper`` scale without controls, as published, below it with the flip and the other clocks."""
    timeline = TIMELINES[scale]
    controls = {"deficits": [VerticalFlip()], "clocks": CLOCKS, "at": timeline.compared[1:]}
    return removal(
        blur(scale),
        at=timeline.removals,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        base=base(scale),
        name=named("removal", scale),
        controls={} if scale == "paper" else controls,
    )


def resnet18_removal(scale: Scale) -> Study:
    """ResNet-18: learning rate 0.1, weight decay 0.0005 (from memory of the paper, unconfirmed)."""
    timeline = TIMELINES[scale]
    width = {"paper": 64, "small": 6, "demo": 4}[scale]
    return removal(
        blur(scale),
        at=timeline.removals if scale == "paper" else timeline.compared,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        base=base(scale, model={"name": "resnet18", "width": width}, optimizer={"lr": 0.1, "weight_decay": 0.0005}),
        name=named("removal", scale, "resnet18"),
    )


def sensitivity_study(scale: Scale) -> Study:
    """Figure 1C: a window of blur at each onset."""
    timeline = TIMELINES[scale]
    return windows(
        blur(scale), **timeline.windows, seeds=timeline.seeds, base=base(scale), name=named("sensitivity", scale)
    )


def deficits_studies(scale: Scale) -> Studies:
    """Figure 2: the paper's deficits swept like blur; beside them random labels, fewer images, and corruptions."""
    timeline = TIMELINES[scale]
    paper: tuple[Deficit, ...] = (VerticalFlip(), LabelPermutation(), Noise(), RandomLabels())
    further = [read_deficit({"name": "data_subset", "fraction": 0.1})]
    further += [read_deficit({"name": name, "severity": 3}) for name in CORRUPTIONS[scale]]
    shared: dict[str, Any] = {"recovery": timeline.recovery, "seeds": timeline.seeds, "base": base(scale)}
    at = timeline.removals if scale == "paper" else timeline.compared
    return {
        "paper": removal(blur(scale), at=at, name=named("deficits", scale), controls={"deficits": paper}, **shared),
        "further": removal(
            blur(scale),
            at=timeline.compared[::2],
            name=named("deficits", scale, "further"),
            controls={"deficits": further},
            **shared,
        ),
        "flip_and_clocks": _clocks(VerticalFlip(), scale, "flip", shared),
        "noise_and_clocks": _clocks(Noise(), scale, "noise", shared),
    }


def _clocks(deficit: Deficit, scale: Scale, part: str, shared: dict[str, Any]) -> Study:
    """The last removal under other clocks, for a deficit that others say does no lasting harm."""
    at = TIMELINES[scale].compared[::2]
    return removal(deficit, at=at, name=named("deficits", scale, part), controls={"clocks": CLOCKS}, **shared)
