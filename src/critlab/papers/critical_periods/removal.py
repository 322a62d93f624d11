"""Figure 1 of paper 1: blur until each epoch, then clean images; All-CNN and ResNet-18."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from critlab.deficits import VerticalFlip
from critlab.papers.charts import damage_by_part
from critlab.papers.comparisons import UNSTATED, last_tested, other_arms
from critlab.papers.critical_periods.setup import CLOCKS, NOTES, PAPER, PRESENT, RECONSTRUCTION, TIMELINES, base, blur
from critlab.papers.figure import MEDIUM_SCALES, Figure, Found, Published, Scale, Studies
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.report.findings import AccuracyAt, Comparison, DamageAt
from critlab.report.text.names import spaced
from critlab.study.study import Study

CLEAN = Published("clean accuracy of All-CNN", "about 92 %", f"{NOTES}; 91.99 % in {RECONSTRUCTION}")
LATE = Published(
    "accuracy after the longest blur",
    "about 82 % after 140 epochs or more",
    f"{NOTES}; 82.87 % after 100 in {RECONSTRUCTION}",
)
RESNET_CLEAN = Published("clean accuracy of ResNet-18", "about 93.6 %", f"{NOTES} (an error of about 6.4 %)")
RESNET_LATE = Published(
    "accuracy of ResNet-18 after the longest blur", "below 82 % after 140 epochs", f"{NOTES} (an error above 18 %)"
)


def studies(scale: Scale) -> Studies:
    """Figure 1: blur until each epoch, then clean images; All-CNN and ResNet-18."""
    if scale == "medium":
        return {"all_cnn": all_cnn_removal(scale)}
    return {"all_cnn": all_cnn_removal(scale), "resnet18": resnet18_removal(scale)}


def all_cnn_removal(scale: Scale) -> Study:
    """All-CNN; at ``paper`` scale without controls, as published, below it with the flip and with other clocks."""
    timeline = TIMELINES[scale]
    controls: dict[str, Any] = {"deficits": [VerticalFlip()], "at": timeline.compared[1:]}
    if scale != "medium":
        controls["clocks"] = CLOCKS
    return removal_sweep(
        scale,
        blur(scale),
        at=timeline.removals,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        setup=base(scale),
        name=study_name("removal", scale),
        controls={} if scale == "paper" else controls,
    )


def resnet18_removal(scale: Scale) -> Study:
    """ResNet-18: learning rate 0.1, weight decay 0.0005 (from memory of the paper, unconfirmed)."""
    timeline = TIMELINES[scale]
    width = {"paper": 64, "small": 6, "demo": 4}[scale]
    return removal_sweep(
        scale,
        blur(scale),
        at=timeline.removals if scale == "paper" else timeline.compared,
        recovery=timeline.recovery,
        seeds=timeline.seeds,
        setup=base(scale, model={"name": "resnet18", "width": width}, optimizer={"lr": 0.1, "weight_decay": 0.0005}),
        name=study_name("removal", scale, "resnet18"),
    )


def compare(found: Found) -> Sequence[Comparison]:
    """Clean accuracy, accuracy after the longest blur, and what other clocks leave of the damage."""
    rows: list[Comparison] = []
    for part, results in found.items():
        curve = results.curve()
        if not curve.points:
            continue
        clean, late = (RESNET_CLEAN, RESNET_LATE) if part == "resnet18" else (CLEAN, LATE)
        rows.append(clean.beside(AccuracyAt(curve.points[0]), f"clean accuracy, {spaced(part)}"))
        if (last := last_tested(curve)) is not None:
            rows.append(late.beside(AccuracyAt(last), f"accuracy after the longest blur, {spaced(part)}"))
            rows.append(PRESENT.beside(DamageAt(last), f"damage, {spaced(part)}"))
        rows += [
            Comparison(f"damage of {name}, {spaced(part)}", UNSTATED, "ours", damage)
            for name, damage in other_arms(results)
        ]
    return rows


FIGURE = Figure(
    question="until when does early blur leave lasting damage? All-CNN and ResNet-18",
    source=f"{PAPER}, figure 1",
    studies=studies,
    scales=MEDIUM_SCALES,
    published=(CLEAN, LATE, RESNET_CLEAN, RESNET_LATE),
    charts=damage_by_part("damage_by_network", "Both networks", "network"),
    compare=compare,
)
