"""A user's own loop on a Ray cluster: the same table as in one process, in parts too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

import critlab
import own_loops
from critlab.deficits import FeatureDropout
from critlab.engine.maintenance.verify import verify
from critlab.hooks.own_loop.lasting_damage import lasting_damage
from critlab.hooks.own_loop.probe import probe
from critlab.hooks.sensitivity.sensitivity import sensitivity
from critlab.hooks.when.when import when
from critlab.store import Store

QUESTION: dict[str, Any] = {
    "deficit": FeatureDropout(share=0.5),
    "at": [0, 1, 2],
    "recovery": 1,
    "seeds": 2,
    "examples": 40,
    "check": False,
}


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_a_probe_on_ray_gives_the_table_of_one_process(tmp_path: Path) -> None:
    tables = {
        name: probe("own_loops:SmallLoop", store=tmp_path / name, executor=name, **QUESTION).to_csv()
        for name in ("ray", "inline")
    }
    assert tables["ray"] == tables["inline"]
    found = verify(Store(tmp_path / "ray"))
    assert (found.wrong, found.orphans) == ([], [])


def test_two_parts_on_ray_merge_to_the_whole(tmp_path: Path) -> None:
    whole = probe("own_loops:SmallLoop", store=tmp_path / "whole", executor="inline", **QUESTION)
    for number in (1, 2):
        probe(own_loops.SmallLoop, store=tmp_path / f"{number}", executor="ray", part=f"{number}/2", **QUESTION)
    critlab.merge_stores([tmp_path / "1", tmp_path / "2"], into=tmp_path / "merged")
    merged = probe("own_loops:SmallLoop", store=tmp_path / "merged", executor="inline", **QUESTION)
    assert merged.to_csv() == whole.to_csv()


def test_when_on_ray_gives_the_answer_of_one_process(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"total": 3, "seeds": 3, "tolerance": 0.05, "times": [0, 1], "check": False}
    answers = [
        when("own_loops:SwitchedLoop", store=tmp_path / name, executor=name, **asked) for name in ("ray", "inline")
    ]
    assert answers[0].document() == answers[1].document()


def test_forks_on_ray_give_the_answers_of_one_process() -> None:
    asked: dict[str, Any] = {"epoch": 1, "total": 6, "deprived": 1, "clean": 1, "repeats": 2, "forecasts": False}
    loop, state = "own_loops:ForkedLoop", own_loops.ForkedLoop().make(3)
    found = [
        sensitivity(state, loop=loop, deficits={"zeros": own_loops.zeros}, executor=name, **asked)
        for name in ("ray", "inline")
    ]
    assert found[0]["zeros"].told == found[1]["zeros"].told
    before = own_loops.ForkedLoop().save(state)
    damages = [
        lasting_damage(before, before, loop=loop, epoch=1, stretch=1, recovery=1, repeats=2, executor=name)
        for name in ("ray", "inline")
    ]
    assert damages[0] == damages[1]
