"""Figure 2, left, of paper 1: the paper's deficits swept like blur, and further ones of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.deficits import Deficit, LabelPermutation, RandomLabels, VerticalFlip, WhiteNoise, read_deficit
from critlab.papers.comparisons import UNSTATED, last_tested, other_arms
from critlab.papers.critical_periods.setup import CLOCKS, NOTES, PAPER, PRESENT, REPLICATION, TIMELINES, base, blur
from critlab.papers.figure import Figure, Found, Published, Scale, Studies
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.report.findings import Comparison, DamageAt
from critlab.report.text.names import window_words
from critlab.study.study import Study

FLIP = Published(
    "vertical flip", "no lasting damage", f"the paper's abstract; 5.3 points after 140 epochs in {REPLICATION}"
)
PERMUTATION = Published("label permutation", "no lasting damage", NOTES)
SHUFFLED = Published("random labels", "17.2 points after 140 epochs", REPLICATION)
NOISE = Published("white noise", "milder than blur", f"{NOTES}; 19.6 points after 140 epochs in {REPLICATION}")
CORRUPTIONS: Mapping[Scale, tuple[str, ...]] = {
    "paper": ("gaussian_noise", "impulse_noise", "defocus_blur", "motion_blur", "fog", "contrast", "jpeg_compression"),
    "small": ("gaussian_noise", "fog", "jpeg_compression"),
    "demo": ("gaussian_noise", "fog", "jpeg_compression"),
}
"""A part of the ten that there are, of every kind."""


def studies(scale: Scale) -> Studies:
    """Figure 2: the paper's deficits swept like blur; in addition random labels, fewer images, and corruptions."""
    timeline = TIMELINES[scale]
    paper: tuple[Deficit, ...] = (VerticalFlip(), LabelPermutation(), WhiteNoise(), RandomLabels())
    further = [read_deficit({"name": "data_subset", "fraction": 0.1})]
    further += [read_deficit({"name": name, "severity": 3}) for name in CORRUPTIONS[scale]]
    shared: dict[str, Any] = {"recovery": timeline.recovery, "seeds": timeline.seeds, "setup": base(scale)}
    at = timeline.removals if scale == "paper" else timeline.compared
    return {
        "paper": removal_sweep(
            scale, blur(scale), at=at, name=study_name("deficits", scale), controls={"deficits": paper}, **shared
        ),
        "further": removal_sweep(
            scale,
            blur(scale),
            at=timeline.compared[::2],
            name=study_name("deficits", scale, "further"),
            controls={"deficits": further},
            **shared,
        ),
        "flip_and_clocks": _clocks(VerticalFlip(), scale, "flip", shared),
        "noise_and_clocks": _clocks(WhiteNoise(), scale, "noise", shared),
    }


def _clocks(deficit: Deficit, scale: Scale, part: str, shared: dict[str, Any]) -> Study:
    """The last removal under other clocks, for a deficit that others say does no lasting harm."""
    at = TIMELINES[scale].compared[::2]
    return removal_sweep(
        scale, deficit, at=at, name=study_name("deficits", scale, part), controls={"clocks": CLOCKS}, **shared
    )


def compare(found: Found) -> Sequence[Comparison]:
    """The damage of every deficit at the last removal."""
    stated = {"vertical_flip": FLIP, "label_permutation": PERMUTATION, "noise": NOISE, "random_labels": SHUFFLED}
    rows: list[Comparison] = []
    for part, results in found.items():
        if (last := last_tested(results.curve())) is not None and part == "paper":
            rows.append(PRESENT.beside(DamageAt(last), f"damage of {window_words(results.study)}"))
        for name, damage in other_arms(results):
            published = stated.get(name.split(" against ")[0].replace(" ", "_"), Published("", UNSTATED, "ours"))
            rows.append(published.beside(damage, f"damage of {name}"))
    return rows


FIGURE = Figure(
    question="which deficits have a critical period, and what is left of it under another clock?",
    source=f"{PAPER}, figure 2, left; random labels, fewer images and corruptions: ours",
    studies=studies,
    published=(FLIP, PERMUTATION, NOISE, SHUFFLED),
    compare=compare,
)
