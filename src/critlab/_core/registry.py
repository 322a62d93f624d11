"""A room's registry: one row a component, its name and the place of its code, which is imported at first use."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from critlab._core.errors import StudyError
from critlab._core.loading.imports import imported, is_path, one_line
from critlab._core.problems import nearest, shown

Component = TypeVar("Component")


class Registry(Mapping[str, Component], Generic[Component]):
    """The components of a room by name: critlab's own rows, and those that installed packages offer.

    A name of the form ``"package.module:name"`` is a user's own component and needs no row.

    Args:
        what: what one component is called in messages, such as ``"figure"``.
        kind: the type that every component is an instance of, or a subclass of where ``classes`` says so.
        group: the entry-point group under which other packages offer a component.
        rows: critlab's own components, name to ``"package.module:name"``, in the order in which they are listed.
        classes: whether components are classes.
    """

    def __init__(self, what: str, kind: type[Any], group: str, rows: Mapping[str, str], classes: bool = False) -> None:
        self.what, self.kind, self.group, self.rows, self.classes = what, kind, group, dict(rows), classes

    def find(self, name: str, field: str = "") -> Component:
        """The component called ``name``; installed packages are searched only when the name is not critlab's own.

        Args:
            name: a row's name, or ``"package.module:name"``.
            field: which field or argument held the name, for the message; empty where the caller says it.

        Raises:
            StudyError: there is none, or what is there is of another type.
        """
        if name not in self.rows and is_path(name):
            return self._checked(imported(name), f"received {name!r}, which")
        if name not in self:
            start = f"{field}: " if field else f"unknown {self.what}, "
            raise StudyError(f"{start}received {shown(name)}{nearest(name, self)}")
        return self[name]

    @cached_property
    def _offered(self) -> dict[str, EntryPoint]:
        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.group):
            if point.name in self.rows or point.name in found:
                other = "critlab" if point.name in self.rows else _package(found[point.name])
                raise StudyError(
                    f"two packages offer a {self.what} called {point.name!r}: {other} and {_package(point)}; "
                    "uninstall one of them"
                )
            found[point.name] = point
        return found

    def _checked(self, found: object, offer: str, remedy: str = "") -> Component:
        if isinstance(found, type) and issubclass(found, self.kind) if self.classes else isinstance(found, self.kind):
            if missing := sorted(getattr(found, "__abstractmethods__", ())):
                raise StudyError(f"{offer} has no {' and no '.join(missing)}; every {self.what} must define it{remedy}")
            return cast(Component, found)
        needed = f"must be {'a subclass of' if self.classes else 'a'} {_public_name(self.kind)}"
        raise StudyError(f"{offer} is not {_with_article(self.what)}; {needed}{remedy}")

    def __getitem__(self, name: str) -> Component:
        if name in self.rows:
            return self._checked(imported(self.rows[name]), self.rows[name])
        point = self._offered[name]
        offer, remedy = (
            f"the {self.what} {name!r} of the package {_package(point)}",
            f"update or uninstall {_package(point)}",
        )
        try:
            found = point.load()
        except Exception as error:
            raise StudyError(f"{offer} cannot be imported: {one_line(error)}; {remedy}") from error
        return self._checked(found, f"{offer} cannot be used: {point.value}", f"; {remedy}")

    def __contains__(self, name: object) -> bool:
        return name in self.rows or name in self._offered

    def __iter__(self) -> Iterator[str]:
        yield from self.rows
        yield from self._offered

    def __len__(self) -> int:
        return len(self.rows) + len(self._offered)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"


def _public_name(kind: type[Any]) -> str:
    """The path by which a user imports the class: of the package that exports it, else of its module."""
    package = kind.__module__.rpartition(".")[0]
    exported = getattr(sys.modules.get(package), kind.__name__, None) is kind
    return f"{package if exported else kind.__module__}.{kind.__name__}"
