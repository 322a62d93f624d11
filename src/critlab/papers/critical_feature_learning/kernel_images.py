"""How far kernels adapt on two classes of images, by width."""

from __future__ import annotations

from critlab.papers.critical_feature_learning.by_width import IMAGES, by_width, width_chart, width_comparisons
from critlab.papers.critical_feature_learning.settings import PAPER
from critlab.papers.figure import THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.findings import Comparison


def tables(scale: Scale) -> Tables:
    """The same on two classes of images, P = 20: the Fashion-MNIST sample, at ``paper`` digits 0 and 3 of MNIST."""
    from critlab.theory.kernels import image_task

    data = "sample" if scale == "small" else "mnist"
    inputs, targets = image_task(20, data=data)
    named = "Fashion-MNIST sample, classes 0 and 3" if scale == "small" else "MNIST digits 0 and 3"
    return by_width(scale, inputs, targets, 1, IMAGES, named)


def charts(tables: Tables) -> list[Chart]:
    """Alignment of the output kernel against width, images."""
    return [width_chart("kernel_images", "How far kernels adapt, by width: images", tables)]


def compare(tables: Tables) -> list[Comparison]:
    """The protocol's width, on Fashion-MNIST only."""
    known = {100: ("0.4321", "0.4365", "0.4377 ± 0.0012")}
    if "MNIST digits" in tables["settings"][0]["task"]:
        known = {100: ("not stated", "not stated", "not stated")}
    return width_comparisons(
        tables, "images, P = 20, L = 1", "0.4034" if known[100][0] != "not stated" else "not stated", known
    )


FIGURE = Figure(
    question="how far do kernels adapt on two classes of images?",
    source=f"ours, after {PAPER} (digits 0 and 3)",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
    compare=compare,
    version=2,
)
