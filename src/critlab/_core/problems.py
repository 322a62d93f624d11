"""What a person reads when a specification does not hold: one line a problem, each beginning with the field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from difflib import get_close_matches
from reprlib import Repr
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]


MOST_LINES = 20
"""How many problems a message lists; a person corrects a few at a time."""


MOST_NAMES = 40
"""How many allowed names a message lists; a user's module may have hundreds."""


class Problems(ValueError):  # noqa: N818 - it carries several
    """What is wrong with a value: (where, what) pairs; raised inside validators, flattened by :func:`problems`."""

    def __init__(self, problems: Iterable[tuple[Location, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(text for _, text in self.problems))


def refusal(where: str, found: Iterable[tuple[Location, str]], whole: str = "study") -> str:
    """The message for a person: one line a problem, each beginning with the field.

    Args:
        where: the name under which a person knows what was received.
        found: the problems.
        whole: what a problem of all of it begins with.
    """
    lines = [": ".join(filter(None, [".".join(map(_key, location)) or whole, text])) for location, text in found]
    if len(lines) == 1:
        return f"{where}: {lines[0]}"
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return "\n  ".join([f"{where}: {len(lines)} problems", *lines[:MOST_LINES], *more])


def nearest(name: str, allowed: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` when a close name exists, and the allowed names in any case."""
    names = list(allowed)
    # no valid name is longer, and the search is quadratic
    close = get_close_matches(name[:100], names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    listed = [*names[:MOST_NAMES], *(["..."] if len(names) > MOST_NAMES else [])]
    return f"{hint} (allowed: {', '.join(listed) if listed else 'none'})"


def problems(error: ValidationError, model: type[BaseModel]) -> list[tuple[Location, str]]:
    """The problems of a failed validation of ``model``, nested ones flattened, in the order of the fields."""
    found: list[tuple[Location, str]] = []
    for item in error.errors(include_url=False):
        place = _placed(model, item["loc"])
        cause = item.get("ctx", {}).get("error")
        if item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]:
            # only wrong items make it short, and each of them has a problem of its own
            continue
        if isinstance(cause, Problems):
            found += [((*place.written, *where), text) for where, text in cause.problems]
        elif item["type"] in ("union_tag_invalid", "union_tag_not_found"):
            found.append(_wrong_kind(place, item))
        else:
            found.append((place.written, _sentence(item, place.owner)))
    return found


def shown(value: Any) -> str:
    """What was received, in one short line, whatever it is."""
    return _SHORT.repr(value)


_WANTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a finite number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a string",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "too_short": "a list of at least {min_length}",
}
"""What must be there instead, by pydantic's type of error, in the words of TOML."""


def _sentence(item: ErrorDetails, owner: type[BaseModel] | None) -> str:
    kind, context = item["type"], item.get("ctx", {})
    received = shown(item.get("input"))
    if kind == "extra_forbidden":
        known = list(owner.model_fields) if owner else []
        return f"unknown key, received {received}{nearest(str(item['loc'][-1]), known)}"
    if kind == "missing":
        names = _names(owner, str(item["loc"][-1]))
        return "required, but missing" + (f" (allowed: {', '.join(names)})" if names else "")
    if kind == "value_error":
        return f"{context['error']}"
    if kind == "literal_error":
        return f"received {received}{nearest(str(item['input']), _quoted(context['expected']))}"
    wanted = _WANTED[kind].format(**context) if kind in _WANTED else item["msg"].removeprefix("Input should be ")
    return f"received {received}; must be {wanted}"


class _Place(NamedTuple):
    """Where a problem is.

    Args:
        written: the location as a person wrote it.
        owner: the specification that its last key belongs to, where there is one.
        kinds: the specifications among which the table at this location chooses, by kind.
    """

    written: Location
    owner: type[BaseModel] | None
    kinds: Mapping[int | str, type[BaseModel]]


def _wrong_kind(place: _Place, item: ErrorDetails) -> tuple[Location, str]:
    """The problem of a table whose kind is missing or unknown, at the key that says the kind."""
    key, table = item.get("ctx", {})["discriminator"].strip("'"), item["input"]
    kinds = [str(kind) for kind in place.kinds]
    if isinstance(table, Mapping) and key not in table:
        return (*place.written, key), f"required, but missing (allowed: {', '.join(kinds)})"
    received = table[key] if isinstance(table, Mapping) else getattr(table, key, None)
    return (*place.written, key), f"received {shown(received)}{nearest(str(received), kinds)}"


def _names(owner: type[BaseModel] | None, key: str) -> list[str]:
    """The names that a field of ``owner`` allows, where it allows names only."""
    field = owner.model_fields.get(key) if owner else None
    return [name for name in get_args(field.annotation) if isinstance(name, str)] if field else []


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)


def _placed(model: type[BaseModel], location: Location) -> _Place:
    """Finds a person's place in a document from pydantic's location in ``model``.

    Pydantic's location also holds the tag by which it chose a specification, such as a sweep's kind.
    """
    written: list[int | str] = []
    owner: type[BaseModel] | None = model
    inside: type[BaseModel] | None = model
    kinds: Mapping[int | str, type[BaseModel]] = {}
    for part in location:
        if part in kinds:
            inside, kinds = kinds[part], {}
            continue
        written.append(part)
        if isinstance(part, int):
            continue
        owner = inside
        field = owner.model_fields.get(part) if owner else None
        kinds = _kinds(field) if field else {}
        inside = _model_in(field.annotation) if field else None
    return _Place(tuple(written), owner, kinds)


def _kinds(field: FieldInfo) -> dict[int | str, type[BaseModel]]:
    """The specifications among which a field's ``discriminator`` chooses."""
    key = field.discriminator
    if not isinstance(key, str):
        return {}
    return {tag: kind for kind in get_args(field.annotation) for tag in get_args(kind.model_fields[key].annotation)}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if found := _model_in(part):
            return found
    return None


def _key(part: int | str) -> str:
    """A part of a location as TOML writes it: a key that is not bare is quoted."""
    text = str(part)
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text) else shown(text)


class _Short(Repr):
    """Values in one line, cut so that no size or depth of them matters."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, 60, 60

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write very long integers."""
        return repr(x) if x.bit_length() <= 128 else f"an integer of {x.bit_length()} bits"

    def repr_tuple(self, x: tuple[Any, ...], level: int) -> str:
        """As a list, which is how a study file writes it."""
        return self.repr_list([*x], level)

    def repr_date(self, x: date | time, level: int) -> str:
        return x.isoformat()

    repr_datetime = repr_time = repr_date


_SHORT = _Short()
