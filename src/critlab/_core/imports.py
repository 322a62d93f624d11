"""A room's table: what its components are called, where their code lies, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from traceback import extract_tb
from types import ModuleType
from typing import Any

from critlab._core.errors import CritlabError, StudyError
from critlab._core.search_path import hidden_by
from critlab._core.spec import Spec, nearest, shown
from critlab._core.user_code.identity import module_called


@dataclass(frozen=True)
class Before:
    """The version of a component before the present one, whose results finished studies keep.

    Args:
        version: which.
        flaw: what is wrong with its results, as the end of a sentence.
    """

    version: int
    flaw: str


@dataclass(frozen=True)
class Entry:
    """One component of a room.

    Args:
        path: ``"package.module:name"`` of the code, imported when it is first used.
        options: the component's torch-free options.
        source: paper and section or figure, or ``"ours"``.
        version: raised whenever the component's results change; part of every name that depends on it.
        before: the version before it, where studies may keep results of that.
    """

    path: str
    options: type[Spec]
    source: str
    version: int = 1
    before: Before | None = None

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
            raise StudyError(f"unknown {self.what}, received {shown(name)}{nearest(name, self)}")
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
            rows[point.name], owners[point.name] = self._offered(point, package), package
        return rows

    def _offered(self, point: EntryPoint, package: str) -> Entry:
        offer, remedy = f"the {self.what} {point.name!r} of the package {package}", f"update or uninstall {package}"
        try:
            row = point.load()
        except Exception as error:
            raise StudyError(f"{offer} cannot be imported: {one_line(error)}; {remedy}") from error
        if not isinstance(row, Entry):
            raise StudyError(f"{offer}: received {type(row).__name__}; must be a critlab._core.imports.Entry; {remedy}")
        return row

    def __getitem__(self, name: str) -> Entry:
        # a broken package must not stop a study that uses nothing of it
        return self.own[name] if name in self.own else self._rows[name]

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
        StudyError: the module is not there, fails while it is imported, or has no such name.
    """
    module_name, _, attribute = path.partition(":")
    found: Any = _module(module_name, path)
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            if file := hidden_by(module_name):
                raise StudyError(
                    f"{shown(path)}: {module_name!r} is {file}, which is found before the one in the working folder, "
                    f"and has no {part!r}; rename your module"
                ) from None
            names = [name for name in dir(found) if not name.startswith("_")]
            raise StudyError(f"{shown(path)}: {module_name!r} has no {part!r}{nearest(part, names)}") from None
        except Exception as error:
            raise StudyError(f"{shown(path)} cannot be loaded: {one_line(error)}") from error
    return found


def _module(name: str, path: str) -> ModuleType:
    if not all(name.split(".")):
        raise StudyError(f'received {shown(path)}; must be "package.module:name" with the full name of the module')
    try:
        return module_called(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise StudyError(f"{shown(path)} cannot be imported: {one_line(error)}") from error
        raise StudyError(
            f"{shown(path)} cannot be imported: {error}; the module must be in the working folder or installed"
        ) from error
    except CritlabError:
        raise
    except (Exception, SystemExit) as error:
        raise StudyError(f"{shown(path)} cannot be imported: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """What went wrong in a user's code, and where, in one line."""
    text, frames = " ".join(str(error).split()), extract_tb(error.__traceback__)
    # the first frame is the caller's, and a syntax error says itself where it is
    known = len(frames) > 1 and not isinstance(error, SyntaxError)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if known else ""
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}"
