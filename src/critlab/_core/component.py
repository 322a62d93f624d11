"""The contract of a component: a frozen class of options that says its name, version and source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path, one_line
from critlab._core.problems import Problems, problems, shown
from critlab._core.registry import Registry
from critlab._core.spec import Spec
from critlab._core.user_code.identity import OwnCode, code_of_row, own_code, path_of


class Component(Spec):
    """A frozen value of options; a subclass is one component, critlab's or a user's own.

    A subclass gives ``name``, and raises ``version`` whenever its results change. It imports torch inside its methods
    only. A user's own class is named by all of the user's code that it may use, unless its ``version`` is a text: then
    by that.
    """

    name: ClassVar[str]
    version: ClassVar[int | str] = 1
    #: paper and section or figure, or "ours", as ``critlab list`` shows it
    citation: ClassVar[str] = ""


Kind = TypeVar("Kind", bound=Component)


def read_component(raw: Mapping[str, Any], registry: Registry[type[Kind]]) -> Kind:
    """The component that ``{"name": ..., **options}`` describes.

    Args:
        raw: ``name`` is a row of ``registry`` or a user's own ``"package.module:Class"``.
        registry: the room's registry.

    Raises:
        Problems: a ValueError whose locations lie inside ``raw``, for use in a validator.
    """
    if "name" not in raw:
        allowed = f"{', '.join(registry)}, or package.module:Class"
        raise Problems([(("name",), f"required, but missing (allowed: {allowed})")])
    kind = _find(raw["name"], registry)
    try:
        return kind.model_validate({key: value for key, value in raw.items() if key != "name"})
    except ValidationError as error:
        raise Problems(problems(error, kind)) from None
    except Exception as error:
        if not is_path(str(raw["name"])):
            raise
        raise Problems([((), f"{raw['name']!r} failed: {one_line(error)}")]) from error


def plain_component(component: Component, registry: Registry[Any]) -> dict[str, Any]:
    """``{"name": ..., **options}``, from which :func:`read_component` makes an equal component."""
    return {"name": path_name(type(component), registry), **component.special()}


def describe_component(component: Component, registry: Registry[Any]) -> dict[str, Any]:
    """The JSON mapping that names ``component``: ``{"name": ..., "version": ..., **identity}``.

    A user's own class goes by ``"module:Class"`` and adds ``"source"``, the digest of all of the user's code that it
    may use; so does a row of a package in development.

    Raises:
        StudyError: a user's own class that no other process can import, or whose source cannot be read.
    """
    code = component_code(component, registry)
    named = {"name": path_name(type(component), registry), "version": type(component).version, **component.identity()}
    return named if code is None else {**named, "source": code.digest}


def component_code(component: Component, registry: Registry[Any]) -> OwnCode | None:
    """What names the code of ``component``; None where that is critlab's, installed, or named by a version's text.

    Raises:
        StudyError: as :func:`describe_component`.
    """
    kind = type(component)
    if isinstance(kind.version, str):
        return None
    name = path_name(kind, registry)
    return own_code(kind, name) if is_path(name) else code_of_row(f"{kind.__module__}:{kind.__qualname__}")


def _find(name: Any, registry: Registry[type[Kind]]) -> type[Kind]:
    if not isinstance(name, str):
        raise Problems([(("name",), f"received {shown(name)}; must be a string")])
    try:
        return registry.find(name)
    except StudyError as error:
        raise Problems([(("name",), str(error))]) from None


def path_name(kind: type[Component], registry: Registry[Any]) -> str:
    """The name of a row of ``registry``; of a user's own class its path."""
    name: str = getattr(kind, "name", "")
    return name if name in registry and registry[name] is kind else path_of(kind)
