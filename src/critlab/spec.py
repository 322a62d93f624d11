"""Typed, frozen specifications, and what a person reads when one does not hold.

Every specification is a strict pydantic model: an unknown key, a wrong type or a value out of range is an error, and
all errors are reported at once, each with the field, what was received, what is allowed and the nearest valid name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from critlab.errors import StudyError

Location = tuple[int | str, ...]


class Problems(ValueError):  # noqa: N818 - it carries several
    """What is wrong with a value: (where, what) pairs; raised inside validators, flattened by :func:`explain`."""

    def __init__(self, problems: Iterable[tuple[Location, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(text for _, text in self.problems))


class Spec(BaseModel):
    """A frozen, strict specification.

    ``neutral`` names the values that mean "nothing special": a field that equals its neutral value stays out of
    :meth:`identity`, so a later version can add a field without renaming what was computed before it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
    neutral: ClassVar[Mapping[str, Any]] = {}

    def identity(self) -> dict[str, Any]:
        """The JSON values that name this specification."""
        plain = self.model_dump(mode="json")
        return {k: v for k, v in plain.items() if not (k in self.neutral and v == self.neutral[k])}

    @classmethod
    def read(cls, raw: Any, where: str) -> Self:
        """Validates ``raw``, a mapping of plain values.

        Args:
            raw: what was received.
            where: the name under which a person knows it, such as a file's path.

        Raises:
            StudyError: with one line for each problem.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise StudyError(refusal(where, problems(error, cls))) from None


def refusal(where: str, found: Iterable[tuple[Location, str]]) -> str:
    """The message for a person: one line a problem, each beginning with the field."""
    lines = [f"{'.'.join(map(str, location)) or 'study'}: {text}" for location, text in found]
    if len(lines) == 1:
        return f"{where}: {lines[0]}"
    return f"{where}: {len(lines)} problems\n" + "\n".join(f"  {line}" for line in lines)


def nearest(name: str, allowed: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` when a close name exists, and the allowed names in any case."""
    names = list(allowed)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (allowed: {', '.join(names) if names else 'none'})"


def problems(error: ValidationError, model: type[BaseModel]) -> list[tuple[Location, str]]:
    """The problems of a failed validation of ``model``, nested ones flattened, in the order of the fields."""
    found: list[tuple[Location, str]] = []
    for item in error.errors(include_url=False):
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, Problems):
            found += [((*item["loc"], *where), text) for where, text in cause.problems]
        else:
            found.append((item["loc"], _sentence(item, model)))
    return found


def _sentence(item: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    received = _shown(item.get("input"))
    if kind == "extra_forbidden":
        owner = _owner(model, item["loc"])
        known = list(owner.model_fields) if owner else []
        return f"unknown key, received {received}{nearest(str(item['loc'][-1]), known)}"
    if kind == "missing":
        return "required, but missing"
    if kind == "value_error":
        return f"{context['error']}"
    if kind == "literal_error":
        return f"received {received}; allowed: {context['expected']}"
    text = item["msg"]
    text = text.removeprefix("Input should be ")
    return f"received {received}; must be {text}"


def _owner(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    owner: type[BaseModel] | None = model
    for part in location[:-1]:
        if owner is None or part not in owner.model_fields:
            return None
        owner = _model_in(owner.model_fields[str(part)].annotation)
    return owner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if found := _model_in(part):
            return found
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
