"""What else is changed while the window is open: any ingredient of training, with a deficit or without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.spec import Problems, Spec
from critlab.study.specs import AugmentSpec
from critlab.study.types import MOST_RATE, AnyDeficit, AnyObjective


class WindowOverride(Spec):
    """Ingredients of training that have another value while the window is open; what is left out stays as it is.

    Args:
        weight_decay: in place of the optimiser's.
        lr_factor: times the learning rate that the clock gives; 0 stops learning, while BatchNorm goes on counting.
        augment: in place of the study's augmentation; without flip and shift it is none.
        objective: in place of the study's objective; a name, or a table of name and options.
        select: a deficit that withholds training images, such as ``data_subset``; only that part of it is used.

    Source: ours; after Golatkar, Achille and Soatto 2019, "Time matters in regularizing deep networks", who switch
    weight decay and augmentation.
    """

    neutral: ClassVar[Mapping[str, Any]] = dict.fromkeys(
        ("weight_decay", "lr_factor", "augment", "objective", "select")
    )
    weight_decay: float | None = Field(default=None, ge=0, le=MOST_RATE)
    lr_factor: float | None = Field(default=None, ge=0, le=MOST_RATE)
    augment: AugmentSpec | None = None
    objective: AnyObjective | None = None
    select: AnyDeficit | None = None

    @model_validator(mode="after")
    def _switches_something(self) -> Self:
        if not self.special():
            names = ", ".join(type(self).model_fields)
            raise Problems([((), f"received a section that changes nothing; give at least one of {names}, or omit it")])
        if self.select is not None and not hasattr(self.select, "select"):
            text = f"received {type(self.select).name!r}, which does not withhold images; move it to [deficit]"
            raise Problems([(("select", "name"), text)])
        return self

    def words(self) -> str:
        """In one word of a run's name, such as ``switch(weight_decay=0.0, augment=none)``."""
        return f"switch({', '.join(f'{key}={_told(value)}' for key, value in self.special().items())})"


def _told(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    if "name" not in value:
        given = [f"{k}={v}" for k, v in value.items() if v and v != AugmentSpec.neutral.get(k)]
        return f"({', '.join(given)})" if given else "none"
    options = [f"{k}={v}" for k, v in value.items() if k not in ("name", "when")]
    return f"{value['name']}({', '.join(options)})" if options else str(value["name"])
