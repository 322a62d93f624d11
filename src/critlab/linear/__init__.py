"""Deep linear networks: critical periods in closed form and simulated, whole sweeps as one batched computation."""

from __future__ import annotations

from critlab.linear.completion import CompletionRun, CompletionTable, complete_matrix
from critlab.linear.gates import Gate, Lesion
from critlab.linear.pathways import train_pathways
from critlab.linear.trajectory import PathwayTrajectory

__all__ = [
    "CompletionRun",
    "CompletionTable",
    "Gate",
    "Lesion",
    "PathwayTrajectory",
    "complete_matrix",
    "train_pathways",
]
