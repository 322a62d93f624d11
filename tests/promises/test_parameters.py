"""A public function takes at most 12 parameters; what belongs together is one value."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import critlab

PACKAGE = Path(critlab.__file__).parent
MOST = 12
ABOVE: dict[str, int] = {}
"""What still has more, with how many: entries may only go, and counts may only fall."""


def parameters(function: ast.FunctionDef) -> int:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


@pytest.mark.slow
def test_no_public_function_takes_more_than_twelve_parameters() -> None:
    found: dict[str, int] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            functions = [node] if isinstance(node, ast.FunctionDef) else []
            if isinstance(node, ast.ClassDef):
                functions = [one for one in node.body if isinstance(one, ast.FunctionDef)]
            for function in functions:
                name = function.name if isinstance(node, ast.FunctionDef) else node.name  # type: ignore[attr-defined]
                if not name.startswith("_") and parameters(function) > MOST:
                    found[f"{place.as_posix()}:{name}"] = parameters(function)
    assert found == ABOVE
