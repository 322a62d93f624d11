"""The parts of a study that are not components: augmentation, controls, evaluation, statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from critlab._core.loading.imports import imported, is_path
from critlab._core.problems import Problems, shown
from critlab._core.spec import Spec
from critlab._core.user_code.identity import OwnCode, own_code, path_of
from critlab.study.ingredients.intervention import Intervention
from critlab.study.schedules import Clock
from critlab.study.types import (
    MOST_EPOCHS,
    MOST_RATE,
    AnyDeficit,
    Epoch,
    Epochs,
    Removal,
    increasing,
    sequence,
    without,
)


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
        return (
            None if self.transform is None else own_code(imported(self.transform, "augment.transform"), self.transform)
        )

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


class Filled(dict[str, Any]):
    """Plain values of which some are defaults; the model that is read from them remembers which.

    Args:
        given: what a person wrote.
        default: values for the keys that they left out.
    """

    def __init__(self, given: Mapping[str, Any], default: Mapping[str, Any]) -> None:
        super().__init__({**default, **given})
        self.filled = frozenset(default) - frozenset(given)


class ControlsSpec(Spec):
    """The comparisons for the deficit, in addition to the clean run.

    A study file and the constructors in Python add the delay control and the restarted clock where these keys are left
    out (:func:`critlab.study.default_controls.with_default_controls`). Plain values without these keys, such as a
    record of an earlier version, have neither control.

    Args:
        deficits: further deficits in the same sweep.
        clocks: further clocks; None is the restarted one at the points of the delay control.
        at: the points of the controls; None is all of the sweep's, and ``Sweep.control_points`` for the delay
            control and the default clock. The delay control is also at the last window where ``timing`` needs it.
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

    @model_validator(mode="wrap")
    @classmethod
    def _remember_defaults(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(raw)
        if isinstance(raw, Filled):
            made.model_fields_set.difference_update(raw.filled)
        return made

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
