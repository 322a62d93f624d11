"""Deep linear networks, paper 3: exact and simulated critical periods, whole sweeps as one batched computation."""

from __future__ import annotations

from critlab.linear.completion import CompletionRow, CompletionState, CompletionTable, complete_matrix
from critlab.linear.flow import flow_field, mode_strength, odd_layer, pathway_flow
from critlab.linear.gates import Gate, Lesion
from critlab.linear.pathways import train_pathways
from critlab.linear.portable import Instance, portable_instance
from critlab.linear.sensors import SensorCurves, sensor_curves
from critlab.linear.singular_vectors import SingularVectorFlow, singular_vector_flow
from critlab.linear.trajectory import PathwayTrajectory

__all__ = [
    "CompletionRow",
    "CompletionState",
    "CompletionTable",
    "Gate",
    "Instance",
    "Lesion",
    "PathwayTrajectory",
    "SensorCurves",
    "SingularVectorFlow",
    "complete_matrix",
    "flow_field",
    "mode_strength",
    "odd_layer",
    "pathway_flow",
    "portable_instance",
    "sensor_curves",
    "singular_vector_flow",
    "train_pathways",
]
