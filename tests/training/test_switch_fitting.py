"""Switches that do not fit the study, its data or its network are refused in one line before the first epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from critlab._core.errors import StudyError
from critlab.data import load
from critlab.deficits.input_form import InputForm
from critlab.study import Study, WindowOverride
from critlab.study.checks import read_data
from critlab.study.runs.recipe import recipes
from critlab.training.network_training import NetworkTraining
from studies import small

CONVOLUTIONS = {"name": "depth_family", "width": 2}
GROUPS = {"low": [0, 1, 2, 3, 4], "high": [5, 6, 7, 8, 9]}


def asked(switch: dict[str, Any], **changes: Any) -> Study:
    sweep = {"kind": "onset", "at": [1], "total": 4}
    data = {"name": "sample", "train": 40, "test": 20}
    return small(**{"deficit": None, "switch": switch, "sweep": sweep, "data": data, "measures": {}} | changes)


@pytest.mark.parametrize(
    ("switch", "changes", "message"),
    [
        ({"batch": 40}, {}, "switch.batch: received 40, the same value as without the switch"),
        ({"batch": 41}, {}, "switch.batch: received 41; must be at most 40, the number of training images"),
        ({"batch": 0}, {}, "switch.batch: received 0"),
        ({"resolution": 28}, {}, "switch.resolution: received 28; must be below 28, the side of the images"),
        ({"mixture": {"weights": {"low": 1}, "classes": GROUPS}}, {}, "switch.mixture.weights.high: required"),
        ({"mixture": {"weights": {"a": 1}, "classes": {"a": [10]}}}, {}, "switch.mixture.classes: received class 10"),
        ({"mixture": {"weights": {"a": 0}, "by": "toy_switches:part"}}, {}, "switch.mixture.weights: .*above 0"),
        ({"mixup": 0.0}, {}, "switch.mixup: received 0.0, the same value"),
        ({"mixup": 0.1, "objective": "smoothed_cross_entropy"}, {}, "switch.mixup: received both mixup and objective"),
        ({"label_smoothing": 1.0}, {}, "switch.label_smoothing: received 1.0"),
        ({"dropout": 1.0}, {}, "switch.dropout: received 1.0"),
        ({"optimizer": {"name": "sgd"}}, {}, "switch.optimizer: received .*, which is the study's own"),
        ({"optimizer": {"name": "adam", "momentum": 0.5}}, {}, "switch.optimizer.momentum: .*adam has no momentum"),
        ({"gradient_clip": 0.0}, {}, "switch.gradient_clip: received 0.0"),
        ({"ema": 1.0}, {}, "switch.ema: received 1.0"),
        ({"call": "nowhere"}, {}, 'switch.call: received .nowhere.; must be "package.module:function"'),
        ({"droput": 0.1}, {}, "switch.droput: unknown key, received 0.1; did you mean 'dropout'"),
        ({"toy_switches:Nothing": 1}, {}, "switch.*'toy_switches' has no 'Nothing'"),
    ],
)
def test_a_value_that_does_not_fit_the_study_is_refused(
    switch: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(StudyError, match=message) as raised:
        asked(switch, **changes)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("switch", "model", "message"),
    [
        ({"dropout": 0.1}, {"name": "mlp", "hidden": [6]}, "switch.dropout: .*the model has no dropout layer"),
        (
            {"resolution": 14},
            {"name": "mlp", "hidden": [6]},
            "switch.resolution: received 14, but the model fails",
        ),
        (
            {"freeze": "blocks*"},
            CONVOLUTIONS,
            "switch.freeze: received 'blocks\\*', which matches no module with weights; did you mean 'block",
        ),
        ({"freeze": "*"}, CONVOLUTIONS, "switch.freeze: .*freezes every weight; use lr_factor = 0"),
        ({"mixture": {"weights": {"odd": 1}, "by": "toy_switches:wrong_part"}}, CONVOLUTIONS, "returned 'neither'"),
        ({"call": "toy_switches:raises"}, CONVOLUTIONS, "switch.call: .* failed with on = True: RuntimeError: no such"),
        ({"call": "toy_switches:adds_weights"}, CONVOLUTIONS, "adds 2 parameters that the optimiser does not know"),
        ({"call": "toy_switches:leaves_traces"}, CONVOLUTIONS, "switch.call: .*requires_grad differs after on = False"),
    ],
)
def test_a_value_that_does_not_fit_the_network_is_refused(
    switch: dict[str, Any], model: dict[str, Any], message: str
) -> None:
    study = asked(switch, model=model)
    with pytest.raises(StudyError, match=message) as raised:
        NetworkTraining().check(study, load(study.data))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("objective", "switch"), [("mixup", {"mixup": 0.0}), ("smoothed_cross_entropy", {"label_smoothing": 0.0})]
)
def test_a_study_can_switch_its_mixup_and_smoothing_off(objective: str, switch: dict[str, Any]) -> None:
    study = asked(switch, objective=objective)
    on = next(run for run in study.runs if run.at == 0 and not run.clean)
    assert recipes(on, study)[0].objective.name == "cross_entropy"


def test_the_plain_values_of_the_earlier_keys_are_as_before() -> None:
    switch = WindowOverride(weight_decay=0.0, augment={"flip": False})
    assert list(switch.model_dump(mode="json")) == ["weight_decay", "lr_factor", "augment", "objective", "select"]
    assert switch.model_dump(mode="json", exclude_defaults=True) == {"weight_decay": 0.0, "augment": {}}
    assert WindowOverride.model_validate(switch.model_dump(mode="json")) == switch


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"switch": {"mixup": 0.2}}, "switch.mixup: received 'mixup', but the examples are tokens"),
        ({"switch": {"objective": "mixup"}}, "switch.objective: received 'mixup', but the examples are tokens"),
        ({"switch": {"resolution": 2}}, r"switch.resolution: .*examples of shape \(6,\) have no channels"),
        ({"switch": {"batch": 5}, "objective": "mixup"}, "objective: received 'mixup', but the examples are tokens"),
    ],
)
def test_tokens_are_neither_mixed_nor_made_smaller(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = {name: tmp_path / f"{name}.npy" for name in ("inputs", "labels", "test_inputs", "test_labels")}
    for name, path in files.items():
        np.save(path, rng.integers(0, 4, (20, 6)) if "inputs" in name else np.arange(20) % 2)
    data = {"name": "tokens", "vocabulary": 4, **{name: str(path) for name, path in files.items()}}
    model = {"name": "token_transformer", "vocabulary": 4, "width": 8, "attention_heads": 2}
    optimizer = {"name": "sgd", "lr": 0.1, "batch": 10}
    parts = {"data": data, "model": model, "optimizer": optimizer, "augment": None}
    with pytest.raises(StudyError, match=message):
        read_data(asked(**{**parts, **changes}), (6,), (), 2, InputForm("tokens", 4))
