"""The set-ups of paper 1, Critical Learning Periods in Deep Neural Networks (Achille, Rovere, Soatto 2019; 1711.08856).

At ``medium`` there are 10,000 images and a quarter of the width, for a clean accuracy above 70 %, and seeds are added
until the answer is decided. At ``small`` the schedule is compressed: the learning rate falls by 0.87 an epoch, so that
24 clean epochs end about where the paper's 160 do, and a deficit of 24 epochs lasts as long in comparison. ``demo`` is
the same on the images that ship.

The paper's body could not be read; its numbers come through public notes and through replications, as each source
says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critlab.deficits import Blur
from critlab.measures import FisherTrace
from critlab.papers.figure import Published, Scale
from critlab.papers.names import study_name
from critlab.papers.ours.sample_base import sample_base
from critlab.papers.sweeps import removal_sweep
from critlab.study.setup import Setup
from critlab.study.specs import EvaluationSpec
from critlab.study.study import Study

PAPER = "Achille, Rovere and Soatto 2019"
NOTES = "public notes on the paper"
RECONSTRUCTION = "R. Leor's reconstruction, one seed, no momentum"
REPLICATION = "B. Krzepkowski's replication, no momentum"
PRESENT = Published("damage after the longest blur", "present", "from memory of the paper, unconfirmed")
CLOCKS = ("since_removal", "cosine_restart")
"""Two ways to restart the learning rate after the deficit; constant rates are a figure of their own."""
CONSTANT_RATE = {"paper": 0.001, "small": 0.01, "demo": 0.01}
"""The paper's needs the paper's number of steps; with few it has hardly begun to learn."""
EVERY = {"paper": 4, "small": 2, "demo": 2}
"""Epochs from reading to reading; the trace moves fastest in the first few."""


@dataclass(frozen=True)
class Timeline:
    """When a figure's deficits begin and end at a scale, in epochs.

    Args:
        removals: of the whole curve.
        compared: removals at which variants are compared, 0 first.
        recovery: clean epochs after removal.
        seeds: how many, or from how many to how many.
        onsets: of the windows.
        length: of a window.
        after: clean epochs after a window; None where all runs end at ``total``.
        total: epochs of a window's run.
    """

    removals: tuple[int, ...]
    compared: tuple[int, ...]
    recovery: int
    seeds: int | Mapping[str, int]
    onsets: tuple[int, ...]
    length: int
    after: int | None = None
    total: int | None = None

    @property
    def windows(self) -> dict[str, Any]:
        """The arguments of a window sweep."""
        ends = {"recovery": self.after} if self.after is not None else {"total": self.total}
        return {"onsets": self.onsets, "length": self.length, **ends}


TIMELINES: Mapping[Scale, Timeline] = {
    "paper": Timeline(tuple(range(0, 201, 20)), (0, 40, 100), 160, 5, tuple(range(0, 161, 20)), 40, after=160),
    "medium": Timeline((0, 10, 20, 40), (0, 40), 30, {"first": 3, "most": 6}, (0, 10, 20, 40), 10, after=30),
    "small": Timeline((0, 4, 8, 16, 24), (0, 8, 24), 24, 3, (0, 4, 8, 16, 24, 32), 6, total=48),
    "demo": Timeline((0, 4, 8, 12), (0, 4, 12), 10, 3, (0, 2, 4, 8, 12), 3, total=22),
}
"""Figure 1 for ``paper``; its windows are followed by as many clean epochs as a removal is, which is not stated."""


def all_cnn_cifar10(
    width: int = 96, train: int | None = None, test: int | None = None, lr_decay: float = 0.97
) -> Setup:
    """The paper's set-up: All-CNN on CIFAR-10, SGD from 0.05 times 0.97 an epoch, flips and shifts up to 4 pixels.

    Args:
        width: channels of the first blocks; 96 in the paper.
        train: a class-balanced subset of so many training images; None for all 50,000.
        test: the same for the 10,000 test images.
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
        "measures": {"fisher_trace": FisherTrace(every=5)},
    }
    return Setup.read(raw, "all_cnn_cifar10")


def base(scale: Scale, measures: Mapping[str, Any] | None = None, **parts: Any) -> Setup:
    """The set-up of figure 1 at a scale.

    Args:
        scale: of the figure.
        measures: in place of the set-up's own.
        parts: fields of the set-up to change: ``model`` in place of the whole section, ``optimizer`` key by key.
    """
    made = {"paper": all_cnn_cifar10, "medium": _medium, "small": _small, "demo": _demo}[scale]()
    changed = {field: getattr(made, field) for field in Setup.model_fields}
    if "optimizer" in parts:
        parts = {**parts, "optimizer": {**made.optimizer.model_dump(), **parts["optimizer"]}}
    if measures is not None:
        parts = {**parts, "measures": dict(measures)}
    return Setup.read({**changed, **parts}, "base")


def _medium() -> Setup:
    made = all_cnn_cifar10(width=24, train=10_000, lr_decay=0.9)
    changed = {
        "measures": {"fisher_trace": FisherTrace(every=10, images=512)},
        "evaluation": EvaluationSpec(every=10),
        "optimizer": made.optimizer.model_copy(update={"batch": 64}),
    }
    return made.model_copy(update=changed)


def _small() -> Setup:
    made = all_cnn_cifar10(width=12, train=4000, test=2000, lr_decay=0.87)
    return made.model_copy(update={"measures": {"fisher_trace": FisherTrace(every=4, images=512)}})


def _demo() -> Setup:
    made = sample_base(train=2000, width=8, batch=64, lr_decay=0.75)
    return made.model_copy(update={"precision": "float32"})  # the same table on every machine of a kind


def blur(scale: Scale) -> Blur:
    """The paper's blur, to a quarter of the side; at ``demo`` to 4 pixels."""
    return Blur(factor=7) if scale == "demo" else Blur(factor=4)


def constant_rate(scale: Scale) -> dict[str, Any]:
    """The optimiser keys of a constant learning rate."""
    return {"lr": CONSTANT_RATE[scale], "lr_decay": 1.0}


def compared_study(scale: Scale, chosen: Setup, name: str, deficit: Blur | None = None) -> Study:
    """With clean runs of equal length as well: where the rate does not fall, longer training helps."""
    timeline = TIMELINES[scale]
    return removal_sweep(
        scale,
        deficit or blur(scale),
        at=timeline.removals if scale == "paper" else timeline.compared,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        setup=chosen,
        name=name,
        controls={"equal_total": True},
    )


def trace_measure(scale: Scale) -> Mapping[str, Any]:
    """The section ``[measures]`` that reads the Fisher trace often."""
    images = {"paper": 1024, "small": 512, "demo": 128}[scale]
    return {"fisher_trace": {"every": EVERY[scale], "images": images}}


def measured_study(scale: Scale, figure: str, measures: Mapping[str, Any]) -> Study:
    """A removal sweep of blur that reads ``measures``."""
    timeline = TIMELINES[scale]
    return removal_sweep(
        scale,
        blur(scale),
        at=timeline.compared,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        setup=base(scale, measures),
        name=study_name(figure, scale),
    )
