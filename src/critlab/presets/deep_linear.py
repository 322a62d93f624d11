"""Paper 3, Critical Learning Periods in Deep Linear Networks (arXiv 2308.12221), and paper 2's linear sensors.

Importing this costs no numerical library; a figure loads them when its tables are computed.
"""

from __future__ import annotations

from critlab.presets.deep_linear_completion import (
    DEPTH,
    DEPTH_PUBLISHED,
    INIT,
    OBSERVATIONS,
    RANK,
    SUBSET,
    sweep_charts,
    sweep_tables,
)
from critlab.presets.deep_linear_curves import (
    SENSORS_PUBLISHED,
    flow_charts,
    flow_tables,
    sensors_charts,
    sensors_tables,
)
from critlab.presets.deep_linear_figure import PAPER, Figure
from critlab.presets.deep_linear_pathways import (
    LESION_PUBLISHED,
    NONLINEAR_PUBLISHED,
    PATHWAYS_PUBLISHED,
    lesion_charts,
    lesion_tables,
    nonlinear_charts,
    nonlinear_tables,
    pathways_charts,
    pathways_tables,
)
from critlab.presets.deep_linear_phase import PHASE_PUBLISHED, phase_charts, phase_tables
from critlab.presets.deep_linear_window import window_charts, window_tables

COMPLETION = f"{PAPER}, figures of matrix completion"


FIGURES: dict[str, Figure] = {
    "pathways": Figure(
        "which pathway learns a mode when one is gated early, in the middle or late?",
        f"{PAPER}, figure 2",
        pathways_tables,
        pathways_charts,
        PATHWAYS_PUBLISHED,
    ),
    "lesion": Figure(
        "what does a gated pathway learn when the other lacks a mode?",
        f"{PAPER}, the analogue of Guillery's experiment",
        lesion_tables,
        lesion_charts,
        LESION_PUBLISHED,
    ),
    "pathways-nonlinear": Figure(
        "is it the same with Tanh and ReLU?",
        f"{PAPER}, appendix",
        nonlinear_tables,
        nonlinear_charts,
        NONLINEAR_PUBLISHED,
    ),
    "phase": Figure(
        "how does depth sharpen the competition between pathways?",
        f"{PAPER}, figure of the phase portraits",
        phase_tables,
        phase_charts,
        PHASE_PUBLISHED,
    ),
    "completion-depth": Figure(
        "does another task at first harm matrix completion, by depth?",
        COMPLETION,
        sweep_tables(DEPTH),
        sweep_charts("completion_depth", "Damage by the first task grows with depth and with its length"),
        DEPTH_PUBLISHED,
    ),
    "completion-rank": Figure(
        "does it depend on the rank of the first task?",
        COMPLETION,
        sweep_tables(RANK),
        sweep_charts("completion_rank", "Damage by the rank of the first task"),
    ),
    "completion-observations": Figure(
        "does it depend on how much is seen?",
        COMPLETION,
        sweep_tables(OBSERVATIONS),
        sweep_charts("completion_observations", "Damage by the number of observed entries"),
    ),
    "completion-subset": Figure(
        "does it harm to see only some of the entries at first?",
        COMPLETION,
        sweep_tables(SUBSET),
        sweep_charts("completion_subset", "Damage by seeing fewer entries of the same matrix at first"),
    ),
    "completion-init": Figure(
        "does it depend on the scale of the initial weights?",
        COMPLETION,
        sweep_tables(INIT),
        sweep_charts("completion_init", "Damage by the scale of the initial weights"),
    ),
    "completion-window": Figure(
        "does a late deficit of the same length harm less?", "ours", window_tables, window_charts
    ),
    "singular-vectors": Figure(
        "does the singular-vector flow follow gradient descent through a change of task?",
        f"{PAPER}, appendix; Arora et al. 2019",
        flow_tables,
        flow_charts,
    ),
    "sensors": Figure(
        "does a missing sensor slow what is learned from the others?",
        "Kleinman, Achille and Soatto 2023, arXiv 2210.04643, figure of the synthetic sensors",
        sensors_tables,
        sensors_charts,
        SENSORS_PUBLISHED,
    ),
}
"""The figures by name, each with its tables, its charts and the numbers it is compared with."""
