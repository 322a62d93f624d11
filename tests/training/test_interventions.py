"""Interventions, switches and clocks while training: each by hand, and every fork equal to a run from scratch."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import critlab
from critlab._core.errors import StudyError
from critlab.data import load
from critlab.engine.records.standing import read_record
from critlab.store import Store
from critlab.study import Intervention, Recipe, Study
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipes
from critlab.study.runs.tree import build
from critlab.training.interventions import check_layers, intervene
from critlab.training.learner import NetworkLearner
from studies import small

pytestmark = pytest.mark.slow  # every test trains in worker processes, or with the trainer of another package


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 3))
    model(torch.rand(8, 1, 8, 8))
    return model


def trained(seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = network(seed)
    model.get_parameter("0.bias").requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    model(torch.rand(8, 1, 8, 8)).sum().backward()
    optimizer.step()
    return model, optimizer


def values(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_shrink_and_perturb_by_hand() -> None:
    model, optimizer = trained()
    fresh, before = network(1), values(model)
    intervene(model, optimizer, Intervention(shrink=0.4, perturb=0.1), fresh)
    noise = fresh.state_dict()
    for name, parameter in model.named_parameters():
        expected = before[name]
        if parameter.requires_grad:
            expected = (before[name].double() * 0.4 + noise[name].double() * 0.1).float()
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-6, atol=1e-7)
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, before[name]), "what BatchNorm gathered is no weight"
    assert len(optimizer.state) == 5, "momentum is kept"


def test_from_nothing_it_is_the_fresh_network() -> None:
    model, optimizer = trained()
    fresh = network(1)
    intervene(model, optimizer, Intervention(shrink=0.0, perturb=1.0, optimizer="dropped"), fresh)
    for (name, parameter), new in zip(model.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(parameter, new) == parameter.requires_grad, name
    assert not optimizer.state


def test_a_layer_is_reset_whole_and_alone() -> None:
    model, optimizer = trained()
    fresh, before = network(1), values(model)
    intervene(model, optimizer, Intervention(reset_layers=("1", "3")), fresh)
    new = fresh.state_dict()
    for name, value in model.state_dict().items():
        wanted = new if name.split(".")[0] in ("1", "3") else before
        assert torch.equal(value, wanted[name]), name
    assert not torch.equal(before["1.running_mean"], new["1.running_mean"]), "so the test can fail"


def test_a_layer_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(
        StudyError,
        match=r"intervention.reset_layers: received '4', which names no layer with weights \(allowed: 0, 1, 3\)",
    ):
        check_layers(network(0), ["0", "4"])
    nested = nn.ModuleDict({"body": nn.ModuleDict({"first": nn.Linear(2, 2), "second": nn.ReLU()})})
    with pytest.raises(StudyError, match=r"'body.frist', which .*; did you mean 'body.first'\? \(allowed: body, b"):
        check_layers(nested, ["body", "body.frist"])


def test_a_missing_layer_is_told_before_anything_is_made(tmp_path: Path) -> None:
    study = small(controls={"interventions": [{"reset_layers": ["layer7"]}]})
    with pytest.raises(StudyError, match=r"'layer7', which .*; did you mean 'layer1'\? \(allowed: layer1, output\)"):
        critlab.run(study, tmp_path / "store")
    assert not (tmp_path / "store").exists()


EVERYTHING: dict[str, Any] = {
    "seeds": 1,
    "sweep": {"kind": "removal", "at": [0, 2], "recovery": 2},
    "switch": {"weight_decay": 0.1, "lr_factor": 0.5, "augment": {}, "objective": "smoothed_cross_entropy"},
    "deficit": {"name": "blur", "factor": 7, "classes": [0, 1, 2, 3, 4], "batches": 0.6},
    "controls": {
        "clocks": ["since_removal", "constant", "cosine_restart"],
        "interventions": [
            {"shrink": 0.5, "perturb": 0.2},
            {"reset_layers": ["layer1"]},
            {"optimizer": "dropped", "shrink": 0.9},
        ],
    },
    "evaluation": {"batch_norm": "recomputed"},
    "measures": {},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Store]:
    folder = tmp_path_factory.mktemp("everything")
    study = small(**EVERYTHING)
    results = critlab.run(study, folder, engine="inline")
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    return study, Store(folder)


@pytest.fixture(scope="module")
def learner() -> NetworkLearner:
    torch.set_num_threads(1)
    study = small(**EVERYTHING)
    return NetworkLearner(study, load(study.data), Numerics())


def test_every_fork_equals_its_run_from_scratch(finished: tuple[Study, Store], learner: NetworkLearner) -> None:
    """Bit for bit, weights and momentum: through checkpoints, for every clock and intervention."""
    study, store = finished
    record = read_record(store, study)
    assert record is not None
    names, tree = record.ids(study), build(study)
    ends = []
    for run in study.runs:
        state = learner.start(names.origin(0))
        for epoch, recipe in enumerate(recipes(run, study)):
            learner.advance(state, recipe, epoch)
        scratch, stored = learner.pack(state), store.load_state(names.state(0, tree.ends[run.name]))
        assert stored is not None
        assert stored.keys() == scratch.keys()
        for key in scratch:
            np.testing.assert_array_equal(stored[key], scratch[key], err_msg=f"{run.name} {key}")
        ends.append(scratch["model.output.weight"].tobytes())
    assert len(ends) == 14
    assert len(set(ends)) == len(ends), "every clock and intervention ends elsewhere"


def test_paused_in_the_epoch_of_an_intervention_it_ends_alike(learner: NetworkLearner) -> None:
    done = Intervention(shrink=0.5, perturb=0.2, optimizer="dropped")
    recipe = Recipe(0.05, 0.001, intervention=done)
    ends: list[dict[str, Any]] = []
    for pausing in (False, True):
        state = learner.start({"seed": 3})
        learner.advance(state, Recipe(0.05, 0.001), 0)
        if pausing:
            assert learner.advance(state, recipe, 1, lambda: True) is None
            state = learner.unpack(learner.pack(state))
        assert learner.advance(state, recipe, 1) is not None
        ends.append(dict(learner.pack(state)))
    for key in ends[0]:
        np.testing.assert_array_equal(ends[0][key], ends[1][key], err_msg=key)


def test_its_randomness_is_keyed_by_seed_and_epoch(learner: NetworkLearner) -> None:
    afresh = Recipe(0.0, 0.0, intervention=Intervention(shrink=0.0, perturb=1.0))
    ends = {}
    for seed, epoch in ((0, 1), (0, 2), (1, 1)):
        state = learner.start({"seed": seed})
        before = copy.deepcopy(torch.random.get_rng_state())
        learner.advance(state, afresh, epoch)
        assert torch.equal(before, torch.random.get_rng_state())
        ends[seed, epoch] = state.model.state_dict()["output.weight"]
        again = learner.start({"seed": seed})
        learner.advance(again, afresh, epoch)
        assert torch.equal(again.model.state_dict()["output.weight"], ends[seed, epoch])
        assert not torch.equal(learner.start({"seed": seed}).model.state_dict()["output.weight"], ends[seed, epoch])
    assert len({end.numpy().tobytes() for end in ends.values()}) == 3
