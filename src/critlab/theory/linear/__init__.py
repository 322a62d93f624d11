"""Deep linear networks, paper 3: exact and simulated critical periods, whole sweeps as one batched computation.

The public names are loaded when they are first used: a process that only multiplies matrices starts without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from critlab.theory.linear.completion import MatrixTask as MatrixTask
    from critlab.theory.linear.completion import complete_matrix as complete_matrix
    from critlab.theory.linear.completion_table import CompletionRow as CompletionRow
    from critlab.theory.linear.completion_table import CompletionState as CompletionState
    from critlab.theory.linear.completion_table import CompletionTable as CompletionTable
    from critlab.theory.linear.flow import flow_field as flow_field
    from critlab.theory.linear.flow import mode_strength as mode_strength
    from critlab.theory.linear.flow import odd_layer as odd_layer
    from critlab.theory.linear.flow import pathway_flow as pathway_flow
    from critlab.theory.linear.gates import Gate as Gate
    from critlab.theory.linear.gates import Lesion as Lesion
    from critlab.theory.linear.pathways import train_pathways as train_pathways
    from critlab.theory.linear.portable import Instance as Instance
    from critlab.theory.linear.portable import portable_instance as portable_instance
    from critlab.theory.linear.sensors import SensorCurves as SensorCurves
    from critlab.theory.linear.sensors import sensor_curves as sensor_curves
    from critlab.theory.linear.singular_vectors import SingularVectorFlow as SingularVectorFlow
    from critlab.theory.linear.singular_vectors import singular_vector_flow as singular_vector_flow
    from critlab.theory.linear.trajectory import PathwayTrajectory as PathwayTrajectory

_WHERE = {
    "CompletionRow": "critlab.theory.linear.completion_table",
    "CompletionState": "critlab.theory.linear.completion_table",
    "CompletionTable": "critlab.theory.linear.completion_table",
    "Gate": "critlab.theory.linear.gates",
    "Instance": "critlab.theory.linear.portable",
    "Lesion": "critlab.theory.linear.gates",
    "MatrixTask": "critlab.theory.linear.completion",
    "PathwayTrajectory": "critlab.theory.linear.trajectory",
    "SensorCurves": "critlab.theory.linear.sensors",
    "SingularVectorFlow": "critlab.theory.linear.singular_vectors",
    "complete_matrix": "critlab.theory.linear.completion",
    "flow_field": "critlab.theory.linear.flow",
    "mode_strength": "critlab.theory.linear.flow",
    "odd_layer": "critlab.theory.linear.flow",
    "pathway_flow": "critlab.theory.linear.flow",
    "portable_instance": "critlab.theory.linear.portable",
    "sensor_curves": "critlab.theory.linear.sensors",
    "singular_vector_flow": "critlab.theory.linear.singular_vectors",
    "train_pathways": "critlab.theory.linear.pathways",
}

__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'critlab.theory.linear' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
