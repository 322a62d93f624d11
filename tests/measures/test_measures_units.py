"""Dead units, effective rank, lengths of weights and filters, where each is known."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from critlab._core.errors import Diverged, StudyError
from critlab.measures import Filters, Probe, Weights
from critlab.measures.picture import Picture
from critlab.measures.units.dead_units import DeadUnits, dead_units
from critlab.measures.units.effective_rank import effective_rank, of_gram
from critlab.measures.weights.filters import filters
from critlab.measures.weights.filters import measure as measure_filters
from critlab.measures.weights.norms import measure as measure_weights
from critlab.measures.weights.norms import weight_norms
from nets import net, seeded


class Functional(nn.Module):
    """ReLUs of every kind: called twice by one module, in place, and as a module that is used again."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 4)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        x = torch.relu(self.second(x))
        return self.relu(self.relu(x).relu_() - 1)


def kill(layer: Any, units: list[int]) -> None:
    """Makes some units of a layer negative on all inputs."""
    with torch.no_grad():
        layer.weight[units] = 0
        layer.bias[units] = -1


def test_every_relu_is_seen_and_the_dead_are_counted() -> None:
    torch.manual_seed(0)
    model = Functional()
    kill(model.first, [1])
    kill(model.second, [0, 2, 3])
    found = dead_units(model, torch.randn(600, 3))
    assert list(found) == ["(root)", "(root) (2)", "relu", "(root) (3)", "relu (2)"]
    assert found["(root)"] == DeadUnits(1, 4)
    assert found["(root) (2)"].dead >= 3
    assert found["relu (2)"].dead >= found["relu"].dead == found["(root) (2)"].dead


def test_a_feature_lives_if_it_is_awake_anywhere_on_any_image() -> None:
    torch.manual_seed(0)
    images = torch.full((300, 3, 2, 2), -1.0)
    images[299, 1, 0, 1] = 1
    assert dead_units(nn.Sequential(nn.ReLU()), images) == {"0": DeadUnits(2, 3)}
    tokens = torch.full((5, 7, 3), -1.0)
    tokens[2, 6, 0] = 1
    assert dead_units(nn.ReLU(), tokens) == {"(root)": DeadUnits(2, 3)}
    assert DeadUnits(2, 3).share == pytest.approx(2 / 3)


def test_a_net_without_relu_has_nothing_to_count() -> None:
    for model, images, text in (
        (nn.Linear(3, 2), torch.rand(2, 3), "calls no ReLU"),
        (nn.ReLU(), torch.rand(0, 3), "0 images"),
        (abs, torch.rand(2, 3), "must be a torch.nn.Module"),
    ):
        with pytest.raises(StudyError, match=text):
            dead_units(model, images)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_of_k_equal_singular_values_the_rank_is_k(scales: Any) -> None:
    values = torch.tensor([2.0 if scale else 0.0 for scale in scales], dtype=torch.float64)
    basis, _ = torch.linalg.qr(torch.randn(len(scales), len(scales), generator=seeded(1), dtype=torch.float64))
    rank = of_gram(basis @ torch.diag(values**2) @ basis.T)
    assert rank == pytest.approx(np.count_nonzero(scales), abs=1e-5)


def test_the_rank_is_that_of_the_features_of_each_layer() -> None:
    model, images, _ = net("convolutional", 300)
    found = effective_rank(model, images)
    assert list(found) == ["0", "1", "3", "4", "8"]
    features = model.eval()[:4](images).detach().double()
    singular = np.linalg.svd(features.movedim(1, -1).flatten(0, -2).numpy(), compute_uv=False)
    p = singular / singular.sum()
    assert found["3"] == pytest.approx(math.exp(-(p * np.log(p)).sum()), rel=1e-4)
    tokens = nn.Linear(3, 3)
    assert effective_rank(tokens, images[:, 0, :, :3])["(root)"] == pytest.approx(
        effective_rank(tokens, images[:, 0, :, :3].flatten(0, 1))["(root)"]
    )


def test_what_has_no_rank() -> None:
    dead = nn.Linear(3, 2)
    nn.init.zeros_(dead.weight)
    nn.init.zeros_(dead.bias)
    assert effective_rank(dead, torch.rand(4, 3)) == {"(root)": 0.0}
    with pytest.raises(StudyError, match="no module has parameters"):
        effective_rank(nn.ReLU(), torch.rand(4, 3))
    with pytest.raises(Diverged, match="not finite"):
        effective_rank(nn.Linear(3, 2), torch.full((4, 3), math.nan))


def probe(images: Any, untrained: Any = None) -> Any:
    return Probe(images, torch.zeros(len(images), dtype=torch.int64), seeded, untrained)


def test_lengths_of_weights_and_of_their_way() -> None:
    model, images, _ = net("frozen")
    started, _, _ = net("frozen")
    with torch.no_grad():
        model[4].weight += 3.0
        model[1].weight += 9.0  # frozen, so not counted
    read = measure_weights(model, probe(images, lambda: started), Weights())
    found = {(r.quantity, r.layer): r.value for r in read}
    own = torch.cat([p.detach().flatten() for p in model[4].parameters()])
    assert found["weight_norm", "4"] == pytest.approx(own.norm().item())
    assert found["weight_norm", ""] == pytest.approx(math.hypot(found["weight_norm", "2"], own.norm().item()))
    assert found["weight_distance", "2"] == 0
    assert found["weight_distance", "4"] == pytest.approx(3 * math.sqrt(24), rel=1e-6)
    assert found["weight_distance", ""] == found["weight_distance", "4"]
    alone = measure_weights(model, probe(images), Weights())
    assert {r.quantity for r in alone} == {"weight_norm"}
    with pytest.raises(StudyError, match=r"since: lacks 2\.weight"):
        weight_norms(model, {})


def test_filters_are_the_weights_of_the_first_layer_as_the_images_lie() -> None:
    model, images, _ = net("convolutional")
    name, found = filters(model, (2, 6, 6))
    assert name == "0"
    assert torch.equal(found, model[0].weight)
    assert filters(model, (2, 6, 6), "3")[1].shape == (5, 4, 3, 3)
    model, images, _ = net("mlp")
    name, found = filters(model, (2, 6, 6))
    assert name == "1"
    assert torch.equal(found[3].flatten(), model[1].weight[3])
    (reading,) = measure_filters(model, probe(images), Filters(filters=5))
    assert (reading.quantity, reading.layer) == ("filter_norm", "1")
    assert reading.value == pytest.approx(model[1].weight.square().sum(1).mean().sqrt().item())
    assert reading.picture is not None
    assert torch.equal(torch.from_numpy(reading.picture.array()), found[:5])


@pytest.mark.parametrize(
    ("model", "shape", "layer", "text"),
    [
        (nn.Linear(6, 2), (6,), None, r"layer \(root\) takes 6 numbers, but examples have shape \(6,\)"),
        (nn.Embedding(6, 2), (6,), None, "the model has none"),
        (
            nn.Sequential(nn.Linear(6, 2)),
            (1, 2, 3),
            "1",
            r"received '1', which names no nn.Conv2d .* \(allowed: 0\)",
        ),
    ],
)
def test_what_has_no_filters_is_told(model: Any, shape: tuple[int, ...], layer: Any, text: str) -> None:
    with pytest.raises(StudyError, match=text):
        filters(model, shape, layer)


@given(st.lists(st.integers(1, 4), max_size=4), st.integers(0, 1000))
def test_pictures_come_back_bit_for_bit(shape: tuple[int, ...], seed: int) -> None:
    array = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    picture = Picture.of(array)
    read = Picture.read({"shape": list(picture.shape), "float32": picture.float32})
    assert read == picture
    assert read.array().dtype == np.float32
    assert np.array_equal(read.array(), array)
