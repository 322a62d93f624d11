"""The house: a folder imports only from folders above it, and what must be light is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import critlab

PACKAGE = Path(critlab.__file__).parent
FOUNDATION = {"_core"}
ORDER = [
    "deficits",
    "learning_tasks",
    "data",
    "models",
    "measures",
    "objectives",
    "study",
    "store",
    "training",
    "engine",
    "theory",
    "analysis",
    "report",
    "sequential",
    "papers",
    "hooks",
    "bench",
]
ALLOWED_CLIMBS = {"analysis/judgement/verdict.py imports critlab.report.text.judgement.verdict"}
"""``Verdict.lines`` is the one method of a value that gives words; it imports them when it is called."""
TOP = {"errors", "kernels", "linear", "running", "cli", "__init__"}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def rank(name: str) -> int:
    if name in FOUNDATION:
        return -1
    return ORDER.index(name) if name in ORDER else len(ORDER)


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file; nobody changes it."""
    return ast.parse(path.read_text())


def nodes(path: Path, annotations: bool = False) -> Iterator[ast.AST]:
    """Every node of a file; without ``annotations`` none of those that serve type checkers alone."""
    left: list[ast.AST] = [parsed(path)]
    while left:
        node = left.pop()
        yield node
        for_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        left += node.orelse if for_types and not annotations else ast.iter_child_nodes(node)  # type: ignore[attr-defined]


def imports(path: Path) -> Iterator[str]:
    """Every critlab module that a file imports, also inside functions; not for annotations only."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "critlab":
            yield node.module if node.module != "critlab" else f"critlab.{node.names[0].name}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "critlab")


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_file_has_a_place() -> None:
    known = FOUNDATION | set(ORDER) | TOP
    assert {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} <= known


@pytest.mark.slow
def test_imports_point_upwards() -> None:
    climbs = []
    for path in FILES:
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own == "__init__" or own in TOP:
            continue
        for module in imports(path):
            other = room(module)
            neighbours = other == own or (other in FOUNDATION and own in FOUNDATION)
            if not neighbours and rank(other) >= rank(own):
                climbs.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert set(climbs) <= ALLOWED_CLIMBS


def test_the_check_sees_imports_inside_functions() -> None:
    assert "critlab.store" in set(imports(PACKAGE / "cli/results.py"))


HEAVY = {"torch", "scipy"}
LIGHT_COMMANDS = """
import sys
import critlab.cli
for arguments in ARGUMENTS:
    sys.argv = ["critlab", *arguments]
    try:
        critlab.cli.main()
    except SystemExit as end:
        assert not end.code, (arguments, end.code)
    heavy = HEAVY & set(sys.modules)
    assert not heavy, (arguments, heavy)
assert "typer" in sys.modules
"""


def run_python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_light_commands_import_neither_torch_nor_scipy(tmp_path: Path) -> None:
    store = ["--store", str(tmp_path)]
    commands = [
        ["--help"],
        ["list", "figures"],
        ["plan", "removal", *store],
        ["status", "demo", *store],
        ["gc", *store],
    ]
    run_python(f"ARGUMENTS, HEAVY = {commands!r}, {HEAVY!r}\n{LIGHT_COMMANDS}")


@pytest.mark.slow
def test_study_and_store_are_torch_free() -> None:
    modules = "critlab.study, critlab.store, critlab.analysis.tables.reading, critlab.papers"
    run_python(f"import sys, {modules}\nassert not {HEAVY!r} & set(sys.modules)")
