"""A user's own code: the path by which every process finds it, and the digest that names what it does."""

from __future__ import annotations

import hashlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from types import ModuleType
from typing import Any

from critlab._core.digest import digest
from critlab._core.errors import StudyError
from critlab._core.loading.search_path import import_module
from critlab._core.user_code.modules import Module, needed, script_name
from critlab._core.user_code.source_text import module_text

Code = type | Callable[..., Any]

NOTHING: Mapping[str, str] = {}
"""No digest of own code under which a store has named it otherwise."""


HERE = "defined-here"
"""In place of a module: a class or function that this process alone can find."""

OR_VERSION = '; for critlab.probe, which runs in this process, give it a version = "1" and raise it with every change'

UNNAMED = "unnamed: "
"""How the text of own code begins that was no part of a name before."""


@dataclass(frozen=True)
class OwnCode:
    """What names a function or class of a user's own.

    Args:
        path: ``"package.module:name"``.
        digest: SHA-256, in hexadecimal, of all of the user's own code that it may use.
        text: SHA-256 of its own text alone, which named it before the code beyond counted; begins with
            :data:`UNNAMED` where nothing did, and is empty where its text cannot be read.
        modules: the modules that count, by name.
        unread: what may change it and cannot be read, in words; empty where there is nothing.
    """

    path: str
    digest: str
    text: str
    modules: Mapping[str, Module]
    unread: str = ""

    def files(self) -> dict[str, str]:
        """The digest of each module, by its name."""
        return {name: module.digest for name, module in self.modules.items()}


def path_of(code: Code) -> str:
    """``"package.module:name"`` of a class or function, such that another process can import it.

    What the running script defines goes by the script's file name. What has a version and lies where no other process
    finds it goes by :data:`HERE`, so that critlab.probe, which needs no other process, can name it.

    Raises:
        StudyError: it was defined inside a function or at a prompt, where no other process finds it.
    """
    lost = "<" in code.__qualname__ or (code.__module__ == "__main__" and script_name() is None)
    if lost and stated_version(code) is not None:
        return f"{HERE}:{code.__qualname__.rpartition('.')[2]}"
    module = script_name() if code.__module__ == "__main__" else code.__module__
    if module is None:
        raise StudyError(
            f"{code.__qualname__} was defined in a notebook or at a prompt, so worker processes cannot import it; "
            f"move it to a file{OR_VERSION}"
        )
    path = f"{module}:{code.__qualname__}"
    if "<" in code.__qualname__:
        raise StudyError(
            f"{path} was defined inside a function, so worker processes cannot import it; "
            f"move it to the top level of a module{OR_VERSION}"
        )
    return path


def module_called(name: str) -> ModuleType:
    """The module of that name; the running script is not executed a second time.

    Raises:
        ImportError: it cannot be imported.
        StudyError: it is no module, but :data:`HERE`.
    """
    if name == HERE:
        raise StudyError(
            "a class or function with a version was defined inside a function, in a notebook or at a prompt, so "
            "worker processes cannot import it; move it to the top level of a module"
        )
    if name in ("__main__", script_name()):
        return sys.modules["__main__"]
    return import_module(name)


def code_of_row(path: str) -> OwnCode | None:
    """What names a component that a package offers, where that package is installed so that it can be edited.

    Args:
        path: ``"package.module:name"`` of its code, which is not imported.
    """
    modules = {} if path.startswith("critlab.") else needed({path.partition(":")[0]})
    return _named(path, modules, text=f"{UNNAMED}{path}") if modules else None


def own_code(code: Code, path: str, *, here: bool = False) -> OwnCode:
    """What names ``code``: its own text, and every module of the user's own that it may use.

    These are the module that defines it, the module that ``path`` names, and what they import, in turn. What is
    installed does not count: its version is recorded. The modules count as they were first read in this process.

    Args:
        code: a function or class.
        path: ``"package.module:name"``.
        here: whether it is called in this process alone, so that all of a running script counts, and so do the
            values that the function holds: of its closure, its defaults and its partial application.

    Raises:
        StudyError: neither its module nor its text can be read, as of code typed at a prompt.
    """
    names = {path.rpartition(":")[0], _module_of(code)} - {""}
    modules = needed(names, main=script_name() if here else None)
    text = _own_text(code)
    if not modules and text is None:
        raise StudyError(
            f"cannot read the source of {path!r}, which names its results; move it to a file, or give it a "
            'version and raise it with every change: version = "1", as an attribute of the function or class'
            + (", or probe(..., version=...)" if here else "")
        )
    held = [_plain_text(text or ""), list(_held(code)) if here else []] if here or not modules else []
    found = _named(path, modules, held, "" if text is None else _sha(text))
    if modules:
        return found
    unread = (
        f"{path} was defined in a notebook or at a prompt: its results are named by its own text, so "
        "changes in what it uses "
        'are not noticed; give it a version and raise it with every change, such as version = "1"'
    )
    return replace(found, unread=unread)


def _named(path: str, modules: Mapping[str, Module], held: list[Any] | None = None, text: str = "") -> OwnCode:
    compiled = sorted(name for name, module in modules.items() if module.text is None)
    unread = ""
    if compiled:
        unread = (
            f"{path}: {', '.join(compiled)} is compiled, so its results are named by its bytes, which "
            "change with each build; to name "
            'them yourself, give it a version, such as version = "1"'
        )
    files = {name: module.digest for name, module in sorted(modules.items())}
    return OwnCode(path, digest("own code", path, files, *(held or [])), text, modules, unread)


def stated_version(code: Any) -> str | None:
    """The version that a user gives a function (an attribute, a text or an integer) or class (a text) of theirs.

    It names the code in place of its source. An integer of a class stands in its name together with the source.
    """
    found = getattr(code, "version", None)
    fits = isinstance(found, str) or (isinstance(found, int) and not isinstance(code, type))
    return str(found) if fits and not isinstance(found, bool) else None


def renamed(value: Any, adopted: Mapping[str, str]) -> Any:
    """``value``, JSON, in which the digests of own code are those that a store already names them by."""
    if not adopted:
        return value
    if isinstance(value, str):
        return adopted.get(value, value)
    if isinstance(value, Mapping):
        found = {key: renamed(item, adopted) for key, item in value.items()}
        return {key: item for key, item in found.items() if not f"{item}".startswith(UNNAMED)}
    return [renamed(item, adopted) for item in value] if isinstance(value, list) else value


def _module_of(code: Any) -> str:
    while isinstance(code, partial):
        code = code.func
    module = getattr(code, "__module__", None) or type(code).__module__
    return (script_name() or "") if module == "__main__" else str(module)


def _own_text(code: Any) -> str | None:
    while isinstance(code, partial):
        code = code.func
    return _text_of(code) if getattr(code, "__hash__", None) else None


@cache
def _text_of(code: Any) -> str | None:
    """The text of a function or class as it was first read; a class or function that is loaded again is another one."""
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):
        return None


def _plain_text(text: str) -> str:
    return module_text(textwrap.dedent(text)).text


def _held(code: Any) -> Iterator[Any]:
    """Plain values that a function carries with it, with their names."""
    while isinstance(code, partial):
        yield from ([str(key), _value(item)] for key, item in [*enumerate(code.args), *sorted(code.keywords.items())])
        code = code.func
    code = getattr(code, "__func__", code)
    variables = getattr(getattr(code, "__code__", None), "co_freevars", ())
    for name, cell in zip(variables, getattr(code, "__closure__", None) or (), strict=False):
        try:
            yield [name, _value(cell.cell_contents)]
        except ValueError:
            continue  # not bound yet


def _value(value: Any) -> str:
    """A value that cannot change, as text; what can change is not part of a name."""
    plain = isinstance(value, str | bytes | int | float | complex | type(None))
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))})"
    return repr(value) if plain else type(value).__name__


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
