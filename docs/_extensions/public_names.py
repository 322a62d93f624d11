"""The directive ``public``: the documentation of one public name from its docstring, with an example.

The example is the body of the directive. ``tests/report/test_api_pages.py`` runs it, and checks that every public name
has one. The same functions list the public names for both.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

ROOMS = (
    "critlab",
    "critlab.study",
    "critlab.deficits",
    "critlab.data",
    "critlab.models",
    "critlab.objectives",
    "critlab.measures",
    "critlab.report",
    "critlab.papers",
    "critlab.engine",
    "critlab.linear",
    "critlab.kernels",
    "critlab.errors",
)
"""The modules whose names are public."""

FRAMEWORKS = {"lightning": "critlab.hooks.lightning", "transformers": "critlab.hooks.transformers"}
"""Packages that are not installed with critlab, and the modules that have a ``WatchCallback`` for them."""

EARLIER = {"critlab.study.removal", "critlab.study.windows"}
"""Names of version 0.1.0, which are kept and not documented."""

BLOCK = re.compile(r"^```\{public\} (?P<name>[\w.]+)\n(?P<example>.*?)^```$", re.DOTALL | re.MULTILINE)
"""A use of the directive in a page."""


def public_names() -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of every public name; a value that has several names comes once for each."""
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in _listed(module):
            value = getattr(module, name)
            if f"{room}.{name}" not in EARLIER and not isinstance(value, ModuleType):
                yield f"{room}.{name}", value
    if frameworks():
        for module in FRAMEWORKS.values():
            yield f"{module}.WatchCallback", found(f"{module}.WatchCallback")


def frameworks() -> bool:
    """Return whether the frameworks are installed, so that the page of their callbacks can be read."""
    return all(importlib.util.find_spec(name) is not None for name in FRAMEWORKS)


def found(path: str) -> Any:
    """Return the value of a dotted path: a module, or an attribute of one."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _listed(module: ModuleType) -> list[str]:
    """Return ``__all__``, else the names that are defined in the module or imported ``as`` themselves."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    names: list[str] = []
    for node in ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names += [alias.name for alias in node.names if alias.asname == alias.name]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [name for name in names if not name.startswith("_")]


def _directive(path: str) -> list[str]:
    """Return the lines of the autodoc directive for a public name."""
    value = found(path)
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        return [f".. {kind}:: {path}", *([] if kind == "autoexception" else ["   :members:"])]
    return [f".. autofunction:: {path}"] if callable(value) else [f".. autodata:: {path}", "   :no-value:"]


def _options(value: Any) -> tuple[str, list[str]] | None:
    """Return the signature of a class of options, and one line for each of its own options; None for anything else."""
    from critlab._core.spec import Spec
    from critlab.cli.arguments.options_text import options_text

    if not (inspect.isclass(value) and issubclass(value, Spec)):
        return None
    base = next((base for base in value.__mro__[1:] if issubclass(base, Spec) and base is not Spec), Spec)
    own = {name: field for name, field in value.model_fields.items() if name not in base.model_fields}
    parts = [name if field.is_required() else f"{name}={_default(field)}" for name, field in own.items()]
    lines = options_text(value, base) if hasattr(value, "citation") else []  # others describe their fields themselves
    listed = [f"* ``{name}``: {text}" for name, _, text in (line.partition(": ") for line in lines)]
    return f"({', '.join(['*', *parts] if parts else [])})", listed


def _default(field: Any) -> str:
    return "..." if field.default_factory is not None else repr(field.default)


def setup(app: Any) -> dict[str, Any]:
    """Register the directive, and the hook that puts the example below the docstring."""
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    for _ in public_names():  # everything is imported here: autodoc imports a module twice otherwise
        pass
    examples: dict[str, list[str]] = {}

    class Public(SphinxDirective):
        required_arguments = 1
        has_content = True
        option_spec: ClassVar[dict[str, Any]] = {}

        def run(self) -> list[Any]:
            path = self.arguments[0]
            lines = _directive(path)
            examples[lines[0].rpartition(" ")[2]] = list(self.content)
            text = ["```{eval-rst}", *lines, "```"]
            return self.parse_text_to_nodes(StringList(text, source=self.env.doc2path(self.env.docname)))

    def signature(_app: Any, _what: str, _name: str, value: Any, *_rest: Any) -> tuple[str, str] | None:
        return (found[0], "") if (found := _options(value)) else None

    def add_example(_app: Any, _what: str, name: str, value: Any, _given: Any, lines: list[str]) -> None:
        if (found := _options(value)) and found[1]:
            lines += ["", "**Options**", "", *found[1], ""]
        if example := examples.pop(name, None):
            lines += ["", "**Example**", "", *example, ""]

    app.add_directive("public", Public)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", add_example)
    return {"parallel_read_safe": False}
