"""Public names that are imported when they are first used, so that importing a package costs nothing.

The stub ``__init__.pyi`` of a package is its one list of names: type checkers read it, and so does :func:`attach`.
This module imports only what Python has already loaded, because the command imports it before it settles the search
path.
"""

from __future__ import annotations

import importlib

# the value of typing.TYPE_CHECKING, without that import
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any


def submodules(package: str) -> Callable[[str], ModuleType]:
    """The ``__getattr__`` of a package that finds its submodules."""

    def find(name: str) -> ModuleType:
        if not name.startswith("_"):
            try:
                return importlib.import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find


def attach(
    package: str, file: str, earlier: Mapping[str, tuple[str, str]] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package, from its stub.

    Args:
        package: ``__name__`` of the package.
        file: ``__file__`` of the package. In the stub next to it, every public name is one line,
            ``from module import name as name``.
        earlier: earlier names that keep working, each with the module and the present name; not in ``__all__``.
    """
    with open(f"{file.removesuffix('.py')}.pyi", encoding="utf-8") as stub:
        lines = [line.split() for line in stub if line.startswith("from ")]
    names = {line[-1]: line[1] for line in lines if line[-2:-1] == ["as"]}

    def find(name: str) -> Any:
        module, present = (earlier or {}).get(name, (names.get(name, package), name))
        if module == package:
            return submodules(package)(name)
        return getattr(importlib.import_module(module), present)

    return find, lambda: sorted({*vars(importlib.import_module(package)), *names}), list(names)
