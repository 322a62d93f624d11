"""Figures 4 and 5 of paper 1, and its appendix: the Fisher information through training, gradients and filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.deficits import VerticalFlip
from critlab.presets.critical_periods_setup import TIMELINES, Timeline, base, blur, named
from critlab.presets.preset import Scale, Studies
from critlab.study.base import Base
from critlab.study.study import Study, removal, windows

EVERY = {"paper": 4, "small": 2, "demo": 2}
"""Epochs from reading to reading; the trace moves fastest in the first few."""

LEARNED = Timeline((0, 8, 24), (0, 8, 24), 60, 3, (0, 8, 16, 24, 36, 48), 6, total=72)
"""Long enough for a small network to learn its training images by heart."""


def fisher_studies(scale: Scale) -> Studies:
    """Figure 4: the trace with and without deficits, and the sensitivity to set beside it.

    The trace falls once the training images have been learned. At ``small`` scale that takes few images, no
    augmentation and a rate that falls as slowly as the paper's.
    """
    timeline, seen = (LEARNED, _learned()) if scale == "small" else (TIMELINES[scale], base(scale, _traced(scale)))
    swept = removal(
        blur(scale),
        at=(*timeline.compared, "never"),
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        base=seen,
        name=named("fisher", scale),
    )
    sensitivity = windows(
        blur(scale), **timeline.windows, seeds=timeline.seeds, base=seen, name=named("fisher", scale, "sensitivity")
    )
    return {"trace": swept, "sensitivity": sensitivity}


def _learned() -> Base:
    return base(
        "small",
        {"fisher_trace": {"every": 4, "images": 512}},
        data={"name": "cifar10", "train": 1000, "test": 1000},
        model={"name": "all_cnn", "width": 16},
        optimizer={"lr_decay": 0.97},
        augment=None,
    )


def layers_study(scale: Scale) -> Study:
    """Figure 5: layer by layer, clean, blurred for ever, removed early and late, and under the flip."""
    timeline = TIMELINES[scale]
    return removal(
        blur(scale),
        at=(*timeline.compared, "never"),
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        base=base(scale, _traced(scale)),
        name=named("layers", scale),
        controls={"deficits": [VerticalFlip()], "at": timeline.compared[1:]},
    )


def gradients_study(scale: Scale) -> Study:
    """Appendix: mean and deviation of each layer's gradient."""
    return _looked_at(scale, "gradients", {"gradients": {"every": EVERY[scale]}})


def filters_study(scale: Scale) -> Study:
    """Appendix: the filters of the first layer, clean, and after removal."""
    last = TIMELINES[scale].recovery
    return _looked_at(scale, "filters", {"filters": {"every": last}})


def _looked_at(scale: Scale, figure: str, measures: Mapping[str, Any]) -> Study:
    timeline = TIMELINES[scale]
    return removal(
        blur(scale),
        at=timeline.compared,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        base=base(scale, measures),
        name=named(figure, scale),
    )


def _traced(scale: Scale) -> Mapping[str, Any]:
    images = {"paper": 1024, "small": 512, "demo": 128}[scale]
    return {"fisher_trace": {"every": EVERY[scale], "images": images}}
