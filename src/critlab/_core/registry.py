"""A room's registry: one row a component, its name and the place of its code, which is imported at first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from critlab._core.errors import StudyError
from critlab._core.imports import imported, is_path, one_line
from critlab._core.spec import nearest, shown

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

    def find(self, name: str, field: str) -> Component:
        """The component called ``name``.

        Args:
            name: a row's name, or ``"package.module:name"``.
            field: which field or argument held the name, for the message.

        Raises:
            StudyError: there is none, or what is there is of another type.
        """
        if name not in self.rows and is_path(name):
            return self._checked(imported(name), name)
        if name not in self:
            raise StudyError(f"{field}: received {shown(name)}{nearest(name, self)}")
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

    def _checked(self, found: object, name: str) -> Component:
        base = f"{self.kind.__module__}.{self.kind.__name__}"
        if self.classes:
            if not (isinstance(found, type) and issubclass(found, self.kind)):
                raise StudyError(f"{shown(name)} is not a {self.what}; must be a subclass of {base}")
        elif not isinstance(found, self.kind):
            raise StudyError(f"{shown(name)} is of type {type(found).__name__}; must be a {base}")
        return cast(Component, found)

    def __getitem__(self, name: str) -> Component:
        if name in self.rows:
            return self._checked(imported(self.rows[name]), self.rows[name])
        point = self._offered[name]
        try:
            found = point.load()
        except Exception as error:
            raise StudyError(
                f"the {self.what} {name!r} of the package {_package(point)} cannot be imported: {one_line(error)}; "
                f"update or uninstall {_package(point)}"
            ) from error
        return self._checked(found, name)

    def __contains__(self, name: object) -> bool:
        return name in self.rows or name in self._offered

    def __iter__(self) -> Iterator[str]:
        yield from self.rows
        yield from self._offered

    def __len__(self) -> int:
        return len(self.rows) + len(self._offered)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"
