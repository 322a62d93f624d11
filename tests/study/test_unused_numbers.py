"""Numbers and options that no run of a study uses are said before training, and used ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import critlab
from critlab._core.loading.imports import is_path
from critlab.models import MODELS
from critlab.models.spec import ModelSpec
from critlab.study import Study, read_study
from critlab.study.remarks import unused_remarks
from critlab.study.specs import ControlsSpec
from critlab.study.unused_keys import WITHOUT_BATCH_NORM
from studies import small

ONSET: dict[str, Any] = {"kind": "onset", "at": [2], "total": 6}
PLAIN: dict[str, Any] = {"name": "mlp", "hidden": [4]}
SMOOTHED = "smoothed_cross_entropy"
RECOMPUTED: dict[str, Any] = {"batch_norm": "recomputed"}
BEFORE: dict[str, Any] = {"name": "blur", "factor": 7, "when": "before_augment"}


def measured(**options: Any) -> dict[str, Any]:
    return {"measures": {"fisher_trace": options}}


UNUSED: dict[str, tuple[dict[str, Any], str]] = {
    "delay of an onset sweep": (
        {"sweep": ONSET, "controls": {"delay": True}},
        "controls.delay: received true, but a sweep over switch times has no delay control",
    ),
    "delay of a switch-off sweep": (
        {"sweep": {**ONSET, "kind": "switch_off"}, "controls": {"delay": True}},
        "controls.delay: received true",
    ),
    "equal lengths": (
        {"sweep": {"kind": "window", "onsets": [0, 1], "length": 1, "total": 6}, "controls": {"equal_total": True}},
        "controls.equal_total: received true, but all runs of the sweep have equal length already",
    ),
    "a clock that restarts after the last epoch": (
        {"sweep": ONSET, "controls": {"clocks": ["since_removal"]}},
        "controls.clocks: received 'since_removal', whose learning rates are those of the study's own clock",
    ),
    "pretraining throughout": (
        {"pretraining": {"objective": SMOOTHED, "epochs": 50}},
        "pretraining.epochs: received 50, but the longest run has 5 epochs, so no run is trained on the study's own",
    ),
    "pretraining of the whole control": (
        {"pretraining": {"objective": SMOOTHED, "epochs": 2}},
        "pretraining.epochs: received 2, but the shortest run has 2 epochs, so not every run is trained on",
    ),
    "pretraining on the same objective": (
        {"pretraining": {"objective": "cross_entropy", "epochs": 1}},
        "pretraining.objective: received cross_entropy, the study's own objective",
    ),
    "more final epochs than the recovery": (
        {"statistics": {"final_epochs": 9}},
        "statistics.final_epochs: received 9, but some run has only 2 after the window",
    ),
    "a closing that is not asked for": (
        {
            "sweep": {"kind": "onset", "at": {"first": [2, 4], "most": 3}, "total": 8},
            "statistics": {"closing_width": 2},
        },
        "statistics.closing_width: received 2, but a sweep over switch times has no closing",
    ),
    "a measure of the untrained network alone": (
        measured(every=100, images=40),
        "measures.fisher_trace.every: received 100, but the longest run has 5 epochs",
    ),
    "more images than there are": (
        measured(images=500),
        "measures.fisher_trace.images: received 500, but there are 120 training images; give at most 120",
    ),
    "no BatchNorm": (
        {"model": {**PLAIN, "batch_norm": False}, "evaluation": RECOMPUTED},
        'evaluation.batch_norm: received "recomputed", but the model has no BatchNorm',
    ),
    "a batch of more than an epoch": (
        {"data": {"name": "sample", "train": 120, "test": 60, "epoch": 20}},
        "optimizer.batch: received 40, but an epoch has 20 images (data.epoch), which are one batch",
    ),
    "a batch of more than an epoch in the window": (
        {"data": {"name": "sample", "train": 120, "test": 60, "epoch": 60}, "switch": {"batch": 80}},
        "switch.batch: received 80, but an epoch has 60 images",
    ),
    "an intervention at the end": (
        {"sweep": ONSET, "intervention": {"shrink": 0.4}},
        "intervention: received intervention(shrink=0.4), but no run has an epoch after the window",
    ),
    "an order without augmentation": (
        {"augment": None, "deficit": BEFORE},
        "deficit.when: received 'before_augment', but no image is augmented",
    ),
    "views that nothing moves": (
        {
            "data": {"name": "two_view", "of": "sample", "train": 120, "test": 60},
            "model": {"name": "split_resnet18", "width": 4},
            "augment": {"views": "separate"},
            "measures": {},
        },
        "augment.views: received 'separate', which does nothing without flip or shift",
    ),
}


@pytest.mark.parametrize(("changes", "said"), UNUSED.values(), ids=list(UNUSED))
def test_what_no_run_uses_is_one_line(changes: dict[str, Any], said: str) -> None:
    (found,) = unused_remarks(small(**changes))
    assert found.startswith(said)
    assert "\n" not in found


USED: dict[str, dict[str, Any]] = {
    "the default of an onset sweep": {"sweep": ONSET},
    "equal lengths that need runs": {"controls": {"equal_total": True}},
    "another clock": {"sweep": ONSET, "controls": {"clocks": ["constant"]}},
    "short pretraining": {"pretraining": {"objective": SMOOTHED, "epochs": 1}},
    "the default of the final epochs": {"statistics": {"final_epochs": 3}},
    "all final epochs": {"statistics": {"final_epochs": 2}},
    "a measure after the longest run": measured(every=5, images=40),
    "all images": measured(images=120),
    "the default number of images": measured(every=2),
    "BatchNorm": {"model": PLAIN, "evaluation": RECOMPUTED},
    "a batch of an epoch": {"data": {"name": "sample", "train": 120, "test": 60, "epoch": 40}},
    "an intervention of a switch-off sweep": {
        "sweep": {**ONSET, "kind": "switch_off"},
        "intervention": {"shrink": 0.4},
    },
    "an order with augmentation": {"deficit": BEFORE},
}


@pytest.mark.parametrize("changes", USED.values(), ids=list(USED))
def test_what_a_run_uses_is_not_said(changes: dict[str, Any]) -> None:
    assert unused_remarks(small(**changes)) == []


def test_a_default_is_not_said_to_be_given(tmp_path: Path) -> None:
    """A file without ``delay`` has it by default, also in a sweep that has no delay control."""
    given = small(sweep=ONSET, controls={"delay": True})
    path = tmp_path / "study.toml"
    setup = 'name = "small"\nseeds = 1\n[data]\nname = "sample"\ntrain = 120\ntest = 60\n[model]\nname = "mlp"\n'
    setup += '[optimizer]\nname = "sgd"\nlr = 0.05\nbatch = 40\n[deficit]\nname = "blur"\nfactor = 7\n'
    path.write_text(f'{setup}[sweep]\nkind = "onset"\nat = [2]\ntotal = 6\n[controls]\nat = [0]\n')
    left_out = read_study(path)
    assert left_out.controls.delay is True
    assert not any("controls.delay" in line for line in unused_remarks(left_out))
    path.write_text(path.read_text() + "delay = true\n")
    assert any("controls.delay" in line for line in unused_remarks(read_study(path)))
    again = Study(**{**dict(left_out), "seeds": 2})
    assert not any("controls.delay" in line for line in unused_remarks(again))
    of_python = Study(**{**dict(given), "controls": ControlsSpec(at=(2,))})
    assert of_python.controls.delay is True
    assert not any("controls.delay" in line for line in unused_remarks(of_python))
    assert Study(**{**dict(given), "controls": ControlsSpec(delay=True)}).controls == given.controls.model_copy(
        update={"clocks": None}
    )


SHAPES: dict[str, tuple[int, ...]] = {"split_resnet18": (2, 1, 28, 28), "two_tower": (2, 1, 28, 28)}
OPTIONS: dict[str, dict[str, Any]] = {"token_transformer": {"vocabulary": 20}}


@pytest.mark.parametrize("name", [name for name in MODELS.rows if not is_path(name)])
def test_models_without_batch_norm_are_those_that_have_none(name: str) -> None:
    shape = SHAPES.get(name, (2, 1, 28, 28) if name == "two_stream_transformer" else (1, 28, 28))
    shape = (12,) if name == "token_transformer" else shape
    with torch.device("meta"):
        model = ModelSpec.model_validate({"name": name, **OPTIONS.get(name, {})}).build(shape, 10)
    found = any(getattr(module, "running_mean", None) is not None for module in model.modules())
    assert found == (name not in WITHOUT_BATCH_NORM)


def test_plan_says_it(tmp_path: Path) -> None:
    (line,) = unused_remarks(study := small(statistics={"final_epochs": 9}))
    assert line in critlab.plan(study, tmp_path / "s").remarks
