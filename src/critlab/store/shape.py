"""What the body of a record holds: every record is validated when it is read, and before it is written.

A sealed record may come from any process, so a seal says only that the file is as its writer left it.
"""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from critlab._core.errors import StoreDamaged
from critlab._core.problems import Problems, problems, refusal, shown
from critlab.measures.correct_images import refusal as refusal_of_bits

MOST = 1e100
"""Readings and losses lie within it: the statistics raise them to the third power, and sum them."""


class _Part(BaseModel):
    """A strict part of a record; what it does not name is left to those who read it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


Line = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$")]
"""Text in one line without control characters, as it may stand in a table."""
Name = Annotated[Line, Field(min_length=1)]
Note = Annotated[str, StringConstraints(max_length=1_000_000)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Parent = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Number = Annotated[float, Field(ge=-MOST, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
Seconds = Annotated[float, Field(ge=0, le=1e12)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Provenance = dict[Name, Line | bool | int | float | None]


def _decodable(picture: _Picture) -> _Picture:
    count = math.prod(picture.shape)
    try:
        content = base64.b64decode(picture.float32, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("has numbers that are not base64") from None
    if len(content) != 4 * count:
        raise ValueError(f"has {len(content):,} bytes; must be {4 * count:,}, 4 for each number")
    numbers = array("f", content)
    if sys.byteorder == "big":
        numbers.byteswap()
    # a sum of finite numbers is finite: the largest float32 is far below the largest float64
    if not math.isfinite(sum(numbers)):
        raise ValueError("holds a number that is not finite")
    return picture


class _Picture(_Part):
    shape: Annotated[list[Annotated[int, Field(ge=0, le=2**24)]], Field(max_length=8)]
    float32: str


class _Correct(_Part):
    shape: Annotated[list[Annotated[int, Field(ge=0, le=2**24)]], Field(min_length=1, max_length=2)]
    bits: str


class _Reading(_Part):
    quantity: Name
    layer: Line
    value: Number
    stderr: Amount
    picture: Annotated[_Picture, AfterValidator(_decodable)] | None = None
    correct: _Correct | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.correct is not None and (why := refusal_of_bits(self.correct.shape, self.correct.bits, self.value)):
            raise Problems([(("correct",), why)])
        return self


class _Readings(_Part):
    readings: list[_Reading]
    seconds: Seconds
    measure: Name | None = None
    spec: dict[str, Any] | None = None
    probe: Line | None = None
    state: Digest | None = None
    provenance: Provenance = {}


class _Epoch(_Part):
    seconds: Seconds
    origin: dict[str, Any] = {}
    path: Digest | None = None
    parent: Parent | None = None
    epoch: Count = 0
    frozen: Annotated[int, Field(ge=0, le=10**6)] = 0
    recipe: dict[str, Any] = {}
    kept: bool = False
    provenance: Provenance = {}


class _Trained(_Epoch):
    status: Literal["done"]
    model_config = ConfigDict(extra="allow")

    train_loss: Number
    train_accuracy: Number = 0.0
    weight_displacement: Number = 0.0

    @model_validator(mode="after")
    def _metrics_are_numbers(self) -> Self:
        """Whatever else an epoch says of its training is a number, too: metrics have names of their own."""
        wrong = [
            ((name,), f"received {shown(value)}; must be a number from {-MOST:g} to {MOST:g}")
            for name, value in (self.__pydantic_extra__ or {}).items()
            if name.startswith("train_") and not _is_number(value)
        ]
        if wrong:
            raise Problems(wrong)
        return self


class _Diverged(_Epoch):
    status: Literal["diverged"]
    note: Note


class _Failure(_Part):
    reason: Note
    seed: Count = 0


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and abs(value) <= MOST


def _within(value: Any) -> Any:
    """Refuses a cell, or one inside it, that no chart can draw."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _within(item)
    elif isinstance(value, int | float) and abs(value) > MOST:
        raise ValueError(f"received {value:.3g}; must be from {-MOST:g} to {MOST:g}")
    return value


Cell = Annotated[Any, AfterValidator(_within)]


class _Figure(_Part):
    tables: dict[Name, list[dict[Name, Cell]]]
    seconds: Seconds
    provenance: Provenance
    figure: Name
    scale: Name
    version: Count
    columns: dict[Name, list[Name]] = {}


class _Look(_Part):
    judged: Digest
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(min_length=1, max_length=10_000)]
    points: Annotated[list[Annotated[int, Field(ge=0, le=10**6)] | Name], Field(max_length=10**6)]
    level: Annotated[float, Field(gt=0, le=0.025)]
    planned: bool
    answer: Annotated[Name, StringConstraints(max_length=40)]
    more_seeds: bool = True
    width: Annotated[float, Field(ge=0, le=10**6)] | None = None
    place: Annotated[int, Field(ge=0, le=10**6)] | None = None


class _Looks(_Part):
    question: dict[str, Any]
    looks: Annotated[list[_Look], Field(min_length=1)]


class _Numerics(_Part):
    model_config = ConfigDict(extra="forbid")
    precision: Literal["float32", "bfloat16"] = "float32"
    layout: Name = "channels_last"
    compile: bool = False
    lanes: Annotated[int, Field(ge=1, le=2**20)] = 1


class _Grounds(_Part):
    why: Note = ""
    seconds_per_image: dict[Name, Seconds] = {}


class _Question(_Part):
    name: Name


class _Code(_Part):
    files: dict[Line, Line]
    adopted: dict[Line, Line]


class _Study(_Part):
    study: _Question
    fingerprint: Name
    numerics: _Numerics
    provenance: Provenance
    decision: _Grounds = _Grounds()
    turn: Count = 0
    replaced: bool = False
    complete: Line = ""
    code: _Code | None = None
    chance: Annotated[float, Field(ge=0, le=1)] | None = None
    versions: dict[Name, Annotated[int, Field(ge=1, le=10**6)]] | None = None
    rehearsed: Digest | None = None
    constants: dict[Name, Number] | None = None


class _Command(_Part):
    question: Digest
    began: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    seconds: Seconds
    line: Line
    commit: Annotated[Line, StringConstraints(max_length=100)]
    provenance: Provenance
    device: Line
    trained: Count | None
    memory: dict[Name, Count]


class _Examples(_Part):
    asked: dict[str, Any]
    form: Literal["images", "tokens", "numbers"]
    clean: Annotated[list[Any], Field(max_length=64)]
    deprived: Annotated[list[Any], Field(max_length=64)]
    labels: Annotated[list[Any], Field(max_length=64)]
    deprived_labels: Annotated[list[Any], Field(max_length=64)]
    withheld: Annotated[list[bool], Field(max_length=64)]
    classes: Annotated[list[Line], Field(max_length=10**5)] = []
    test_labels: str | None = None


_SHAPES: Mapping[str, type[_Part]] = {
    "epochs": _Trained,
    "readings": _Readings,
    "failures": _Failure,
    "figures": _Figure,
    "looks": _Looks,
    "studies": _Study,
    "commands": _Command,
    "examples": _Examples,
}


def check_body(kind: str, name: str, body: Mapping[str, Any]) -> None:
    """Refuse a body in which a reader would not find what it needs.

    Raises:
        StoreDamaged: naming each field that does not fit.
    """
    shape = _Diverged if kind == "epochs" and body.get("status") == "diverged" else _SHAPES[kind]
    try:
        _validator(shape).validate_python(body)
    except ValidationError as error:
        raise StoreDamaged(refusal(f"record {name}", problems(error, shape))) from None
    except RecursionError:
        raise StoreDamaged(f"record {name}: is nested too deeply") from None


@cache
def _validator(shape: type[_Part]) -> TypeAdapter[_Part]:
    return TypeAdapter(shape)
