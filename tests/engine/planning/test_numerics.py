"""How numbers are computed is decided once: said, recorded, remembered, or timed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import critlab as laboratory
from command import Command
from critlab._core.errors import StudyError
from critlab.data import load
from critlab.engine.planning import timing
from critlab.engine.planning.numerics import decide, faster, settled
from critlab.engine.planning.processors import side_by_side
from critlab.engine.records.standing import read_record
from critlab.papers.critical_periods.setup import base
from critlab.papers.ours.demo import demo
from critlab.store import Store
from critlab.study.runs.origin import WORTH
from critlab.study.runs.recipe import recipes
from critlab.study.study import Study
from critlab.training import precision
from critlab.training.precision import step_seconds
from studies import small, written


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Says that bfloat16 is twice as fast, and who asked."""
    asked: list[str] = []

    def seconds(base: Any, images: Any, recipe: Any, device: str) -> dict[str, float]:
        asked.append(base.name)
        return {"float32": 0.002, "bfloat16": 0.001}

    monkeypatch.setattr(precision, "step_seconds", seconds)
    return asked


def free(**changes: Any) -> Study:
    return small(precision=None, **changes)


def test_bfloat16_must_be_worth_it() -> None:
    assert faster({"float32": WORTH, "bfloat16": 1.0}).numerics.precision == "bfloat16"
    assert faster({"float32": WORTH - 1e-6, "bfloat16": 1.0}).numerics.precision == "float32"
    assert "1.25 times as fast" in faster({"float32": 0.25, "bfloat16": 0.2}).why


@pytest.mark.parametrize(
    ("ratios", "rounds"), [([2.0] * 5, 2), ([0.1] * 5, 2), ([1.3] * 5, 5), ([2.0, 1.4, 2, 2, 2], 5)]
)
def test_more_rounds_are_timed_only_where_they_may_decide(
    ratios: list[float], rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([1.0, 1.0, *(seconds for ratio in ratios for seconds in (ratio, 1.0))])
    monkeypatch.setattr(precision, "_timed", lambda step, clock: next(times))
    study = free()
    found = step_seconds(study, load(study.data), recipes(study.runs[-1], study)[0])
    assert len(list(times)) == 2 * (5 - rounds)
    assert found["float32"] == pytest.approx(sorted(ratios[:rounds])[rounds // 2] / study.optimizer.batch)


def test_workers_share_a_gpu_as_far_as_its_memory_and_the_cores_reach() -> None:
    assert [side_by_side(memory, cores) for memory, cores in [(80, 16), (80, 100), (1, 16)]] == [1, 1, 1]
    gibibytes = 2**30
    assert side_by_side(80 * gibibytes, 16) == 16
    assert side_by_side(80 * gibibytes, 100) == 20
    assert side_by_side(3 * gibibytes, 16) == 1


def test_a_step_is_really_timed() -> None:
    study = free()
    threads = torch.get_num_threads()
    recipe = recipes(study.runs[-1], study)[0]
    found = step_seconds(study, load(study.data), recipe)
    assert found.keys() == {"float32", "bfloat16"}
    assert all(0 < seconds < 1 for seconds in found.values())
    assert torch.get_num_threads() == threads


@pytest.mark.slow
def test_the_first_run_decides_and_the_record_keeps_why(timed: list[str], tmp_path: Path) -> None:
    study, store = free(seeds=1), Store(tmp_path / "store")
    laboratory.run(study, store.root, engine="inline")
    record = read_record(store, study)
    assert record is not None
    assert record.numerics.precision == "bfloat16"
    assert record.decision["seconds_per_image"] == {"float32": 0.002, "bfloat16": 0.001}
    assert "2.00 times" in record.decision["why"]
    laboratory.run(study, store.root, engine="inline")
    assert read_record(store, study) == record
    assert timed == ["small"], "once, for all runs and stores on this machine"


def test_it_is_remembered_on_this_machine(timed: list[str], empty_cache: Path) -> None:
    study = free()
    assert settled(study, None) is None
    first = decide(study, load(study.data), None)
    assert settled(study, None) == settled(free(name="another"), None) == first
    assert settled(free(model={"name": "mlp", "hidden": [17]}), None) is None
    assert settled(study, None, device="cuda") is None
    assert timed == ["small"]
    (file,) = (empty_cache / "critlab").iterdir()
    for broken in ("", "[]", json.dumps({key: {"float32": 1} for key in json.loads(file.read_text())})):
        file.write_text(broken)
        assert settled(study, None) is None


def test_what_is_said_is_not_timed(timed: list[str]) -> None:
    study = free()
    images = load(study.data)
    assert decide(study, images, None, "float32").numerics.precision == "float32"
    assert decide(small(precision="bfloat16"), images, None).numerics.precision == "bfloat16"
    assert decide(small(precision="bfloat16"), images, None, "float32").numerics.precision == "float32"
    assert timed == []
    assert demo().precision == base("demo").precision == "float32"
    assert base("paper").precision is None


@pytest.mark.slow
def test_a_study_that_says_otherwise_than_its_record_is_refused(timed: list[str], tmp_path: Path) -> None:
    laboratory.run(small(seeds=1, measures={}), tmp_path, engine="inline")
    with pytest.raises(StudyError, match=r"precision: received 'bfloat16', but this store .* in float32"):
        laboratory.run(small(seeds=1, measures={}, precision="bfloat16"), tmp_path, engine="inline")


def breaks(shape: tuple[int, ...], classes: int) -> nn.Module:
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no answer")

    model = Broken()
    model.register_parameter("weight", nn.Parameter(torch.ones(1)))
    return model


def test_a_step_that_breaks_is_left_to_the_workers() -> None:
    study = free(model={"name": f"{__name__}:breaks"})
    found = decide(study, load(study.data), None)
    assert found.numerics.precision == "float32"
    assert "RuntimeError: no answer" in found.why
    assert timing.recall_steps(study, "cpu") is None


@pytest.mark.slow
def test_the_plan_says_it_once_it_is_known(critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    written(tmp_path, ('precision = "float32"\n', ""))

    def planned(*more: str) -> str | None:
        answer = critlab("plan", "study.toml", "--json", *more)
        assert answer.status == 0, answer.err
        found: str | None = json.loads(answer.out)["precision"]
        return found

    assert planned() is None
    assert "chosen by timing a step" in critlab("plan", "study.toml").out
    measured = planned("--measure")
    assert measured in ("float32", "bfloat16")
    assert planned() == measured
    pinned = written(tmp_path, ('precision = "float32"', 'precision = "bfloat16"'))
    assert json.loads(critlab("plan", str(pinned), "--json").out)["precision"] == "bfloat16"
