"""The demo: a critical period on the images that ship with critlab, found on two cores in minutes.

Blur until a late epoch leaves weights that are a worse start than random ones: harm, on the newborn's learning rates.
As long a training on permuted labels, or on a tenth of the images, is the contrast in the same network. The second part
asks whether it matters when the blur comes: its windows have the same length and the same learning rate. The setting
was searched for on other seeds, by a rule that was written down first: ``evidence/demo_search.py``.
"""

from __future__ import annotations

from critlab.deficits import Blur, DataSubset, LabelPermutation
from critlab.papers.figure import Figure, Scale, Studies
from critlab.study.constructors import removal_sweep, window_sweep
from critlab.study.setup import Setup
from critlab.study.study import Study

FURTHER = (
    (
        "When in training does a blur of fixed length hurt most? A window at each onset, at equal total budget; "
        "the plan says how long it takes here:",
        "critlab plan sample-windows --measure && critlab run sample-windows && critlab report sample-windows",
    ),
    (
        "The same question on CIFAR-10, which critlab fetches once:",
        "critlab plan removal --scale small --measure && critlab run removal --scale small",
    ),
)
"""What to ask after the demo: questions, each with the command that answers it."""

RECOVERY = 10
"""Clean epochs after the deficit; the learning rate falls to 0 in the last five."""


def demo_setup() -> Setup:
    """A small fully connected network on 1,000 images; its learning rate is stable, then falls to 0."""
    raw = {
        "data": {"name": "sample", "train": 1000, "test": 4000},
        "model": {"name": "mlp", "hidden": [256, 128, 64]},
        "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "batch": 64, "clock": "wsd", "decay": 5},
        "measures": {"fisher_trace": {"every": 10, "images": 128}},
        "precision": "float32",  # the same table on every machine of a kind
    }
    return Setup.read(raw, "demo_setup")


def demo() -> Study:
    """Blur from the first epoch until removal; as long, permuted labels, or a tenth of the images."""
    return removal_sweep(
        Blur(factor=14),
        at=[0, 10, 20, 40, 80],
        recovery=RECOVERY,
        seeds=5,
        setup=demo_setup(),
        name="demo",
        controls={"deficits": [LabelPermutation(), DataSubset(fraction=0.1)], "at": [80]},
    )


def demo_timing() -> Study:
    """Forty epochs of blur at the start or later, at the same learning rate."""
    return window_sweep(
        Blur(factor=14),
        onsets=[0, 20, 40],
        length=40,
        recovery=RECOVERY,
        seeds=5,
        setup=demo_setup(),
        name="demo-timing",
    )


def _parts(scale: Scale) -> Studies:
    return {"removal": demo(), "timing": demo_timing()}


FIGURE = Figure(
    question="does blur early in training leave lasting damage, and does it matter when it comes?",
    source="ours",
    scales=("demo",),
    studies=_parts,
)
