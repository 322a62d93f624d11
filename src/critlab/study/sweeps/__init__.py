"""The kinds of sweep: one file, one class and one row each; only these know their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Problems, nearest, problems, shown
from critlab._core.registry import Registry
from critlab.study.sweeps.onset import OnsetSweep as OnsetSweep
from critlab.study.sweeps.removal import RemovalSweep as RemovalSweep
from critlab.study.sweeps.sweep import Sweep as Sweep
from critlab.study.sweeps.switch_off import SwitchOffSweep as SwitchOffSweep
from critlab.study.sweeps.timing import TimingSweep as TimingSweep
from critlab.study.sweeps.window import WindowSweep as WindowSweep

SWEEPS: Registry[type[Sweep]] = Registry(
    "sweep",
    Sweep,
    "critlab.sweeps",
    {
        "removal": "critlab.study.sweeps.removal:RemovalSweep",
        "window": "critlab.study.sweeps.window:WindowSweep",
        "onset": "critlab.study.sweeps.onset:OnsetSweep",
        "switch_off": "critlab.study.sweeps.switch_off:SwitchOffSweep",
    },
    classes=True,
)
"""The kinds of sweep by name."""


def _read(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if "kind" not in value:
        raise Problems([(("kind",), f"required, but missing (allowed: {', '.join(SWEEPS)})")])
    kind = value["kind"]
    if not isinstance(kind, str) or not (kind in SWEEPS or is_path(kind)):
        raise Problems([(("kind",), f"received {shown(kind)}{nearest(str(kind), SWEEPS)}")])
    try:
        found = SWEEPS.find(kind, "sweep.kind")
    except StudyError as error:
        raise Problems([(("kind",), str(error))]) from None
    try:
        return found.model_validate(value)
    except ValidationError as error:
        raise Problems(problems(error, found)) from None


AnySweep = Annotated[SerializeAsAny[Sweep], BeforeValidator(_read)]
"""Any kind of sweep, read from a table by its ``kind``."""
