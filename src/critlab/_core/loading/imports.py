"""Code by its path, ``"package.module:name"``, and one clear line where it cannot be imported."""

from __future__ import annotations

from traceback import extract_tb
from types import ModuleType
from typing import Any

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.search_path import hidden_by
from critlab._core.problems import nearest, shown
from critlab._core.user_code.identity import module_called


def is_path(name: str) -> bool:
    """Whether ``name`` points at a user's own code (``"package.module:name"``)."""
    module, colon, attribute = name.partition(":")
    return bool(colon and module and attribute)


def imported(path: str, field: str = "") -> Any:
    """The object at ``"package.module:name"``.

    Args:
        path: of the object.
        field: of a study that names it, with which a message begins.

    Raises:
        StudyError: the module is not there, fails while it is imported, or has no such name.
    """
    try:
        return _found(path)
    except StudyError as error:
        if not field:
            raise
        raise StudyError(f"{field}: {error}") from error.__cause__


def _found(path: str) -> Any:
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
