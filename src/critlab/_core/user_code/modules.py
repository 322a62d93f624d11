"""The modules of a user's own: where their source lies, and which of them a module needs.

A module is the user's own unless it is installed: it is Python's or critlab's, lies in a folder of installed packages,
or stands next to the records of an installation. Versions of installed packages are recorded instead; a package in
development, installed so that it can be edited, is the user's own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from critlab._core.user_code.source_text import Import, ModuleText, module_text

MOST_MODULES = 2000
"""How many modules are followed; a program of a user's own that has more is given a version instead."""


_READ: dict[tuple[str, bool], tuple[Any, Module | None]] = {}
"""What was read of each module, and what Python knew of it then: a module that is loaded again is read again."""


@dataclass(frozen=True)
class Module:
    """A module of a user's own as it was first read in this process.

    Args:
        name: its name.
        file: its file.
        digest: SHA-256 of what counts of it.
        text: what counts of it; None where it is compiled.
    """

    name: str
    file: str
    digest: str
    text: ModuleText | None

    @property
    def package(self) -> str:
        """The package that its relative imports begin at."""
        return self.name if Path(self.file).stem == "__init__" else self.name.rpartition(".")[0]


def script_name() -> str | None:
    """The name by which another process can import the running script.

    None in a notebook, at a prompt, and in the command ``critlab``, whose file has the name of the package.
    """
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    name = str(spec.name) if spec else Path(file).stem if file else None
    return None if name is None or name.partition(".")[0] == "critlab" else name


def refresh() -> None:
    """Forgets modules that were read and never loaded; those that are loaded stay what they were when first read."""
    for key in [key for key, (known, _) in _READ.items() if known is None]:
        del _READ[key]


def needed(names: set[str], *, main: str | None = None) -> dict[str, Module]:
    """The modules of the user's own among ``names``, and those that they import, and so on.

    Args:
        names: names of modules.
        main: which of them runs as the main module, so that all of it counts.
    """
    found: dict[str, Module] = {}
    seen: set[str] = set()
    waiting = sorted(names)
    while waiting and len(found) < MOST_MODULES:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        parent = name.rpartition(".")[0]
        waiting += [parent] if parent else []
        module = _module(name, name == main)
        if module is not None:
            found[name] = module
            waiting += _imported(module)
    return found


def _imported(module: Module) -> Iterator[str]:
    """The names of all modules that a module may import."""
    if module.text is None:
        return
    for one in module.text.imports:
        whole = _absolute(one, module.package)
        if whole is None or (not one.level and installed(whole.partition(".")[0])):
            continue
        if whole:
            yield whole
        yield from (f"{whole}.{name}" if whole else name for name in one.names if name != "*")
    if module.text.computed:
        yield from _neighbours(module)


def _absolute(one: Import, package: str) -> str | None:
    if not one.level:
        return one.module
    parts = package.split(".") if package else []
    if one.level - 1 > len(parts):
        return None
    return ".".join([*parts[: len(parts) - one.level + 1], *([one.module] if one.module else [])])


def _neighbours(module: Module) -> Iterator[str]:
    """Every module of the same folder and of the packages in it: one of them is imported by a computed name."""
    folder = Path(module.file).parent
    for path in sorted(folder.rglob("*.py"))[:MOST_MODULES]:
        parts = path.relative_to(folder).with_suffix("").parts
        names = parts[:-1] if parts[-1] == "__init__" else parts
        if names and all(part.isidentifier() for part in names):
            yield ".".join([*([module.package] if module.package else []), *names])


def _module(name: str, whole: bool) -> Module | None:
    loaded = _loaded(name)
    known = getattr(loaded, "__spec__", None) or loaded
    if (name, whole) in _READ:
        before, module = _READ[name, whole]
        # what a module is loaded from later is what was read of it before
        if before is None or before is known:
            _READ[name, whole] = (known, module)
            return module
    module = None if installed(name.partition(".")[0]) else _read(name, loaded, whole)
    _READ[name, whole] = (known, module)
    return module


def _loaded(name: str) -> Any:
    return sys.modules["__main__"] if name == script_name() else sys.modules.get(name)


def _read(name: str, loaded: Any, whole: bool) -> Module | None:
    file = getattr(loaded, "__file__", None)
    if file is None:
        spec = _spec(name)
        file = spec.origin if spec is not None and spec.has_location else None
    if file is None:
        return None
    try:
        content = Path(file).read_bytes()
    except OSError:
        return None
    if not str(file).endswith((".py", ".pyw")) and loaded is not sys.modules["__main__"]:
        return Module(name, str(file), hashlib.sha256(content).hexdigest(), None)
    try:
        text = module_text(importlib.util.decode_source(content), runs_as_main=whole)
    except (SyntaxError, UnicodeDecodeError):
        return Module(name, str(file), hashlib.sha256(content).hexdigest(), None)
    return Module(name, str(file), hashlib.sha256(text.text.encode()).hexdigest(), text)


def _spec(name: str) -> ModuleSpec | None:
    """Where a module would be loaded from; nothing is imported."""
    parent, _, _ = name.rpartition(".")
    if not parent:
        return _top(name)
    above = sys.modules.get(parent)
    places = getattr(above, "__path__", None)
    if places is None:
        spec = _spec(parent)
        places = spec.submodule_search_locations if spec else None
    return PathFinder.find_spec(name, list(places)) if places else None


def _top(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None


def installed(top: str) -> bool:
    """Whether a module of that first name is not the user's own."""
    if top == script_name():
        return False
    if top in sys.stdlib_module_names or top == "critlab":
        return True
    loaded = sys.modules.get(top)
    spec = getattr(loaded, "__spec__", None) or _top(top)
    places = [getattr(loaded, "__file__", None), spec.origin if spec and spec.has_location else None]
    places += list(spec.submodule_search_locations or ()) if spec else []
    there = [place for place in places if place]
    return not there or _in_an_installation(str(there[0]))


@cache
def _in_an_installation(file: str) -> bool:
    path = os.path.realpath(file)
    if {"site-packages", "dist-packages"} & {*Path(path).parts, *Path(file).parts}:
        return True
    kinds = ("stdlib", "platstdlib")
    if any(Path(path).is_relative_to(os.path.realpath(sysconfig.get_path(kind))) for kind in kinds):
        return True
    folder = Path(path).parent
    return any(any(place.glob("*.dist-info")) for place in (folder, folder.parent))
