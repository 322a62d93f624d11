"""Everything that is registered works through the public path: study file in, table out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import critlab
from critlab._core.errors import StudyError
from critlab.analysis.tables.table import Row
from critlab.data import load
from critlab.measures import MEASURES
from critlab.models import MODELS
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe
from critlab.training.learner import NetworkLearner
from critlab.training.loop import seeded_global_rng
from critlab.training.seeding import kept_generators
from smallest import deficits_of, smallest_data, smallest_deficit, smallest_model
from studies import small

SAMPLE = (1, 28, 28)
"""The shape of the embedded images."""

MEASURE_OPTIONS: dict[str, dict[str, int]] = {"gradient_covariance": {"batch": 5}, "gradients": {"batch": 5}}


def smallest(measure: str) -> dict[str, int]:
    """Options of a measure that is read after every epoch, of few images."""
    images = {"images": 20} if "images" in MEASURES[measure].model_fields else {}
    return {"every": 1, **images, **MEASURE_OPTIONS.get(measure, {})}


def reads(measure: str, example_shape: tuple[int, ...]) -> bool:
    """Whether a measure has something to read of such examples."""
    try:
        MEASURES[measure]().check(example_shape)
    except StudyError:
        return False
    return True


@pytest.mark.slow
def test_every_deficit_changes_training_and_nothing_before(tmp_path: Path) -> None:
    names = deficits_of(SAMPLE)
    deficits = [smallest_deficit(name) for name in names if name != "blur"]
    controls = {"deficits": deficits, "clocks": ["since_removal"], "at": [1], "equal_total": True}
    results = critlab.run(small(seeds=1, controls=controls), tmp_path / "s", engine="inline")
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    losses = {
        rows[0].deficit or "clean": next(row.value for row in rows if row.epoch == 1 and row.quantity == "train_loss")
        for rows in results.by_run.values()
        if rows[0].stop in (0, 1)
    }
    assert set(losses) == {"clean", *names}
    assert len(set(losses.values())) == len(losses), "each deficit gives another first epoch"


DRAWING = [{"name": "mlp", "hidden": [6], "dropout": 0.5}, {"name": "depth_family", "width": 2, "dropout": 0.5}]
"""Models that draw of their own accord."""


def pixels_with_classes(folder: Path) -> dict[str, Any]:
    """Images whose labels are bright or dark at each pixel."""
    inputs = np.random.default_rng(0).random((60, 1, 8, 8), dtype=np.float32)
    np.savez(folder / "masks.npz", inputs=inputs, labels=(inputs[:, 0] > 0.5).astype(np.uint8))
    files = {key: str(folder / f"masks.npz:{key}") for key in ("inputs", "labels")}
    return {"name": "arrays", **files, "layout": "channels_first", "split": {"test": 0.25}}


@pytest.mark.slow
@pytest.mark.parametrize("model", [*map(smallest_model, MODELS), *DRAWING], ids=str)
def test_every_model_learns_and_goes_on_bit_for_bit(model: dict[str, Any], tmp_path: Path) -> None:
    torch.set_num_threads(1)
    optimizer = {"name": "sgd", "lr": 0.01, "batch": 20}
    # a deficit that is applied to no input, so that every kind of data takes it
    deficit: dict[str, Any] = {"name": "random_labels"}
    task, data = "classification", smallest_data(model["name"])
    if model["name"] == "fully_convolutional":
        task, deficit, data = "segmentation", {"name": "blur", "factor": 2}, pixels_with_classes(tmp_path)
    study = small(task=task, data=data, model=model, deficit=deficit, augment=None, optimizer=optimizer)
    learner = NetworkLearner(study, load(study.data, targets=study.task.targets), Numerics())
    recipe = Recipe(lr=0.01, weight_decay=0.001, objective=study.objective)
    straight = learner.start({"seed": 0})
    before = torch.get_rng_state()
    losses = [learner.advance(straight, recipe, 0)]
    assert torch.equal(torch.get_rng_state(), before)
    stored = learner.unpack(learner.pack(straight))
    for epoch in range(1, 6):
        losses.append(learner.advance(straight, recipe, epoch))
        torch.rand(3)  # what else is drawn does not matter
        assert learner.advance(stored, recipe, epoch) == losses[-1]
    ends = learner.pack(straight), learner.pack(stored)
    assert all(np.array_equal(ends[0][key], ends[1][key]) for key in ends[0])
    falls = [score["train_loss"] for score in losses if score is not None]
    assert len(falls) == len(losses)
    assert min(falls[1:]) < falls[0]


def test_a_model_draws_anew_in_each_step() -> None:
    places = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]
    drawn = []
    for place in places:
        with kept_generators(torch.device("cpu")):
            seeded_global_rng(torch.device("cpu"), *place)
            drawn.append(nn.Dropout(0.5)(torch.ones(64)))
    assert len({tuple(values.tolist()) for values in drawn}) == 4
    assert torch.equal(drawn[0], drawn[-1])


@pytest.mark.slow
def test_every_measure_reads(tmp_path: Path) -> None:
    measures = {name: smallest(name) for name in MEASURES if reads(name, SAMPLE)}
    for name in ("mlp", "all_cnn"):
        model = smallest_model(name)
        study = small(seeds=1, model=model, measures=measures, sweep={"kind": "removal", "at": [0], "recovery": 2})
        results = critlab.run(study, tmp_path / name, engine="inline")
        rows = results.by_run["control-of-2-seed0"]
        for measure in measures:
            read = [row for row in rows if row.quantity.startswith(measure.removesuffix("s"))]
            assert {row.epoch for row in read} == {0, 1, 2}, measure
            assert all(math.isfinite(row.value) and row.stderr >= 0 for row in read), measure
        assert next(row.value for row in rows if row.quantity == "train_loss" and row.epoch == 2) > 0


@pytest.mark.slow
def test_the_probe_never_suffers(tmp_path: Path) -> None:
    study = small(seeds=1, deficit={"name": "noise"}, sweep={"kind": "removal", "at": ["never"], "recovery": 2})
    results = critlab.run(study, tmp_path / "s", engine="inline")
    deprived = results.by_run["noise-0-2-of-2-seed0"]
    clean = results.by_run["control-of-2-seed0"]

    def initial(rows: tuple[Row, ...]) -> list[float]:
        return [row.value for row in rows if row.epoch == 0 and row.quantity == "fisher_trace"]

    assert initial(deprived) == initial(clean), "the probe is the same clean images for all runs"
