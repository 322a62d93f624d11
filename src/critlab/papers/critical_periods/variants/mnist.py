"""Figure 3 of paper 1: a fully connected network on MNIST."""

from __future__ import annotations

from typing import Any

from critlab.deficits import Blur
from critlab.papers.comparisons import damage_comparisons
from critlab.papers.critical_periods.setup import PAPER, REPLICATION, compared_study
from critlab.papers.figure import Figure, Published, Scale, single
from critlab.papers.names import study_name
from critlab.study.setup import Setup
from critlab.study.study import Study

MNIST = Published("damage after the longest blur", "9.4 points after 400 epochs", f"{REPLICATION} (rate 0.05 x 0.97)")


def study(scale: Scale) -> Study:
    """Figure 3: a fully connected network on MNIST padded to 32 x 32; below ``paper`` scale on Fashion-MNIST.

    Learning rate 0.005, constant, no weight decay and no augmentation (from memory of the paper, unconfirmed).
    """
    data: dict[str, Any] = {"name": "mnist", "pad": 2}
    hidden: tuple[int, ...] = (2500, 2000, 1500, 1000, 500)
    if scale != "paper":
        data = {"name": "fashion_mnist" if scale == "small" else "sample", "pad": 2, "train": 4000, "test": 2000}
        hidden = tuple(size // 10 for size in hidden)
    optimizer = {"name": "sgd", "lr": 0.005, "momentum": 0.9, "batch": 128}
    made = Setup.read({"data": data, "model": {"name": "mlp", "hidden": hidden}, "optimizer": optimizer}, "mnist")
    return compared_study(scale, made, study_name("mnist", scale), Blur(factor=4))


FIGURE = Figure(
    question="is there a critical period in a fully connected network? Below paper scale on Fashion-MNIST",
    source=f"{PAPER}, figure 3",
    studies=single(study),
    published=(MNIST,),
    compare=damage_comparisons(MNIST),
)
