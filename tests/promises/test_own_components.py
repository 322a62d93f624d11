"""One component of each kind, a file each as docs/contributing.md shows it, works from an installed package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from critlab._core.errors import StudyError
from critlab._core.registry import Registry
from critlab.data import DATA
from critlab.deficits import DEFICITS
from critlab.engine.executors import EXECUTORS
from critlab.measures import MEASURES
from critlab.models import MODELS
from critlab.objectives import OBJECTIVES

PAGE = Path(__file__).parents[2] / "docs" / "contributing.md"
COMPONENTS = {
    "deficits": "dim",
    "objectives": "squared_error",
    "tasks": "forecast",
    "metrics": "brier",
    "measures": "logit_norm",
    "likelihoods": "tempered",
    "models": "linear",
    "data": "stripes",
    "sweeps": "doubling",
    "switches": "decay_factor",
    "clocks": "halving",
    "optimizers": "sign_descent",
    "executors": "aloud",
    "figures": "squares",
}
COMMANDS = """
import sys
from critlab.cli import main
for command in sys.stdin.read().splitlines():
    sys.argv = ["critlab", *command.split()]
    try:
        main()
    except SystemExit as end:
        print(f"<<{end.code}>>", flush=True)
"""
"""Runs one command a line in one process, since each process would import torch again."""


def answers(folder: Path, *commands: str) -> list[str]:
    """What each command prints on standard output, in a process in which the toys are installed."""
    return called(folder, *commands)[0]


def called(folder: Path, *commands: str) -> tuple[list[str], str]:
    """The same, and what all of them print on standard error."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CRITLAB_")}
    paths = [str(folder / "site"), *filter(None, [environment.get("PYTHONPATH")])]
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "XDG_CACHE_HOME": str(folder / "cache")}
    asked = [sys.executable, "-c", COMMANDS]
    ended = subprocess.run(
        asked, input="\n".join(commands), cwd=folder, env=environment, capture_output=True, text=True
    )
    found = re.findall(r"(.*?)<<(\w+)>>\n", ended.stdout, re.DOTALL)
    assert [status for _, status in found] == ["0"] * len(commands), ended.stdout + ended.stderr
    return [text for text, _ in found], ended.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study of the page, and its package under ``site``, as a package manager leaves it."""
    folder = tmp_path_factory.mktemp("toys")
    information = folder / "site" / "toys-1.0.dist-info"
    information.mkdir(parents=True)
    blocks = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    for name, text in blocks.items():
        (folder / "site" / name if name.endswith(".py") else folder / name).write_text(text)
    groups = tomllib.loads(blocks["pyproject.toml"])["project"]["entry-points"]
    assert set(groups) == {f"critlab.{kind}" for kind in COMPONENTS}
    lines = [f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in rows.items()) for group, rows in groups.items()]
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize(
    ("registry", "path", "method"),
    [
        (DATA, "critlab.data:DataSet", "load"),
        (DEFICITS, "critlab.deficits:Corruption", "corrupt"),
        (EXECUTORS, "critlab.engine:TaskExecutor", "capacity and no events and no submit"),
        (MEASURES, "critlab.measures:Measure", "measure"),
        (MODELS, "critlab.models:Model", "build"),
        (OBJECTIVES, "critlab.objectives:Objective", "learn"),
    ],
    ids=["data", "deficits", "executors", "measures", "models", "objectives"],
)
def test_a_class_without_its_method_is_refused(registry: Registry[Any], path: str, method: str) -> None:
    with pytest.raises(StudyError, match=f"received '{path}', which has no {method}; every {registry.what} must"):
        registry.find(path)


@pytest.mark.slow
def test_every_kind_is_listed_with_its_source(installed: Path) -> None:
    texts = answers(installed, *(f"list {kind} --json" for kind in COMPONENTS))
    for (kind, name), text in zip(COMPONENTS.items(), texts, strict=True):
        (row,) = [row for row in json.loads(text)[kind] if row["name"] == name]
        assert row["about"]
        assert row["source"] == "ours"


@pytest.mark.slow
def test_a_study_of_all_kinds_is_planned_and_run_and_on_its_page(installed: Path) -> None:
    (plan, *_), told = called(
        installed,
        "plan study.toml --json",
        "run study.toml --store store --device cpu --engine aloud",
        "report study.toml --store store --out page.html",
        "export study.toml --store store --format csv --out table.csv",
    )
    assert json.loads(plan)
    assert "seed 0: 2 epochs" in told
    table = (installed / "table.csv").read_text()
    assert all(
        part in table for part in (",dim + switch(decay_factor=0.5),", ",halving,", ",logit_norm,", ",fisher_trace,")
    )
    page = (installed / "page.html").read_text()
    for words in ("How long may dim", "in linear", "on stripes", "Length of the deficit", "Norm of the logits"):
        assert words in page, words
    assert "squared error" in page


@pytest.mark.slow
def test_a_figure_is_reproduced(installed: Path) -> None:
    answers(installed, "reproduce squares --store store --out squares.html")
    page = (installed / "squares.html").read_text()
    assert all(words in page for words in ("How fast do squares grow?", "The squares of x.", "the square of 4", "16"))
