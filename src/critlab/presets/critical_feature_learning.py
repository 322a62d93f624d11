"""Paper 4, Critical Feature Learning in Deep Neural Networks (arXiv 2405.10761): its figures by name.

"Critical" means the edge of chaos of the network's prior, not a critical period in training; the figure
``prior-and-plasticity`` asks whether the two are connected. Importing this costs no numerical library; a figure loads
them when its tables are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from critlab.presets.critical_feature_criticality import (
    charts_kernel_criticality,
    compare_kernel_criticality,
    compute_kernel_criticality,
)
from critlab.presets.critical_feature_kernels import (
    charts_kernel_layers,
    charts_kernel_reweighing,
    charts_kernels,
    compare_kernel_layers,
    compare_kernel_reweighing,
    compare_kernels,
    compute_kernel_layers,
    compute_kernel_reweighing,
    compute_kernels,
)
from critlab.presets.critical_feature_panels import PAPER, Scale, Tables
from critlab.presets.critical_feature_plasticity import (
    charts_prior_and_plasticity,
    compare_prior_and_plasticity,
    compute_prior_and_plasticity,
)
from critlab.presets.critical_feature_width import (
    charts_kernel_images,
    charts_kernel_width,
    compare_kernel_images,
    compare_kernel_width,
    compute_kernel_images,
    compute_kernel_width,
)
from critlab.report.chart import Chart
from critlab.report.findings import Comparison


@dataclass(frozen=True)
class Figure:
    """A named figure of the theory.

    Args:
        question: what it asks.
        source: paper and figure, or ours.
        compute: its tables at a scale, rows of plain JSON values; depends on nothing but the scale.
        charts: draws the tables; pure.
        compare: the published or the protocol's numbers beside ours.
        version: of the tables, raised whenever they change.
    """

    question: str
    source: str
    compute: Callable[[Scale], Tables]
    charts: Callable[[Tables], list[Chart]]
    compare: Callable[[Tables], list[Comparison]]
    version: int = 2


FIGURES: dict[str, Figure] = {
    "kernel-reweighing": Figure(
        "how do data reweigh the kernels of the prior, narrow and broad?",
        f"{PAPER}, figure 1",
        compute_kernel_reweighing,
        charts_kernel_reweighing,
        compare_kernel_reweighing,
    ),
    "kernels": Figure(
        "what do the output kernels look like before and after they met the data?",
        f"ours, after {PAPER}",
        compute_kernels,
        charts_kernels,
        compare_kernels,
    ),
    "kernel-width": Figure(
        "how far do kernels adapt, by width, in theory and by sampling?",
        f"ours, after {PAPER} (XOR)",
        compute_kernel_width,
        charts_kernel_width,
        compare_kernel_width,
    ),
    "kernel-layers": Figure(
        "how do the targets reach the lower layers?",
        f"ours, after {PAPER}",
        compute_kernel_layers,
        charts_kernel_layers,
        compare_kernel_layers,
    ),
    "kernel-criticality": Figure(
        "at which distance from the edge of chaos of the prior do kernels adapt most?",
        f"ours, after {PAPER}",
        compute_kernel_criticality,
        charts_kernel_criticality,
        compare_kernel_criticality,
        version=3,
    ),
    "kernel-images": Figure(
        "how far do kernels adapt on two classes of images?",
        f"ours, after {PAPER} (digits 0 and 3)",
        compute_kernel_images,
        charts_kernel_images,
        compare_kernel_images,
    ),
    "prior-and-plasticity": Figure(
        "does a temporary deficit leave less damage in a prior far from the edge of chaos?",
        "ours",
        compute_prior_and_plasticity,
        charts_prior_and_plasticity,
        compare_prior_and_plasticity,
    ),
}
"""The figures by name; each function also stands in this module under the figure's name."""
