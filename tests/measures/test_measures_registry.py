"""Every measure on every kind of net: it reads, repeats itself, and leaves the model and the world as they were."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import critlab
from critlab._core.errors import StudyError
from critlab.analysis.information.filters import first_layer_filters
from critlab.data import load
from critlab.measures import MEASURES, Probe
from critlab.measures.weights.norms import weight_norms
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe
from critlab.training.learner import NetworkLearner
from nets import NETS, net, seeded
from paths import DOCS
from studies import small


def reads_any_image(measure: Any) -> Any:
    try:
        MEASURES[measure]().check((3, 32, 32))
    except StudyError:
        return False
    return True


def own_options(measure: Any) -> Any:
    """The measure's options, with few images and mini-batches."""
    fields = MEASURES[measure].model_fields
    small = {name: value for name, value in {"images": 24, "batch": 4}.items() if name in fields}
    return MEASURES[measure](**small)


MEASURED = [name for name in MEASURES if reads_any_image(name)]
PAIRS = [(measure, name) for measure in MEASURED for name in NETS if (measure, name) != ("dead_units", "heads")]
"""Every measure on every net; the one with two heads calls no ReLU."""


def snapshot(model: Any) -> Any:
    return {
        "values": [t.detach().clone() for t in [*model.parameters(), *model.buffers()]],
        "identity": [id(t) for t in [*model.parameters(), *model.buffers()]],
        "versions": [p._version for p in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "required": [p.requires_grad for p in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        "random": [torch.get_rng_state()],
    }


def same(before: Any, after: Any) -> None:
    for key, old in before.items():
        for a, b in zip(old, after[key], strict=True):
            assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b, key


@pytest.mark.slow
@pytest.mark.parametrize(("measure", "name"), PAIRS)
def test_it_reads_the_same_again_and_leaves_no_trace(measure: Any, name: str) -> None:
    untrained = net(name)[0]
    model, images, labels = net(name)
    model.train()
    next(model.children()).eval()  # mixed modes
    first = next(p for p in model.parameters() if p.requires_grad)
    first.grad = torch.ones_like(first)
    probe = Probe(images, labels, lambda index: seeded(10 + index), lambda: untrained)
    options = own_options(measure)
    before = snapshot(model)
    found = options.measure(model, probe)
    same(before, snapshot(model))
    torch.rand(3)
    with torch.no_grad():
        assert options.measure(model, probe) == found, "the generator decides, and nothing else"
    assert found
    assert all(math.isfinite(r.value) and math.isfinite(r.stderr) and r.stderr >= 0 for r in found)
    assert len({(r.quantity, r.layer) for r in found}) == len(found)


@pytest.mark.parametrize("measure", MEASURED)
def test_a_frozen_layer_has_no_part_in_what_is_measured_of_weights(measure: Any) -> None:
    model, images, labels = net("frozen")
    found = own_options(measure).measure(model, Probe(images, labels, seeded))
    layers = {r.layer for r in found}
    of_weights = measure.startswith(("fisher", "gradient", "weights"))
    assert "1" not in layers if of_weights else layers


@pytest.mark.slow
def test_layers_add_up_to_the_whole_where_they_are_sums() -> None:
    model, images, labels = net("convolutional")
    for measure in (name for name in MEASURED if name.startswith(("fisher", "gradient_covariance"))):
        found = own_options(measure).measure(model, Probe(images, labels, seeded))
        values = {r.layer: r.value for r in found if r.quantity == measure}
        assert values.pop("") == pytest.approx(sum(values.values()), rel=1e-6), measure


@pytest.mark.slow
def test_through_a_study_pictures_and_the_way_of_the_weights_are_there(tmp_path: Path) -> None:
    measures = {"weights": {"every": 1}, "filters": {"every": 2, "filters": 3}}
    study = small(seeds=1, measures=measures, sweep={"kind": "removal", "at": [0, 1], "recovery": 2})
    results = critlab.run(study, tmp_path / "s", engine="inline")
    run = "blur-0-1-of-3-seed0"
    values = {(r.epoch, r.quantity): r.value for r in results.by_run[run] if not r.layer}
    ways = [values[epoch, "weight_path"] for epoch in range(4)]
    assert ways[0] == values[0, "weight_distance"] == 0
    assert ways[1] == pytest.approx(values[1, "weight_distance"]), "after one epoch the way is the distance"
    assert ways == sorted(ways)
    assert values[3, "weight_path"] >= values[3, "weight_distance"] > 0
    assert first_layer_filters(results, run, 0).shape == (3, 1, 28, 28)
    moved = first_layer_filters(results, run) - first_layer_filters(results, run, 0)
    assert abs(moved).max() > 0
    with pytest.raises(StudyError, match="epoch: received 1; must be one of 0, 2"):
        first_layer_filters(results, run, 1)
    with pytest.raises(StudyError, match="did you mean 'blur-0-1-of-3-seed0'"):
        first_layer_filters(results, "blur-0-1-of-3")
    with pytest.raises(StudyError, match="has no filters"):
        first_layer_filters(critlab.Results(study, results.rows, results.outcomes), run)


@pytest.mark.slow
def test_every_measure_has_its_row_in_the_documentation() -> None:
    page = (DOCS / "measures.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(" `"): line for line in page.splitlines() if line.startswith("| `")}
    assert set(rows) == set(MEASURES), "docs/measures.md has one row for each measure"
    model, images, labels = net("mlp")
    for measure in MEASURED:
        read = own_options(measure).measure(model, Probe(images, labels, seeded, lambda: model))
        assert all(f"`{one.quantity}`" in rows[measure] for one in read), measure


def test_an_epoch_that_was_paused_says_the_same_of_how_far_the_weights_moved() -> None:
    study = small()
    learner, recipe = NetworkLearner(study, load(study.data), Numerics()), Recipe(0.05, 0.001)
    told = []
    for pausing in (False, True):
        state = learner.start({"seed": 1})
        began = {name: value.detach().clone() for name, value in state.model.named_parameters()}
        if pausing:
            assert learner.advance(state, recipe, 0, lambda: True) is None
            state = learner.unpack(learner.pack(state))
        score = learner.advance(state, recipe, 0)
        assert score is not None
        told.append(score)
        assert score["weight_displacement"] == weight_norms(state.model, began)[""] > 0
        assert not [name for name in learner.pack(state) if name.startswith("began")]
    assert told[0] == told[1]
