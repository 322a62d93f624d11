"""Deep linear networks, paper 3: exact and simulated critical periods, whole sweeps as one batched computation.

The public names are loaded when they are first used: a process that only multiplies matrices starts without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from critlab.linear.completion import complete_matrix as complete_matrix
    from critlab.linear.completion_table import CompletionRow as CompletionRow
    from critlab.linear.completion_table import CompletionState as CompletionState
    from critlab.linear.completion_table import CompletionTable as CompletionTable
    from critlab.linear.flow import flow_field as flow_field
    from critlab.linear.flow import mode_strength as mode_strength
    from critlab.linear.flow import odd_layer as odd_layer
    from critlab.linear.flow import pathway_flow as pathway_flow
    from critlab.linear.gates import Gate as Gate
    from critlab.linear.gates import Lesion as Lesion
    from critlab.linear.pathways import train_pathways as train_pathways
    from critlab.linear.portable import Instance as Instance
    from critlab.linear.portable import portable_instance as portable_instance
    from critlab.linear.sensors import SensorCurves as SensorCurves
    from critlab.linear.sensors import sensor_curves as sensor_curves
    from critlab.linear.singular_vectors import SingularVectorFlow as SingularVectorFlow
    from critlab.linear.singular_vectors import singular_vector_flow as singular_vector_flow
    from critlab.linear.trajectory import PathwayTrajectory as PathwayTrajectory

_WHERE = {
    "CompletionRow": "critlab.linear.completion_table",
    "CompletionState": "critlab.linear.completion_table",
    "CompletionTable": "critlab.linear.completion_table",
    "Gate": "critlab.linear.gates",
    "Instance": "critlab.linear.portable",
    "Lesion": "critlab.linear.gates",
    "PathwayTrajectory": "critlab.linear.trajectory",
    "SensorCurves": "critlab.linear.sensors",
    "SingularVectorFlow": "critlab.linear.singular_vectors",
    "complete_matrix": "critlab.linear.completion",
    "flow_field": "critlab.linear.flow",
    "mode_strength": "critlab.linear.flow",
    "odd_layer": "critlab.linear.flow",
    "pathway_flow": "critlab.linear.flow",
    "portable_instance": "critlab.linear.portable",
    "sensor_curves": "critlab.linear.sensors",
    "singular_vector_flow": "critlab.linear.singular_vectors",
    "train_pathways": "critlab.linear.pathways",
}

__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'critlab.linear' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
