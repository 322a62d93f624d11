"""What a new study has unless it says otherwise: default controls, sparse tests, and the smallest damage of interest.

A study file, the constructors and ``Study(...)`` fill in these keys. Plain values that lack them, such as the record of
an earlier version, have no default controls and a test after every epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab.study.default_controls import with_default_controls
from critlab.study.specs import EvaluationSpec, StatisticsSpec
from critlab.study.types import task_of

SPARSE = 10
"""Epochs between two tests before the final epochs. The whole test set of CIFAR-10 then costs about as much as 2,000 of
its images after every epoch (``docs/speed.md``)."""


def with_defaults(raw: Any) -> Any:
    """The values of a new study with the keys that it leaves out; what is not a study stays as it is.

    Args:
        raw: fields of a study, as plain values or as specifications.
    """
    return with_smallest_damage(with_sparse_tests(with_default_controls(raw)))


def with_smallest_damage(raw: Any) -> Any:
    """The values of a new study with ``statistics.smallest_damage``, that of the task's metric where it is left out."""
    if not isinstance(raw, Mapping) or "task" not in raw:
        return raw
    try:
        smallest = task_of(raw["task"]).judged.smallest_damage
    except (Problems, StudyError, AttributeError, TypeError):
        return raw  # what is wrong with the task is said where it is read
    statistics = raw.get("statistics", {})
    if isinstance(statistics, StatisticsSpec):
        said = "smallest_damage" in statistics.model_fields_set
        return raw if said else {**raw, "statistics": statistics.model_copy(update={"smallest_damage": smallest})}
    return (
        {**raw, "statistics": {"smallest_damage": smallest, **statistics}} if isinstance(statistics, Mapping) else raw
    )


def with_sparse_tests(raw: Any) -> Any:
    """The values of a new study with ``evaluation.every``, :data:`SPARSE` where it is left out."""
    if not isinstance(raw, Mapping):
        return raw
    evaluation = raw.get("evaluation", {})
    if isinstance(evaluation, EvaluationSpec):
        said = "every" in evaluation.model_fields_set
        return raw if said else {**raw, "evaluation": evaluation.model_copy(update={"every": SPARSE})}
    return {**raw, "evaluation": {"every": SPARSE, **evaluation}} if isinstance(evaluation, Mapping) else raw
