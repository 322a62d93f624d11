"""Which data a study trains on, and how much of it: torch-free and without the data on disk."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import (
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from critlab._core.errors import StudyError
from critlab._core.loading.imports import imported, is_path
from critlab._core.problems import Location, Problems, problems
from critlab._core.spec import Spec
from critlab._core.user_code.identity import path_of
from critlab.data import DATA
from critlab.data.data_set import DataFacts, DataSet
from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetForm

Count = Annotated[int, Field(ge=1)]


class Sizes(NamedTuple):
    """How much a study sees: classes, training and test examples, and the training examples of one epoch."""

    classes: int
    train: int
    test: int
    epoch: int


class DataSpec(Spec):
    """The ``[data]`` of a study.

    Args:
        name: a row of :data:`critlab.data.DATA`, or a user's ``"package.module:function"``, or that function.
        train: training examples, a class-balanced subset that is the same for every run; None is all of them.
        test: test examples, as ``train``.
        epoch: training examples that make one epoch; None is all that are trained on.
        pad: zeros added on each side of the last two axes, in pixels.
        options: of a row that has some; in a study file they are further keys of the section.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"train": None, "test": None, "epoch": None, "pad": 0, "options": None}

    name: str
    train: Count | None = None
    test: Count | None = None
    epoch: Count | None = None
    pad: Annotated[int, Field(ge=0)] = 0
    options: SerializeAsAny[DataSet] | None = None

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_row(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str) or is_path(raw["name"]):
            return raw
        try:
            kind = DATA.find(raw["name"])
        except StudyError:
            return raw  # the name's own validator says so
        if not kind.model_fields:
            return raw
        written = {key: value for key, value in raw.items() if key not in cls.model_fields}
        try:
            chosen = raw.get("options") or kind.model_validate(written)
        except ValidationError as error:
            raise Problems(problems(error, kind)) from None
        return {**{key: value for key, value in raw.items() if key not in written}, "options": chosen}

    @model_serializer(mode="wrap")
    def _flat(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        options = plain.pop("options", None)
        return {**plain, **(options or {})}

    @field_validator("name", mode="before")
    @classmethod
    def _path_of_a_function(cls, name: Any) -> Any:
        return path_of(name) if isinstance(name, FunctionType) else name

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if not is_path(name):
            try:
                DATA.find(name)
            except StudyError as error:
                raise Problems([((), str(error))]) from None
        return name

    @model_validator(mode="after")
    def _within_the_data(self) -> Self:
        found: list[tuple[Location, str]] = []
        known = self.known()
        if known:
            for field, there in (("train", known.train), ("test", known.test)):
                asked = getattr(self, field)
                if asked is not None and asked > there:
                    text = f"received {asked:,}; must be at most {there:,}, the {field} images of {self.name}"
                    found.append(((field,), text))
        train = self.train or (known.train if known else None)
        if self.epoch is not None and train is not None and self.epoch > train:
            found.append((("epoch",), f"received {self.epoch:,}; must be at most train, which is {train:,}"))
        if found:
            raise Problems(found)
        return self

    def special(self) -> dict[str, Any]:
        """The JSON values of the fields and options that are not neutral."""
        if self.options is None:
            return super().special()
        named = {key: value for key, value in super().special().items() if key in type(self).model_fields}
        return {**named, **self.options.special()}

    def identity(self) -> dict[str, Any]:
        """The JSON values that name the data together with their content."""
        if self.options is None:
            return super().identity()
        named = {key: value for key, value in self.special().items() if key in type(self).model_fields}
        return {**named, **self.options.identity()}

    def form(self) -> InputForm | None:
        """What the values of examples are; None where only a user's code knows."""
        return None if is_path(self.name) else (self.options or DATA.find(self.name)()).form()

    def shape(self) -> tuple[int, ...] | None:
        """The shape of one example after padding; None where only a user's function knows."""
        known = self.known()
        return None if known is None else self.padded(known.shape)

    def padded(self, example_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an example of ``example_shape`` after padding."""
        if not self.pad:
            return example_shape
        *before, height, width = example_shape
        return (*before, height + 2 * self.pad, width + 2 * self.pad)

    def sizes(self) -> Sizes | None:
        """How much the study sees; None where only a user's function knows."""
        known = self.known()
        if known is None:
            return None
        train = self.train or known.train
        return Sizes(known.classes, train, self.test or known.test, self.epoch or train)

    def label_heads(self) -> int | None:
        """How many labels an example bears; None where only a user's function knows."""
        if is_path(self.name):
            return None
        return self.options.label_heads() if self.options else 1

    def check_targets(self, targets: TargetForm) -> None:
        """Raises StudyError where the data cannot have such labels; silent on a user's function."""
        if not is_path(self.name):
            (self.options or DATA.find(self.name)()).check_targets(targets)

    def known(self) -> DataFacts | None:
        """What is known of the data with these options; None where only reading the data shows it."""
        if is_path(self.name):
            return None
        return self.options.described() if self.options else DATA.find(self.name).facts

    def declared(self) -> DataFacts | None:
        """As :meth:`known`, and for a user's own class, which is imported, the facts that it declares.

        Raises:
            StudyError: the user's code cannot be imported.
        """
        if not is_path(self.name):
            return self.known()
        own = imported(self.name, "data.name")
        return own.facts if isinstance(own, type) and issubclass(own, DataSet) else None
