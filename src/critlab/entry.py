"""A room's table: what its components are called, where their code lies, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any

from critlab.errors import StudyError
from critlab.own_code import module_called
from critlab.spec import Spec, nearest


@dataclass(frozen=True)
class Entry:
    """One component of a room.

    Args:
        path: ``"package.module:name"`` of the code, imported when it is first used.
        options: the component's torch-free options.
        source: paper and section or figure, or ``"ours"``.
        version: raised whenever the component's results change; part of every name that depends on it.
    """

    path: str
    options: type[Spec]
    source: str
    version: int = 1

    def load(self) -> Any:
        """The object at ``path``."""
        return imported(self.path)


class Table(Mapping[str, Entry]):
    """The components of a room: critlab's own rows and those that installed packages offer.

    Args:
        what: what one component is called in messages, such as ``"deficit"``.
        group: the entry-point group under which other packages offer an :class:`Entry`.
        rows: critlab's own components.
    """

    def __init__(self, what: str, group: str, rows: Mapping[str, Entry]) -> None:
        self.what, self.group, self.own = what, group, dict(rows)

    def find(self, name: str) -> Entry:
        """The component called ``name``; installed packages are searched only when the name is not critlab's own.

        Raises:
            StudyError: there is none; the message lists what there is and the nearest name.
        """
        found = self.own.get(name) or self._rows.get(name)
        if found is None:
            raise StudyError(f"unknown {self.what}, received {name!r}{nearest(name, self)}")
        return found

    @cached_property
    def _rows(self) -> dict[str, Entry]:
        rows, owners = dict(self.own), dict.fromkeys(self.own, "critlab")
        for point in entry_points(group=self.group):
            package = point.dist.name if point.dist else "an unknown package"
            if point.name in rows:
                raise StudyError(
                    f"two packages offer a {self.what} called {point.name!r}: {owners[point.name]} and {package}; "
                    "uninstall one of them"
                )
            rows[point.name], owners[point.name] = point.load(), package
        return rows

    def __getitem__(self, name: str) -> Entry:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def is_path(name: str) -> bool:
    """Whether ``name`` points at a user's own code (``"package.module:name"``)."""
    module, colon, attribute = name.partition(":")
    return bool(colon and module and attribute)


def imported(path: str) -> Any:
    """The object at ``"package.module:name"``.

    Raises:
        StudyError: the module cannot be imported or has no such name.
    """
    module_name, _, attribute = path.partition(":")
    try:
        found: Any = module_called(module_name)
    except ImportError as error:
        raise StudyError(
            f"{path!r} cannot be imported: {error}; the module must lie in the working folder or be installed"
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise StudyError(f"{path!r}: module {module_name!r} has no {part!r}{nearest(part, dir(found))}")
        found = getattr(found, part)
    return found
