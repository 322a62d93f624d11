"""Typed, frozen specifications.

Every specification is a strict pydantic model: an unknown key, a wrong type or a value out of range is an error, and
all errors are reported at once, each with the field, what was received, what is allowed and the nearest valid name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator

from critlab._core.digest import canonical
from critlab._core.errors import InvalidValue
from critlab._core.problems import Location, Problems, problems, refusal, shown

MOST_LEVELS = 20
"""How deep numbers are looked for in what was received; no table has more than a few levels."""


class Spec(BaseModel):
    """A frozen, strict specification.

    ``neutral`` names the values that mean "nothing special": a field that equals its neutral value stays out of
    :meth:`identity`, so a later version can add a field without renaming what was computed before it. What a subclass
    names is joined to what the classes above it name.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
    neutral: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, /, *by_place: Any, **values: Any) -> None:
        """Make the value from its fields by name.

        Raises:
            InvalidValue: a StudyError and a ValueError, with one line for each problem.
        """
        kind = type(self)
        if by_place:
            names = ", ".join(f"{name}=..." for name in kind.model_fields)
            raise InvalidValue(f"{kind.__name__}: received {shown(by_place[0])} by place; give fields by name: {names}")
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidValue(refusal(kind.__name__, problems(error, kind), whole="")) from None
        except RecursionError:
            raise InvalidValue(f"{kind.__name__}: a value is nested too deeply or contains itself") from None

    # pydantic calls an __init__ of one's own also for what is nested, where it could not say the place of a problem
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @model_validator(mode="wrap")
    @classmethod
    def _plain_numbers(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Numbers and arrays of numpy and its kin are taken for what they are, before anything looks at their type."""
        if isinstance(raw, dict):
            raw = {key: value if _declared(cls, key, value) else plain_numbers(value) for key, value in raw.items()}
        return handler(raw)

    def identity(self) -> dict[str, Any]:
        """The JSON values that name this specification."""
        return self.special()

    def special(self) -> dict[str, Any]:
        """The JSON values of the fields that are not neutral; they read back as an equal specification."""
        neutral: dict[str, Any] = {}
        for kind in reversed(type(self).__mro__):
            neutral |= kind.__dict__.get("neutral", {})
        plain = self.model_dump(mode="json")
        return {k: v for k, v in plain.items() if not (k in neutral and v == neutral[k])}

    @classmethod
    def read(cls, raw: Any, where: str) -> Self:
        """Validates ``raw``, a mapping of plain values.

        Args:
            raw: what was received.
            where: the name under which a person knows it, such as a file's path.

        Raises:
            InvalidValue: a StudyError and a ValueError, with one line for each problem.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise InvalidValue(refusal(where, problems(error, cls))) from None
        except RecursionError:
            raise InvalidValue(f"{where}: is nested too deeply; use fewer levels") from None


def plain_numbers(value: Any, levels: int = MOST_LEVELS) -> Any:
    """``value`` with Python's numbers and lists in place of those of numpy, torch and pandas, also inside lists.

    What is nested more than ``levels`` deep stays as it is.
    """
    if type(value) in (str, int, float, bool, type(None)):
        return value
    if type(value) in (list, tuple):
        return type(value)(plain_numbers(item, levels - 1) for item in value) if levels else value
    if type(value) is dict:
        return {key: plain_numbers(item, levels - 1) for key, item in value.items()} if levels else value
    if hasattr(value, "dtype") and callable(getattr(value, "tolist", None)):
        return value.tolist()
    if isinstance(value, int | float):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def json_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as JSON gives them back, so that equal specifications stay equal once written and read.

    Raises:
        Problems: for each that is no JSON value.
    """
    read, found = {}, list[tuple[Location, str]]()
    for key, value in options.items():
        try:
            read[key] = json.loads(canonical(value))
        except (TypeError, ValueError) as error:
            found.append(((key,), f"received {value!r}; must be a JSON value ({error})"))
    if found:
        raise Problems(found)
    return read


def _declared(kind: type[BaseModel], name: str, value: Any) -> bool:
    """Whether the field ``name`` asks for the type of ``value`` itself, as a field of a user's own for an array may."""
    field = kind.model_fields.get(name)
    asked = (field.annotation, *get_args(field.annotation)) if field else ()
    plain = (object, str, int, float, bool)
    return any(isinstance(one, type) and one not in plain and type(value) is one for one in asked)
