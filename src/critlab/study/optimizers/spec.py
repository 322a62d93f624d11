"""The section [optimizer]: how weights move, the schedule of the learning rate, and the batch."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from critlab._core.loading.imports import imported, is_path
from critlab._core.problems import Location, Problems, shown
from critlab._core.spec import Spec
from critlab._core.user_code.identity import OwnCode, own_code
from critlab.study.optimizers import TorchOptimizer
from critlab.study.optimizers.section import misplaced, with_options
from critlab.study.optimizers.sgd import SGD
from critlab.study.schedules import CLOCKS, Clock, schedule
from critlab.study.types import MOST_EPOCHS, MOST_RATE, Epochs, sequence, without

SCHEDULED: Mapping[str, Any] = {
    "warmup": 0,
    "decay": None,
    "min_lr": 0.0,
    "milestones": None,
    "gamma": 0.1,
    "power": 1.0,
    "pct_start": 0.3,
    "div_factor": 25.0,
    "final_div_factor": 1e4,
    "function": None,
}
"""The keys of ``[optimizer]`` that belong to some of the clocks, with their defaults."""


_ASKED = {
    "decay": "a number of epochs, at least 1",
    "milestones": "a list of epochs, such as [30, 60]",
    "function": '"package.module:function"',
}
"""What must be given for a key that a clock requires."""


class OptimizerSpec(Spec):
    """How weights move: the optimiser, the schedule of the learning rate, and the batch.

    ``name`` is a row of :data:`critlab.study.optimizers.OPTIMIZERS` or a user's own ``"package.module:Class"``. Its
    options are further keys of the section; the value holds them as ``options``. Momentum and weight decay are those
    of the optimiser's class where they are left out. A step takes the gradient of ``accumulate`` batches together, and
    shortens it to the norm ``gradient_clip`` where it is longer.

    ``clock`` says how the learning rate follows from ``lr`` and from the keys of :data:`SCHEDULED`, of which each clock
    uses some; see :mod:`critlab.study.schedules`.
    """

    #: keys that stay out of the plain values where they are neutral, so that earlier studies keep their digests
    unsaid: ClassVar[Mapping[str, Any]] = {**SCHEDULED, "gradient_clip": None, "accumulate": 1}
    schedule_known: ClassVar[bool] = True
    name: str
    lr: float = Field(gt=0, le=MOST_RATE)
    lr_decay: float = Field(default=1.0, gt=0, le=1)
    momentum: float | None = Field(default=None, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, le=MOST_RATE)
    batch: int = Field(default=128, ge=1)
    accumulate: int = Field(default=1, ge=1)
    gradient_clip: float | None = Field(default=None, gt=0, le=MOST_RATE)
    clock: Clock = "absolute"
    warmup: int = Field(default=0, ge=0, le=MOST_EPOCHS)
    decay: Epochs | None = None
    min_lr: float = Field(default=0.0, ge=0, le=MOST_RATE)
    milestones: Annotated[tuple[Epochs, ...] | None, BeforeValidator(sequence)] = None
    gamma: float = Field(default=0.1, gt=0, le=MOST_RATE)
    power: float = Field(default=1.0, gt=0, le=100)
    pct_start: float = Field(default=0.3, gt=0, lt=1)
    div_factor: float = Field(default=25.0, ge=1, le=MOST_RATE)
    final_div_factor: float = Field(default=1e4, ge=1, le=MOST_RATE)
    function: str | None = None

    options: SerializeAsAny[TorchOptimizer] = SGD()

    @model_serializer(mode="wrap")
    def _flat(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        plain.pop("options", None)
        return {**without(plain, self.unsaid), **self.options.special()}

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        given = with_options(raw, list(cls.model_fields))
        if (options := given.get("options")) is None:
            return given
        usual = {"momentum": options.usual_momentum, "weight_decay": options.usual_decay or 0.0}
        return {**given, **{key: value for key, value in usual.items() if given.get(key) is None}}

    @model_validator(mode="after")
    def _has_what_is_given(self) -> Self:
        if found := misplaced(self.name, self.options, self.momentum, self.weight_decay):
            raise Problems(found)
        return self

    def codes(self) -> tuple[OwnCode, ...]:
        """The user's own code in it; that of a schedule names no result, but every process must have the same.

        Raises:
            StudyError: it cannot be imported, or its source cannot be read.
        """
        function = (
            () if self.function is None else (own_code(imported(self.function, "optimizer.function"), self.function),)
        )
        return (*self.options.codes(), *function)

    def shares_state(self, other: OptimizerSpec) -> bool:
        """Whether both can go on with one state: the same optimiser, whose momentum alone may differ."""
        same = self.name == other.name and self.options == other.options
        return same and (self.momentum == other.momentum or self.options.momentum_may_change)

    def named(self) -> dict[str, Any]:
        """The JSON values that name the optimiser without its schedule and its weight decay, which recipes hold."""
        momentum = {} if self.momentum is None else {"momentum": self.momentum}
        together = {} if self.accumulate == 1 else {"accumulate": self.accumulate}
        return {"name": self.name, "batch": self.batch, **momentum, **together, **self.options.named()}

    @field_validator("milestones")
    @classmethod
    def _increasing(cls, milestones: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if milestones == ():
            raise Problems([((), "received []; must be a list of at least 1")])
        for earlier, later in pairwise(milestones or ()):
            if later <= earlier:
                raise Problems([((), f"received {later} after {earlier}; must be increasing")])
        return milestones

    @field_validator("function")
    @classmethod
    def _is_a_path(cls, function: str | None) -> str | None:
        if function is not None and not is_path(function):
            raise Problems([((), f'received {shown(function)}; must be "package.module:function"')])
        return function

    @model_validator(mode="after")
    def _schedule_has_its_keys(self) -> Self:
        found: list[tuple[Location, str]] = []
        chosen = schedule(self.clock)
        for key, neutral in SCHEDULED.items():
            given = getattr(self, key)
            # a value that means "none" is true of every clock; the default of a shape or a factor is not
            shapes = neutral not in (None, 0) and key in self.model_fields_set
            if key not in chosen.options and (given != neutral or shapes):
                clocks = " or ".join(f'"{name}"' for name in CLOCKS if key in schedule(name).options)
                text = f"received {shown(given)}; clock {shown(self.clock)} does not use it, so omit it or use {clocks}"
                found.append(((key,), text))
            elif key in chosen.required and given == neutral:
                text = f"required by clock {shown(self.clock)}, but missing; give {_ASKED.get(key, 'a value')}"
                found.append(((key,), text))
        if not self.options.follows_rate and (self.lr_decay != 1 or chosen.anneals(self)):
            text = f"received {shown(self.clock)}; {self.name} uses lr in its first step only, so omit it, and lr_decay"
            found.append((("clock",), text))
        if chosen.refuses_decay and self.lr_decay != 1:
            text = f"received {shown(self.lr_decay)}; clock {shown(self.clock)} does not use it, so omit it"
            found.append((("lr_decay",), text))
        if found:
            raise Problems(found)
        return self
