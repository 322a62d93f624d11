"""Learning-rate clocks: one class and one row each; only this package knows a clock's name."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Problems, nearest, shown
from critlab._core.registry import Registry
from critlab.study.schedules.course import Course as Course
from critlab.study.schedules.course import EpochRate as EpochRate
from critlab.study.schedules.schedule import EpochPosition as EpochPosition
from critlab.study.schedules.schedule import Reach as Reach
from critlab.study.schedules.schedule import Schedule as Schedule

CLOCKS: Registry[type[Schedule]] = Registry(
    "clock",
    Schedule,
    "critlab.clocks",
    {
        "absolute": "critlab.study.schedules.by_epoch:Absolute",
        "since_removal": "critlab.study.schedules.by_epoch:SinceRemoval",
        "constant": "critlab.study.schedules.by_epoch:Constant",
        "cosine_restart": "critlab.study.schedules.by_epoch:CosineRestart",
        "wsd": "critlab.study.schedules.wsd:WarmupStableDecay",
        "wsd_restart": "critlab.study.schedules.wsd:WarmupStableDecayRestart",
        "warmup_cosine": "critlab.study.schedules.cosine:WarmupCosine",
        "warmup_cosine_restart": "critlab.study.schedules.cosine:WarmupCosineRestart",
        "one_cycle": "critlab.study.schedules.one_cycle:OneCycle",
        "one_cycle_restart": "critlab.study.schedules.one_cycle:OneCycleRestart",
        "step": "critlab.study.schedules.milestones:Milestones",
        "step_restart": "critlab.study.schedules.milestones:MilestonesRestart",
        "polynomial": "critlab.study.schedules.polynomial:Polynomial",
        "polynomial_restart": "critlab.study.schedules.polynomial:PolynomialRestart",
        "function": "critlab.study.schedules.own_function:OwnFunction",
        "function_restart": "critlab.study.schedules.own_function:OwnFunctionRestart",
    },
    classes=True,
)
"""The clocks by name."""


@cache
def schedule(clock: str) -> Schedule:
    """The schedule that a clock's name stands for.

    Raises:
        StudyError: there is none.
    """
    return CLOCKS.find(clock, "clock")()


def _known(value: Any) -> Any:
    if not isinstance(value, str) or not (value in CLOCKS or is_path(value)):
        raise Problems([((), f"received {shown(value)}{nearest(str(value), CLOCKS)}")])
    if is_path(value):
        try:
            schedule(value)
        except StudyError as error:
            raise Problems([((), str(error))]) from None
    return value


Clock = Annotated[str, BeforeValidator(_known)]
"""A clock's name, checked."""
