"""Components that are frozen values: made from ``{"name": ..., **options}``, and named by what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from critlab._core.errors import StudyError
from critlab._core.imports import Table, imported, is_path, one_line
from critlab._core.spec import Problems, Spec, problems, shown
from critlab._core.user_code.identity import OwnCode, code_of_row, own_code, path_of


class Component(Spec):
    """A frozen value that is a row of a table, or a user's own class.

    A subclass gives ``name``, and raises ``version`` whenever its results change. A user's own class is named by all of
    the user's code that it may use, unless its ``version`` is a text: then by that.
    """

    name: ClassVar[str]
    version: ClassVar[int | str] = 1


Kind = TypeVar("Kind", bound=Component)


def read_component(raw: Mapping[str, Any], table: Table, base: type[Kind]) -> Kind:
    """The component that ``{"name": ..., **options}`` describes.

    Args:
        raw: ``name`` is a row of ``table`` or a user's own ``"package.module:Class"``.
        table: the room's table.
        base: what every component of the room is a subclass of.

    Raises:
        Problems: a ValueError whose locations lie inside ``raw``, for use in a validator.
    """
    if "name" not in raw:
        allowed = f"{', '.join(table)}, or package.module:Class"
        raise Problems([(("name",), f"required, but missing (allowed: {allowed})")])
    kind = _find(raw["name"], table, base)
    try:
        return kind.model_validate({key: value for key, value in raw.items() if key != "name"})
    except ValidationError as error:
        raise Problems(problems(error, kind)) from None
    except Exception as error:
        if not is_path(str(raw["name"])):
            raise
        raise Problems([((), f"{raw['name']!r} failed: {one_line(error)}")]) from error


def plain_component(component: Component, table: Table) -> dict[str, Any]:
    """``{"name": ..., **options}``, from which :func:`read_component` makes an equal component."""
    return {"name": _name(type(component), table), **component.special()}


def describe_component(component: Component, table: Table) -> dict[str, Any]:
    """The JSON mapping that names ``component``: ``{"name": ..., "version": ..., **identity}``.

    A user's own class goes by ``"module:Class"`` and adds ``"source"``, the digest of all of the user's code that it
    may use; so does a row of a package in development.

    Raises:
        StudyError: a user's own class that no other process can import, or whose source cannot be read.
    """
    code = component_code(component, table)
    named = {"name": _name(type(component), table), "version": type(component).version, **component.identity()}
    return named if code is None else {**named, "source": code.digest}


def component_code(component: Component, table: Table) -> OwnCode | None:
    """What names the code of ``component``; None where that is critlab's, installed, or named by a version's text.

    Raises:
        StudyError: as :func:`describe_component`.
    """
    kind = type(component)
    if isinstance(kind.version, str):
        return None
    name = _name(kind, table)
    return own_code(kind, name) if is_path(name) else code_of_row(f"{kind.__module__}:{kind.__qualname__}")


def _find(name: Any, table: Table, base: type[Kind]) -> type[Kind]:
    if not isinstance(name, str):
        raise Problems([(("name",), f"received {shown(name)}; must be a string")])
    try:
        found = imported(name) if is_path(name) else table.find(name).load()
    except StudyError as error:
        raise Problems([(("name",), str(error))]) from None
    if not (isinstance(found, type) and issubclass(found, base)):
        where = f"{base.__module__.rpartition('.')[0]}.{base.__name__}"
        article = "an" if table.what[0] in "aeiou" else "a"
        text = f"received {name!r}, which is not {article} {table.what}; must be a subclass of {where}"
        raise Problems([(("name",), text)])
    return found


def _name(kind: type[Component], table: Table) -> str:
    name: str = getattr(kind, "name", "")
    if name in table and table[name].load() is kind:
        return name
    return path_of(kind)
