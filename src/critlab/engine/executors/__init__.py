"""Where tasks are executed: one executor a file, each a class with a row here."""

from __future__ import annotations

from critlab._core.registry import Registry
from critlab.engine.executor import TaskExecutor

EXECUTORS: Registry[type[TaskExecutor]] = Registry(
    "executor",
    TaskExecutor,
    "critlab.executors",
    {
        "inline": "critlab.engine.executors.inline:InlineExecutor",
        "processes": "critlab.engine.executors.processes:ProcessExecutor",
        "ray": "critlab.engine.executors.ray_cluster:RayExecutor",
    },
    classes=True,
)
"""The executors by name."""
