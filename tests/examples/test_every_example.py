"""The scripts and study files of ``examples/`` at a tiny size, and their length."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import critlab
from critlab.study import Study
from critlab.study.defaults import with_defaults
from paths import ROOT

EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
STUDIES = sorted(EXAMPLES.glob("*.toml"))
ELSEWHERE = {"when_mixture", "when_resolution", "when_unfreeze"}
"""Scripts that ``test_when_examples.py`` runs."""


def two_sources(module: ModuleType) -> None:
    results = module.run("store", "page.html", engine="inline")
    assert list(module.medians(results)) == ["B blurred until epoch 0", "B blurred until epoch 1"]
    assert all(-1 <= value <= 1 for value in module.medians(results).values())


def corrupted_stretch(module: ModuleType) -> None:
    assert module.run().answer in ("present", "damage_only", "absent", "undecided")


def watch_forks(module: ModuleType) -> None:
    watch = module.run("watch.html")
    assert watch.course.rows()
    assert Path("watch.html").stat().st_size
    assert watch.fork_epochs <= 0.8 * module.EPOCHS


TINY: dict[str, tuple[dict[str, Any], Callable[[ModuleType], None]]] = {
    "two_sources": ({"AT": (0, 1), "RECOVERY": 1, "SEEDS": 1, "TRAIN": 40, "TEST": 20, "WIDTH": 2}, two_sources),
    "corrupted_stretch": ({"BEFORE": 1, "BAD": 1, "RECOVERY": 1, "REPEATS": 3}, corrupted_stretch),
    "watch_forks": ({}, watch_forks),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_a_script_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(name)
    sizes, check = TINY[name]
    for key, value in sizes.items():
        monkeypatch.setattr(module, key, value)
    if hasattr(module, "x"):  # a tenth of the images
        for key in ("x", "y", "test_x", "test_y"):
            monkeypatch.setattr(module, key, getattr(module, key)[::10])
    check(module)


@pytest.mark.slow
@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_file_runs(path: Path, tmp_path: Path) -> None:
    raw = tomllib.loads(path.read_text("utf-8"))
    Study.read(with_defaults(raw), path.name)  # at its full size
    raw |= {"seeds": 1, "precision": "float32"}
    raw["data"] |= {"train": 40, "test": 20}
    raw["model"]["hidden"] = [4]
    raw["optimizer"]["batch"] = 20
    small = {"removal": {"at": [0, 1], "recovery": 1}, "window": {"onsets": [0, 1], "length": 1, "recovery": 1}}
    raw["sweep"] |= small.get(raw["sweep"]["kind"], {"at": [1], "total": 4})
    for measure in raw.get("measures", {}).values():
        measure |= {"every": 1} | ({"images": 20} if "images" in measure else {})
    results = critlab.run(Study.read(with_defaults(raw), path.name), tmp_path / "store", engine="inline")
    assert {outcome.status for outcome in results.outcomes} == {"done"}


def test_there_are_six_short_scripts_and_three_studies_and_each_is_run() -> None:
    assert set(SCRIPTS) == set(TINY) | ELSEWHERE
    assert (len(SCRIPTS), len(STUDIES)) == (6, 3)
    assert all(len((EXAMPLES / f"{name}.py").read_text().splitlines()) < 80 for name in SCRIPTS)
