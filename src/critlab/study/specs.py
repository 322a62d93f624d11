"""The parts of a study that are not components: optimiser, augmentation, sweeps, controls, evaluation, statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import FunctionType
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from critlab._core.loading.imports import imported, is_path
from critlab._core.spec import Location, Problems, Spec, shown
from critlab._core.user_code.identity import OwnCode, own_code, path_of
from critlab.study.ingredients.intervention import Intervention
from critlab.study.optimizers import TorchOptimizer
from critlab.study.optimizers.section import misplaced, with_options
from critlab.study.optimizers.sgd import SGD
from critlab.study.schedules import CLOCKS, Clock, schedule
from critlab.study.types import MOST_EPOCHS, MOST_RATE, AnyDeficit, Epoch, Epochs, Removal, increasing, sequence


def without(plain: dict[str, Any], unsaid: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values without the keys that have the value that ``unsaid`` gives them."""
    return {key: value for key, value in plain.items() if key not in unsaid or value != unsaid[key]}


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
        function = () if self.function is None else (own_code(imported(self.function), self.function),)
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


class AugmentSpec(Spec):
    """Random changes of every training batch: horizontal flips, and shifts by up to ``shift`` pixels.

    ``views`` says how the two views of an example go together:
    see :func:`critlab.training.inputs.view_augment.augment_views`.
    ``source_dropout`` is the part of the examples that show the mean colour as source A, and as many as source B.
    ``transform`` is a user's own ``"package.module:function"`` of (images, draws), applied after flips and shifts.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"views": "shared", "source_dropout": 0.0, "transform": None}
    #: keys that stay out of the plain values where they are neutral, so that earlier studies keep their digests
    unsaid: ClassVar[Mapping[str, Any]] = {"transform": None}
    flip: bool = False
    shift: int = Field(default=0, ge=0)
    views: Literal["shared", "separate", "second_twice"] = "shared"
    source_dropout: float = Field(default=0.0, ge=0, le=0.5)
    transform: str | None = None

    @model_serializer(mode="wrap")
    def _without_unsaid(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without(plain(self), self.unsaid)

    @field_validator("transform", mode="before")
    @classmethod
    def _path_of_a_function(cls, transform: Any) -> Any:
        return path_of(transform) if isinstance(transform, FunctionType) else transform

    @field_validator("transform")
    @classmethod
    def _is_a_path(cls, transform: str | None) -> str | None:
        if transform is not None and not is_path(transform):
            raise Problems([((), f'received {shown(transform)}; must be "package.module:function"')])
        return transform

    def code(self) -> OwnCode | None:
        """What names the code of ``transform``; None where there is none.

        Raises:
            StudyError: it cannot be imported, or its source cannot be read.
        """
        return None if self.transform is None else own_code(imported(self.transform), self.transform)

    def identity(self) -> dict[str, Any]:
        """The JSON values that name it; a transform goes by its code too."""
        code = self.code()
        return super().identity() | ({} if code is None else {"source": code.digest})

    @property
    def changes_nothing(self) -> bool:
        """Whether every batch stays as it is."""
        return not (self.flip or self.shift or self.source_dropout or self.transform)

    def misfits(self, example_shape: tuple[int, ...]) -> Iterator[tuple[str, str]]:
        """The fields that cannot be used with such examples, and why."""
        if self.views != "shared" and (len(example_shape) != 4 or example_shape[0] != 2):
            yield "views", f'received {shown(self.views)}; must be "shared", because examples do not have two views'
        if self.source_dropout and (len(example_shape) < 2 or example_shape[0] != 2):
            yield (
                "source_dropout",
                f"received {shown(self.source_dropout)}; must be 0, because examples do not have two sources",
            )
        if len(example_shape) < 2:
            for field in ("flip", "shift"):
                if getattr(self, field):
                    text = f"received {shown(getattr(self, field))}; must be left out, as examples of shape"
                    yield field, f"{text} {example_shape} have no height and width"
        elif self.shift >= min(example_shape[-2:]):
            text = f"received {shown(self.shift)}; must be below the side of the image, {min(example_shape[-2:])}"
            yield "shift", text


def _distinct(values: tuple[Clock, ...]) -> tuple[Clock, ...]:
    if len(set(values)) != len(values):
        raise Problems([((), f"received {shown(list(values))}; must be without repeats")])
    return values


class ControlsSpec(Spec):
    """The comparisons for the deficit, in addition to the clean run.

    A study file and the constructors in Python add the delay control and the restarted clock where these keys are left
    out (:func:`critlab.study.default_controls.with_default_controls`). Plain values without these keys, such as a
    record of an earlier version, have neither control.

    Args:
        deficits: further deficits in the same sweep.
        clocks: further clocks; None is the restarted one at the points of the delay control.
        at: the points of the controls; None is all of the sweep's, and ``Sweep.control_points`` for the delay
            control and the default clock.
        interventions: further interventions.
        equal_total: a clean run as long as the run with the deficit.
        delay: a run that is frozen as long as the deficit lasts.
    """

    #: keys that stay out of the plain values where they are neutral, so that earlier studies keep their digests
    unsaid: ClassVar[Mapping[str, Any]] = {"delay": False}
    deficits: Annotated[tuple[AnyDeficit, ...], BeforeValidator(sequence)] = ()
    clocks: Annotated[Annotated[tuple[Clock, ...], AfterValidator(_distinct)] | None, BeforeValidator(sequence)] = ()
    at: Annotated[Annotated[tuple[Removal, ...], Field(min_length=1)] | None, BeforeValidator(sequence)] = None
    interventions: Annotated[tuple[Intervention, ...], BeforeValidator(sequence)] = ()
    equal_total: bool = False
    delay: bool = False

    @model_serializer(mode="wrap")
    def _without_unsaid(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without(plain(self), self.unsaid)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.at is not None:
            increasing(self.at, "at")
        return self


class EvaluationSpec(Spec):
    """When and how networks are tested.

    A study file and the constructors in Python test every few epochs where ``every`` is left out
    (:data:`critlab.study.defaults.SPARSE`). Plain values without it, such as a record of an earlier version, mean a
    test after every epoch.

    Args:
        every: epochs between two tests before the final epochs of a run, which are always tested.
        batch_norm: ``running``: with the statistics that BatchNorm gathered while training; ``recomputed``: with those
            of one pass over the batches of the epoch just trained, on a copy of the network.
        ema: tests evaluate an exponential average of the weights and running statistics, with this decay in a step;
            None tests the weights themselves. Measures read the weights.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"batch_norm": "running"}
    #: keys that stay out of the plain values where they are neutral, so that earlier studies keep their digests
    unsaid: ClassVar[Mapping[str, Any]] = {"every": 1, "ema": None}
    every: Epochs = 1
    batch_norm: Literal["running", "recomputed"] = "running"
    ema: float | None = Field(default=None, gt=0, lt=1)

    @model_serializer(mode="wrap")
    def _without_unsaid(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without(plain(self), self.unsaid)

    def identity(self) -> dict[str, Any]:
        """The JSON values that name a test: when a network is tested does not change the result.

        The average of the weights is part of the state that is tested, which has a name of its own.
        """
        return {key: value for key, value in self.special().items() if key not in ("every", "ema")}


class StatisticsSpec(Spec):
    """How final scores are judged.

    Args:
        final_epochs: the last epochs whose tests are averaged; at most the recovery.
        smallest_damage: the smallest damage that is of interest, in the unit of the task's metric, such as a fraction
            of accuracy; a study file that leaves it out takes what the metric says, 0.01 unless it says otherwise.
        closing_width: points are added to a sweep until the interval of the closing is at most so many epochs wide;
            None is a tenth of the range of its first points.
        tolerance: for a sweep over switch times, the largest loss that does not matter, in the same unit; None is
            ``smallest_damage``.
        present: for such a sweep, the epoch at which the user switches today; the length of training is never.
    """

    final_epochs: int = Field(default=3, ge=1)
    smallest_damage: float = Field(default=0.01, ge=0, le=MOST_RATE)
    closing_width: float | None = Field(default=None, gt=0, le=MOST_EPOCHS, exclude_if=lambda width: width is None)
    tolerance: float | None = Field(default=None, gt=0, le=MOST_RATE, exclude_if=lambda value: value is None)
    present: Epoch | None = Field(default=None, exclude_if=lambda value: value is None)
