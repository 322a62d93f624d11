"""Every task: forks, resumed and shared epochs are those of a run from scratch, bit for bit, and so are its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import task_studies
from critlab.data import load
from critlab.data.image_set import ImageSet
from critlab.learning_tasks import TASKS
from critlab.store.checkpoint import decode, encode
from critlab.study import Study
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe, recipes
from critlab.training.learner import NetworkLearner
from critlab.training.states.network_state import NetworkState

FORK, TOTAL = 1, 3
CASES = {
    "classification": {"name": "classification", "metric": "balanced_accuracy"},
    **task_studies.TASKS,
    "several outputs": {"name": "regression"},
}
"""Tasks with the options that change what is learned."""
LABELS = {"classification": "binary", "several outputs": "vector"}
"""Whose labels a case has; else its own."""
METRICS = [
    (case, name)
    for case, task in CASES.items()
    for name in TASKS.find(task["name"]).metrics
    if name != "auroc"  # which no sums hold, so it is not counted in training
    if case in TASKS.rows
]

Arrays = Mapping[str, Any]
Found = tuple[Arrays, dict[str, float]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tasks")


def asked(case: str, folder: Path, metric: str | None = None) -> Study:
    place = folder / case.replace(" ", "_")
    place.mkdir(exist_ok=True)
    name = LABELS.get(case, case)
    data = task_studies.files(place, name)
    parts = {
        "task": {**CASES[case], **({"metric": metric} if metric else {})},
        "optimizer": {"name": "adam", "lr": 0.01, "batch": 8},
        "sweep": {"kind": "removal", "at": [FORK, FORK + 1], "total": TOTAL},
        "statistics": {"final_epochs": 1},
        "controls": {"delay": False, "clocks": []},
    }
    return task_studies.study(name, data, parts)


@cache
def images(case: str, folder: Path) -> ImageSet:
    torch.set_num_threads(1)
    study = asked(case, folder)
    return load(study.data, folder / case.replace(" ", "_"), study.task.targets)


def learner(case: str, folder: Path, metric: str | None = None) -> NetworkLearner:
    return NetworkLearner(asked(case, folder, metric), images(case, folder), Numerics())


def through_a_file(taught: NetworkLearner, state: NetworkState) -> NetworkState:
    return taught.unpack(decode("state", encode("state", taught.pack(state))))


def trained(taught: NetworkLearner, state: NetworkState, steps: list[Recipe], interrupted: bool = False) -> list[Found]:
    """The state, and what was counted in training and test, after each epoch; ``interrupted``: after every step."""
    found: list[Found] = []
    for recipe in steps:
        while (learned := taught.advance(state, recipe, state.epoch, lambda: interrupted)) is None:
            state = through_a_file(taught, state)
        found.append((taught.pack(state), {**learned, **scores(taught, state, recipe)}))
        state = through_a_file(taught, state) if interrupted else state
    return found


def scores(taught: NetworkLearner, state: NetworkState, recipe: Recipe) -> dict[str, float]:
    return {one.quantity: one.value for one in taught.measure(state, Measurement(TEST, None, recipe))}


def same(one: Found, other: Found) -> bool:
    ours, theirs = one[0], other[0]
    equal = ours.keys() == theirs.keys() and all(ours[key].tobytes() == theirs[key].tobytes() for key in ours)
    return equal and one[1] == other[1]


def steps_of(taught: NetworkLearner, place: int) -> list[Recipe]:
    study = taught.base
    assert isinstance(study, Study)
    runs = [run for run in study.runs if not run.clean]
    return recipes(runs[place], study)


def test_every_task_has_a_case() -> None:
    assert {task["name"] for task in CASES.values()} == set(TASKS.rows)


@pytest.mark.parametrize("case", CASES)
def test_a_fork_is_a_run_from_scratch_and_a_resumed_run_one_that_never_stopped(case: str, folder: Path) -> None:
    taught = learner(case, folder)
    first, second = steps_of(taught, 0), steps_of(taught, 1)
    scratch = [trained(taught, taught.start({"seed": 0}), steps) for steps in (first, second)]
    again = trained(taught, taught.start({"seed": 0}), first, interrupted=True)
    assert all(map(same, again, scratch[0])), "resumed after every step"
    fork = taught.unpack(scratch[0][FORK - 1][0])
    assert all(map(same, trained(taught, fork, second[FORK:]), scratch[1][FORK:])), "a fork"
    assert same(scratch[0][FORK - 1], scratch[1][FORK - 1])
    assert not same(scratch[0][FORK], scratch[1][FORK])
    judged = taught.base.task.judged
    assert {judged.test, judged.train, "test_loss", "train_loss"} <= set(scratch[0][0][1])


@pytest.mark.parametrize(("case", "metric"), METRICS)
def test_an_epoch_that_began_with_another_metric_has_no_part_of_it(case: str, metric: str, folder: Path) -> None:
    """The study has another metric when it goes on: the state is the same, and no metric of half an epoch is there.

    With the same metric, it is that of an epoch that never stopped.
    """
    taught, before = learner(case, folder, metric), learner(case, folder)
    steps = steps_of(taught, 0)[:1]
    state = before.start({"seed": 0})
    assert before.advance(state, steps[0], 0, lambda: True) is None
    kept = decode("state", encode("state", before.pack(state)))
    state = taught.unpack(kept)
    learned = taught.advance(state, steps[0], 0)
    straight, resumed = (trained(taught, taught.start({"seed": 0}), steps, stopped)[0] for stopped in (False, True))
    assert same(straight, resumed)
    assert f"train_{metric}" in straight[1]
    assert learned is not None
    assert learned == {name: value for name, value in straight[1].items() if name in learned}
    missing = set() if metric in (before.base.task.judged.name, "accuracy", "loss") else {f"train_{metric}"}
    if metric == "accuracy" and "accuracy" not in before.base.task.followed:
        missing = {"train_accuracy"}
    assert {name for name in straight[1] if name.startswith("train_")} - set(learned) == missing
    assert all(np.array_equal(value, straight[0][name]) for name, value in taught.pack(state).items())
