"""The worked examples of ``critlab.when`` at a tiny size."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = pytest.mark.slow

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def example(name: str, monkeypatch: pytest.MonkeyPatch, **sizes: Any) -> ModuleType:
    torch.set_num_threads(1)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delitem(sys.modules, f"when_{name}", raising=False)
    module = importlib.import_module(f"when_{name}")
    for key, value in sizes.items():
        monkeypatch.setattr(module, key, value)
    return module


def answered(module: ModuleType, store: Path) -> Any:
    options = {"seeds": 3, "times": [0], "present": 1, "check": False}
    answer = module.run(str(store), **options)
    assert {time for time, _ in answer.cells} == {0, 1, 2}
    assert answer.spent == 3 * (2 + 2 + 1)
    assert answer.lines()
    return answer


def test_resolution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    g = torch.Generator().manual_seed(0)
    images, labels = torch.rand(40, 3, 32, 32, generator=g), torch.randint(10, (40,), generator=g)
    data = lambda: [images, images, labels, labels]  # noqa: E731
    answer = answered(example("resolution", monkeypatch, TOTAL=2, STEPS=1, BATCH=4, WIDTH=2, data=data), tmp_path)
    assert answer.costs.by_time == {0: 8, 1: 5, 2: 2}


def test_unfreeze(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    module = example("unfreeze", monkeypatch, TOTAL=2, STEPS=1, WIDTH=8, EXAMPLES=16, PRETRAINING=1)
    assert set(answered(module, tmp_path).timings) == {"eval_accuracy"}


def test_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered(example("mixture", monkeypatch, TOTAL=2, STEPS=1, BATCH=4, WIDTH=8), tmp_path)
    assert list(answer.timings) == ["both", "code", "manual"]
    assert answer.tradeoffs
