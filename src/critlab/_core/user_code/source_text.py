"""The text of a module as far as it can change what the module computes, and the modules that it imports."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

DOORS = frozenset(
    {
        "Background", "BackgroundDeficit", "Base", "Intervention", "Setup", "Study", "Switch", "WindowOverride", "harm",
        "lasting_damage", "load_results", "plan", "probe", "removal", "removal_sweep", "report", "run", "save_figures",
        "window_sweep", "windows",
    }
)  # fmt: skip
"""Functions of critlab whose arguments are the question, which names its results by itself."""

Span = tuple[int, int]
"""Where a piece of a text begins and ends, in bytes."""


class Import(NamedTuple):
    """An import as it is written.

    Args:
        module: the dotted name; empty in ``from . import name``.
        names: what is taken from it; each may be a module too.
        level: how many dots stand before it.
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0


class ModuleText(NamedTuple):
    """What counts of a module.

    Args:
        text: its source without comments, empty lines and arguments of :data:`DOORS`, so that neither a comment nor
            another removal epoch in the same file gives other names.
        imports: everything that it imports, inside functions too.
        computed: whether it computes the name of a module that it imports.
    """

    text: str
    imports: tuple[Import, ...]
    computed: bool


def module_text(source: str, *, runs_as_main: bool = False) -> ModuleText:
    """What counts of a module's source; all of it where it is not Python that this version reads.

    Args:
        source: the file's text.
        runs_as_main: whether what stands under ``if __name__ == "__main__":`` counts too. It does not run in a module
            that is imported, as worker processes do with a script.
    """
    try:
        tree = ast.parse(source)
        marked = _Marked(source, tree)
        spans = [*marked.comments(), *marked.questions()]
    except (SyntaxError, ValueError, tokenize.TokenError, RecursionError):
        return ModuleText(source, (), False)
    guards = [] if runs_as_main else [node for node in tree.body if _is_guard(node)]
    spans += [marked.lines_of(node) for node in guards]
    kept = [node for node in tree.body if node not in guards]
    imports = tuple(found for node in kept for found in _imports(node))
    computed = any(_computes_a_name(node) for top in kept for node in ast.walk(top))
    return ModuleText(_without(source, spans), imports, computed)


def _is_guard(node: ast.stmt) -> bool:
    """Whether this is ``if __name__ == "__main__":`` without an ``else``."""
    if not isinstance(node, ast.If) or node.orelse or not isinstance(node.test, ast.Compare):
        return False
    sides = (node.test.left, *node.test.comparators)
    named = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
    return named and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)


class _Marked:
    """Places of a source text, in bytes from its beginning."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self.source, self.tree = source, tree
        self.lines = [line.encode() for line in source.splitlines(keepends=True)]
        self.begins = [0]
        for line in self.lines:
            self.begins.append(self.begins[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt) -> Span:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first, last = self.begins[node.lineno - 1], self.begins[node.end_lineno - 1]
        return first + node.col_offset, last + node.end_col_offset

    def lines_of(self, node: ast.stmt) -> Span:
        assert node.end_lineno is not None
        return self.begins[node.lineno - 1], self.begins[node.end_lineno]

    def comments(self) -> Iterator[Span]:
        """Comments with the spaces before them, and lines that hold nothing else; never inside a string."""
        for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
            line = token.start[0] - 1
            if token.type == tokenize.COMMENT:
                before = self.lines[line].decode()[: token.start[1]]
                begin = self.begins[line] + len(before.rstrip(" \t").encode())
                yield begin, self.begins[line] + len((before + token.string).encode())
            if token.type == tokenize.NL and line < len(self.lines):
                text = self.lines[line].strip()
                if not text or text.startswith(b"#"):
                    yield self.begins[line], self.begins[line + 1]

    def questions(self) -> Iterator[Span]:
        """What stands between the brackets of a call of :data:`DOORS`."""
        own = dict(_from_critlab(self.tree))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and DOORS & set(_dotted(node.func, own)):
                end = self.span(node)[1]
                yield self.span(node.func)[1], end


def _from_critlab(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Names by which a module knows critlab or parts of it, and what they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "critlab":
                    whole = alias.name.split(".") if alias.asname else ["critlab"]
                    yield alias.asname or "critlab", whole
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "critlab":
            for alias in node.names:
                yield alias.asname or alias.name, [*str(node.module).split("."), alias.name]


def _dotted(node: ast.expr, own: dict[str, list[str]]) -> list[str]:
    """The parts of a name of critlab's; empty for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    known = own.get(node.id) if isinstance(node, ast.Name) else None
    return [*known, *parts] if known else []


def _imports(top: ast.stmt) -> Iterator[Import]:
    for node in ast.walk(top):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", tuple(alias.name for alias in node.names), node.level)
        elif isinstance(node, ast.Call) and _imports_by_name(node) and node.args:
            asked = node.args[0]
            if isinstance(asked, ast.Constant) and isinstance(asked.value, str):
                name = asked.value.lstrip(".")
                yield Import(name, (), len(asked.value) - len(name))


def _imports_by_name(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in ("import_module", "__import__")


def _computes_a_name(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and _imports_by_name(node)):
        return False
    return not (node.args and isinstance(node.args[0], ast.Constant))


def _without(source: str, spans: list[Span]) -> str:
    """``source`` without what lies in any of ``spans``."""
    content, kept, at = source.encode(), bytearray(), 0
    for begin, end in sorted(spans):
        kept += content[at : max(begin, at)]
        at = max(at, end)
    return (kept + content[at:]).decode()
