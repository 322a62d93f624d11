"""``[optimizer]``: options of each optimiser in the section, and what is refused before training, in one line each."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import torch
from torch import nn

from critlab._core.errors import StudyError
from critlab.engine.records.own_code import own_codes
from critlab.report.documents.study_text import study_text
from critlab.study import OptimizerSpec, Study
from critlab.study.optimizers.muon import Muon
from critlab.study.runs.recipe import Recipe
from critlab.training.optimizers import follow, make_optimizer
from own_optimizers import without_decay_of_biases
from studies import small

BASE: dict[str, Any] = {"name": "sgd", "lr": 0.1, "batch": 10}


def of(optimizer: dict[str, Any]) -> OptimizerSpec:
    return small(optimizer={**BASE, **optimizer}).optimizer


def test_names_are_spelt_as_in_torch_too_and_options_stand_in_the_section() -> None:
    study = small(optimizer={"name": "AdamW", "lr": 0.1, "betas": [0.9, 0.95], "batch": 10})
    plain = study.model_dump(mode="json")["optimizer"]
    assert (plain["name"], plain["betas"], plain["weight_decay"]) == ("adamw", [0.9, 0.95], 0.01)
    assert study.optimizer.named() == {"name": "adamw", "batch": 10, "betas": [0.9, 0.95]}
    assert Study.read(study.model_dump(mode="json"), "again") == study
    assert Study.read(tomllib.loads(study_text(study)), "file") == study
    assert of({"name": "adamw", "betas": [0.9, 0.999]}).named() == {"name": "adamw", "batch": 10}, "torch's defaults"
    own = of({"name": without_decay_of_biases, "momentum": 0.5})
    assert (own.name, own.momentum) == ("own_optimizers:without_decay_of_biases", 0.5)
    assert set(own.named()) == {"name", "batch", "momentum", "source"}


def test_own_code_is_found_in_the_section_and_in_a_switch() -> None:
    own = {"name": "own_optimizers:SignMomentum"}
    assert own_codes(small(switch={"optimizer": {"name": "adamw"}})) == []
    for study in (small(optimizer={**BASE, **own}), small(switch={"optimizer": own})):
        assert [code.path for code in own_codes(study)] == ["own_optimizers:SignMomentum"]
    scheduled = small(optimizer={**BASE, "clock": "function", "function": "own_rates:linear"})
    assert [code.path for code in own_codes(scheduled)] == ["own_rates:linear"]
    assert "source" not in scheduled.optimizer.named(), "its factors name it"


def test_groups_of_parameters_keep_their_ratios() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Embedding(3, 2), nn.Conv1d(1, 1, 1))
    muon = OptimizerSpec(name="muon", lr=0.1, options=Muon(adamw_lr=0.01))
    own = OptimizerSpec(name="own_optimizers:without_decay_of_biases", lr=0.1)
    cases = ((muon, [(0.2, 0.3, 1), (0.02, 0.3, 4)]), (own, [(0.2, 0.3, 3), (0.1, 0.0, 2)]))
    for spec, expected in cases:
        made = make_optimizer(spec, model)
        follow(made, Recipe(0.2, 0.3))
        found = [(group["lr"], group["weight_decay"], len(group["params"])) for group in made.param_groups]
        assert found == [pytest.approx(one) for one in expected]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": "adamx"}, "optimizer.name: received 'adamx'; did you mean 'adamax'? (allowed: sgd, adam, adamw"),
    ({"name": "LBFGS"}, "optimizer.name: received 'LBFGS', which evaluates the loss several times in a step"),
    ({"name": "SparseAdam"}, "optimizer.name: received 'SparseAdam', which takes sparse gradients only"),
    ({"betas": [0.9, 0.95]}, "optimizer.betas: received [0.9, 0.95]; sgd has no betas, so omit it or use one of adam,"),
    ({"name": "adam", "betas": [0.9, 1.5]}, "optimizer.betas.1: received 1.5; must be less than 1"),
    ({"name": "adam", "momentum": 0.9}, "optimizer.momentum: received 0.9; adam has no momentum, omit it"),
    ({"name": "adamw", "momentm": 0.9}, "optimizer.momentm: unknown key, received 0.9; did you mean 'momentum'?"),
    (
        {"name": "rprop", "weight_decay": 0.1},
        "optimizer.weight_decay: received 0.1; rprop has no weight decay, omit it",
    ),
    ({"name": "rprop", "lr_decay": 0.9}, "optimizer.clock: received 'absolute'; rprop uses lr in its first step only"),
    ({"name": "rprop", "etas": [1.1, 1.2]}, "optimizer.etas: received [1.1, 1.2]; must be a factor below 1 and one ab"),
    ({"nesterov": True, "dampening": 0.5}, "optimizer.dampening: received 0.5 with nesterov = true; omit one of them"),
    ({"name": "muon", "adjust_lr_fn": "rms"}, "optimizer.adjust_lr_fn: received 'rms'"),
]


@pytest.mark.parametrize(("optimizer", "text"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_one_line(optimizer: dict[str, Any], text: str) -> None:
    with pytest.raises(StudyError) as refused:
        of(optimizer)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


SWITCHED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"name": "rprop"}, {"lr_factor": 0.5}, "switch.lr_factor: received 0.5, but rprop uses lr in its first step only"),
    (
        {"weight_decay": 0.1},
        {"optimizer": {"name": "rprop"}},
        "switch.optimizer.name: received 'rprop', which has no w",
    ),
    (
        {},
        {"optimizer": {"name": "adamw", "momentum": 0.5}},
        "switch.optimizer.momentum: received 0.5; adamw has no mom",
    ),
    (
        {"nesterov": True},
        {"optimizer": {"name": "sgd", "nesterov": True}},
        "which is the study's own; give another",
    ),
]


@pytest.mark.parametrize(("optimizer", "switch", "text"), SWITCHED, ids=lambda value: str(value)[:40])
def test_a_switch_that_an_optimiser_cannot_have_is_refused(
    optimizer: dict[str, Any], switch: dict[str, Any], text: str
) -> None:
    with pytest.raises(StudyError) as refused:
        small(optimizer={**BASE, **optimizer}, switch=switch)
    assert text in str(refused.value)
    assert small(optimizer=BASE, switch={"optimizer": {"name": "sgd", "nesterov": True}}).switch is not None


UNFIT: list[tuple[dict[str, Any], str]] = [
    (
        {"name": "own_optimizers:fails"},
        "'own_optimizers:fails' failed: RuntimeError: no such optimiser",
    ),
    (
        {"name": "own_optimizers:nothing"},
        "'own_optimizers:nothing' made NoneType; must be a torch.optim",
    ),
    ({"name": "own_optimizers:RATE"}, "optimizer.name: 'own_optimizers:RATE' is float; must be a class of optimisers"),
    (
        {"name": "own_optimizers:SignMomentum", "gamme": 1},
        "failed: TypeError: SignMomentum.__init__() got an",
    ),
    ({"name": "muon"}, "optimizer.name: received 'muon', but the model has no 2-D weight; use adamw"),
]


@pytest.mark.parametrize(("optimizer", "text"), UNFIT, ids=lambda value: str(value)[:40])
def test_what_does_not_fit_the_model_is_one_line(optimizer: dict[str, Any], text: str) -> None:
    with pytest.raises(StudyError) as refused:
        make_optimizer(OptimizerSpec(lr=0.1, **optimizer), nn.Conv1d(1, 1, 1))
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


def test_options_are_those_of_the_name() -> None:
    with pytest.raises(StudyError, match="options: received options of 'muon'; must be those of 'sgd'"):
        OptimizerSpec(name="sgd", lr=0.1, options=Muon())


def test_an_older_torch_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    with pytest.raises(StudyError, match=r"'muon', but torch .* has no torch.optim.Muon; install a newer torch"):
        make_optimizer(OptimizerSpec(name="muon", lr=0.1), nn.Linear(2, 2))
