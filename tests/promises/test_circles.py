"""No circles of imports, an engine that knows learners by their protocol, words in one room, names of sweeps in one."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from test_import_order import FILES, FOUNDATION, ORDER, PACKAGE, nodes, parsed

from critlab.study.schedules import CLOCKS
from critlab.study.sweeps import SWEEPS

COMPONENT_ROOMS = {"deficits", "data", "models", "measures", "objectives"}
"""Where the class of a component imports its implementation inside a method, and the implementation its options."""

DATA = {"critlab.data", "critlab.data.loading", "critlab.data.spec", "critlab.data.sets.two_view"}
"""The one larger circle: a pair of views is read by the reader of single images."""

VERDICT_LINES = ("critlab.analysis.judgement.verdict", "critlab.report.text.judgement.verdict")
"""``Verdict.lines`` imports the words when it is called."""

ROOMS = {*FOUNDATION, *ORDER}

Graph = Mapping[str, set[str]]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


@cache
def graph(annotations: bool = False) -> Graph:
    """The modules that each module imports, inside functions too; with ``annotations`` also those for types alone."""
    return {
        module: {name for node in nodes(path, annotations) for name in _imported(node) if name in MODULES} - {module}
        for module, path in MODULES.items()
    }


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield full if full in MODULES else node.module
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)


def circles(of: Graph) -> list[set[str]]:
    """The sets of modules that reach each other."""
    reached = {module: _reachable(of, module) for module in of}
    found: list[set[str]] = []
    for module in of:
        circle = {other for other in reached[module] if module in reached.get(other, ())}
        if circle and circle not in found:
            found.append(circle)
    return found


def _reachable(of: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    left = list(of[start])
    while left:
        module = left.pop()
        if module not in seen:
            seen.add(module)
            left += of.get(module, ())
    return seen


@pytest.mark.slow
def test_no_circles() -> None:
    of = {module: set(imported) for module, imported in graph().items()}
    of[VERDICT_LINES[0]].discard(VERDICT_LINES[1])
    for circle in circles(of):
        rooms = {module.split(".")[1] for module in circle}
        assert rooms <= COMPONENT_ROOMS, circle
        assert len(circle) == 2 or circle <= DATA, circle


def test_no_circles_of_annotations_in_analysis() -> None:
    of = {module: set(found) for module, found in graph(annotations=True).items() if "critlab.analysis" in module}
    assert circles(of) == []


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [{"b", "c"}]


def test_the_engine_knows_learners_by_their_protocol() -> None:
    for module, imported in graph(annotations=True).items():
        if module.startswith("critlab.engine"):
            assert not {name for name in imported if name.startswith("critlab.training")}, module


def test_a_folder_of_the_engine_has_a_dozen_modules_at_most() -> None:
    folders = Counter(path.parent for path in FILES if "engine" in path.relative_to(PACKAGE).parts)
    assert max(folders.values()) <= 12, folders


SPEAK = {"cli", "hooks", "papers", "report", "study"}
"""Rooms with fixed text: captions of charts, what a figure or a sweep asks, and the command line."""


def test_other_rooms_hold_no_sentences() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in FILES
        if path.relative_to(PACKAGE).parts[0] not in SPEAK
        for line, text in _sentences(parsed(path))
        if not text.endswith("...")
    ]
    assert found == []


FINDINGS = ("analysis", "bench", "papers", "report", "sequential", "hooks/watch", "hooks/when", "cli")
"""Rooms through which findings pass; the others format durations, sizes and the words of errors."""


def test_one_module_formats_the_numbers_of_findings() -> None:
    numbers = PACKAGE / "report" / "text" / "numbers.py"
    compared = PACKAGE / "hooks" / "watch" / "sums" / "weights_in_motion.py"  # there a norm is rounded to compare it
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {ast.unparse(spec)}"
        for path in FILES
        if path not in (numbers, compared) and path.relative_to(PACKAGE).as_posix().startswith(FINDINGS)
        for line, spec in _precisions(parsed(path))
    ]
    assert found == []
    assert list(_precisions(ast.parse("f'{one:.2f}, {two:.{digits}g}, {three:.0%}, {four:,}, {five:g}, {six:02x}'")))


def _precisions(tree: ast.AST) -> Iterator[tuple[int, ast.AST]]:
    """Formats that round, other than in the words of errors."""
    if isinstance(tree, ast.Raise | ast.Assert):
        return
    if isinstance(tree, ast.FormattedValue) and tree.format_spec and "." in ast.unparse(tree.format_spec):
        yield tree.lineno, tree.format_spec
    for node in ast.iter_child_nodes(tree):
        yield from _precisions(node)


def _sentences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Strings with a space that end like a sentence, other than docstrings and the words of errors."""
    if isinstance(tree, ast.Raise | ast.Assert):
        return
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    text = ""
    if isinstance(tree, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "_" for part in tree.values)
    elif isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        text = tree.value
    if " " in text and text.rstrip().endswith("."):
        yield getattr(tree, "lineno", 0), text
    for node in ast.iter_child_nodes(tree):
        yield from _sentences(node)


def test_only_study_knows_the_names_of_sweeps_and_clocks() -> None:
    names = {*SWEEPS, *CLOCKS}
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}"
        for path in FILES
        if path.relative_to(PACKAGE).parts[0] != "study"
        for node in nodes(path, annotations=True)
        if isinstance(node, ast.Compare) and _names_one(node, names)
    ]
    assert found == []


def _names_one(node: ast.Compare, names: set[str]) -> bool:
    sides = [node.left, *node.comparators]
    asks = any(isinstance(side, ast.Attribute) and side.attr in ("kind", "clock") for side in sides)
    constants = {inner.value for side in sides for inner in ast.walk(side) if isinstance(inner, ast.Constant)}
    return asks and bool(constants & names)


def test_the_picture_of_the_architecture_names_files_that_exist() -> None:
    text = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text()
    named = {name for name in re.findall(r"`([a-z_]+(?:/[a-z_]+)+(?:\.py|/))`", text) if name.split("/")[0] in ROOMS}
    assert len(named) > 40
    assert [name for name in sorted(named) if not (PACKAGE / name).exists()] == []
