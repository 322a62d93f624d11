"""Paper 2, cross-source reconstruction, on moving patterns in place of video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.deficits import Blank
from critlab.papers.charts import damage_by_part
from critlab.papers.figure import Figure, Found, Published, Scale, Studies
from critlab.papers.multisensory.setup import EVERY, PAPER, SECONDARY, SEEDS
from critlab.papers.names import study_name
from critlab.papers.sweeps import window_sweep
from critlab.report.findings import Comparison, DamageAt
from critlab.report.text.names import spaced
from critlab.study.setup import Setup
from critlab.study.study import Study

RESILIENT = Published(
    "sensitivity after cross-source reconstruction", "flat", f"{PAPER}, abstract: much more resilient; {SECONDARY}"
)


def studies(scale: Scale) -> Studies:
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
    return window_sweep(
        scale,
        Blank(source="B"),
        onsets=range(0, first, length),
        length=length,
        total=first + last,
        seeds=SEEDS[scale],
        setup=Setup.read(raw, "patterns"),
        name=study_name("reconstruction", scale, "" if pretraining is not None else "supervised"),
    )


def compare(found: Found) -> Sequence[Comparison]:
    """The damage of every window, with reconstruction first and with labels throughout."""
    return [
        RESILIENT.beside(DamageAt(point), f"damage, {spaced(part)}, onset {point.at}")
        for part, results in found.items()
        for point in results.curve().points
    ]


FIGURE = Figure(
    question="is a network that first predicts one source from the other more resilient than its supervised twin?",
    source=f"{PAPER}, cross-source reconstruction; on moving patterns in place of video",
    studies=studies,
    published=(RESILIENT,),
    charts=damage_by_part("damage_by_objective", "Damage of a window", "objective of the first epochs"),
    compare=compare,
)
