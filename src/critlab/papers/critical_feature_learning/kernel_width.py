"""How far kernels adapt on XOR, by width, in theory and by sampling."""

from __future__ import annotations

from critlab.papers.critical_feature_learning.by_width import XOR, by_width, width_chart, width_comparisons
from critlab.papers.critical_feature_learning.settings import PAPER
from critlab.papers.figure import THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.findings import Comparison


def tables(scale: Scale) -> Tables:
    """Alignment on XOR, P = 12, L = 1, by width: both modes of the theory, HMC and infinite width."""
    from critlab.theory.kernels import xor_task

    inputs, targets = xor_task(12, seed=3)
    return by_width(scale, inputs, targets, 1, XOR, "XOR, seed 3")


def charts(tables: Tables) -> list[Chart]:
    """Alignment of the output kernel against width, XOR."""
    return [width_chart("kernel_width", "How far kernels adapt, by width: XOR", tables)]


def compare(tables: Tables) -> list[Comparison]:
    """The protocol's three widths."""
    known = {50: ("0.0960", "0.1025", "0.1033 ± 0.0003"), 100: ("0.0866", "0.0892", "0.0898 ± 0.0004"),
             200: ("0.0804", "0.0814", "0.0813 ± 0.0002")}  # fmt: skip
    return width_comparisons(tables, "XOR, P = 12, L = 1", "0.0724", known)


FIGURE = Figure(
    question="how far do kernels adapt, by width, in theory and by sampling?",
    source=f"ours, after {PAPER} (XOR)",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
    compare=compare,
    version=2,
)
