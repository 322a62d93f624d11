"""Relative source variance against brute force, its closed form on mixtures, and units whose answer is known."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import critlab
from critlab._core.errors import Diverged, StudyError
from critlab.measures import Probe, RelativeSourceVariance
from critlab.measures.units.source_variance import bimodality, measure, readings, relative_source_variance


def views(a: Any, b: Any, size: int = 3, seed: int = 0) -> Any:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(a, size, generator=g), torch.randn(b, size, generator=g) * 1.7 + 0.4


def brute_force(f: Any, a: Any, b: Any) -> Any:
    """The definition, pair by pair in float64."""
    table = torch.stack([torch.stack([f(x[None], y[None])[0] for y in b]) for x in a]).double()
    held_a, held_b = table.var(1).mean(0), table.var(0).mean(0)
    return (held_a - held_b) / (held_a + held_b)


def mixed(a: Any, b: Any) -> Any:
    return torch.stack([a[:, 0] * b[:, 1], torch.relu(a[:, 1] - b[:, 0]), (2 * a + b).square().sum(1)], 1)


@pytest.mark.parametrize(("a", "b"), [(2, 2), (5, 9), (11, 3)])
def test_it_is_the_definition(a: Any, b: Any) -> None:
    view_a, view_b = (v.double() for v in views(a, b))
    torch.testing.assert_close(
        relative_source_variance(mixed, view_a, view_b),
        brute_force(mixed, view_a, view_b),
        rtol=1e-9,
        atol=1e-12,
        equal_nan=True,
    )


def test_units_that_follow_a_both_or_b() -> None:
    """Both sources show draws of the same distribution, as two views of images do."""
    g = torch.Generator().manual_seed(1)
    view_a, view_b = torch.rand(64, 1, 4, 4, generator=g), torch.rand(64, 1, 4, 4, generator=g)

    def features(a: Any, b: Any) -> Any:
        return torch.stack([a, a + b, b], 1).flatten(2).mean(2)

    found = critlab.relative_source_variance(features, view_a, view_a)
    torch.testing.assert_close(found, torch.tensor([-1.0, 0.0, 1.0]), rtol=0, atol=1e-5)
    found = critlab.relative_source_variance(features, view_a, view_b)
    assert found[0] == pytest.approx(-1, abs=1e-5)
    assert found[2] == pytest.approx(1, abs=1e-5)


@given(
    weights=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
    a=st.integers(2, 12),
    b=st.integers(2, 12),
    noise=st.floats(0.1, 3.0),
)
def test_a_mixture_has_its_closed_form(weights: Any, a: Any, b: Any, noise: Any) -> None:
    """The published synthetic check: x_a = x0 + n_a, x_b = x0 + n_b, z = alpha x_a + (1 - alpha) x_b."""
    g = torch.Generator().manual_seed(a * 100 + b)
    most = max(a, b)
    common = torch.randn(most, generator=g, dtype=torch.float64)
    x_a = common[:a] + noise * torch.randn(a, generator=g, dtype=torch.float64)
    x_b = common[:b] + noise * torch.randn(b, generator=g, dtype=torch.float64)
    alpha = torch.tensor(weights, dtype=torch.float64)
    found = relative_source_variance(lambda u, v: u[:, None] * alpha + v[:, None] * (1 - alpha), x_a, x_b)
    from_a, from_b = alpha**2 * x_a.var(), (1 - alpha) ** 2 * x_b.var()
    torch.testing.assert_close(found, (from_b - from_a) / (from_a + from_b), rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@given(seed=st.integers(0, 1000), pairs=st.integers(1, 40))
def test_order_and_size_of_the_batches_change_nothing(seed: int, pairs: Any) -> None:
    view_a, view_b = views(7, 6, seed=seed)
    wanted = relative_source_variance(mixed, view_a, view_b)
    g = torch.Generator().manual_seed(seed)
    shuffled = view_a[torch.randperm(7, generator=g)], view_b[torch.randperm(6, generator=g)]
    torch.testing.assert_close(relative_source_variance(mixed, *shuffled), wanted, rtol=0, atol=1e-6, equal_nan=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("critlab.measures.units.source_variance.PAIRS", pairs)
        torch.testing.assert_close(
            relative_source_variance(mixed, view_a, view_b), wanted, rtol=0, atol=1e-6, equal_nan=True
        )


def test_swapping_the_sources_swaps_the_sign() -> None:
    view_a, view_b = views(6, 8)
    there = relative_source_variance(mixed, view_a, view_b)
    back = relative_source_variance(lambda b, a: mixed(a, b), view_b, view_a)
    torch.testing.assert_close(there, -back, rtol=0, atol=1e-6, equal_nan=True)


def test_a_unit_without_variance_answers_to_neither() -> None:
    view_a, view_b = views(5, 5)

    def features(a: Any, b: Any) -> Any:
        return torch.stack([torch.full((len(a),), 3.7), torch.relu(a[:, 0] - 100), a[:, 0]], 1)

    found = relative_source_variance(features, view_a, view_b)
    assert found.isnan().tolist() == [True, True, False]
    small = relative_source_variance(lambda a, b: 1 + 1e-8 * b[:, :1], view_a, view_b)
    assert small.isnan().all(), "what rounding hides is no answer"
    kept = relative_source_variance(lambda a, b: 1 + 1e-4 * b[:, :1], view_a, view_b)
    assert kept.item() == pytest.approx(1, abs=1e-3)


class Pathways(nn.Module):
    """Two pathways added, a BatchNorm that would notice the batch, and units of known origin."""

    feature_layer = "both"

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(2)
        self.both = nn.Identity()
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        a, b = images.unbind(1)
        units = self.both(self.norm(torch.stack([a[:, 0], b[:, 0]], 1)))
        return self.head(units.mean(3).flatten(1))


def probe(images: Any) -> Any:
    return Probe(images, torch.zeros(len(images), dtype=torch.int64), lambda index: torch.Generator())


def two_views(count: int = 12) -> Any:
    return torch.randn(count, 2, 1, 2, 4, generator=torch.Generator().manual_seed(0))


def by_name(found: Any) -> Any:
    return {(reading.quantity, reading.layer): reading.value for reading in found}


@pytest.mark.parametrize("units", ["positions", "channels"])
def test_the_measure_reads_the_layer_and_leaves_no_trace(units: Any) -> None:
    model = Pathways().train()
    model(two_views())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = by_name(measure(model, probe(two_views()), RelativeSourceVariance(units=units)))
    assert found["relative_source_variance", ""] == pytest.approx(0, abs=1e-6)
    share = "relative_source_variance_share"
    assert [found[share, layer] for layer in ("A", "B", "one", "neither")] == [0.5, 0.5, 1.0, 0.0]
    assert found["relative_source_variance_bimodality", ""] == pytest.approx(1)
    bins = {layer: value for (quantity, layer), value in found.items() if quantity.endswith("histogram")}
    assert len(bins) == 40
    assert {layer: value for layer, value in bins.items() if value} == {"-0.975": 0.5, "+0.975": 0.5}
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_layer_of_any_model_can_be_asked() -> None:
    model = Pathways()
    found = by_name(measure(model, probe(two_views()), RelativeSourceVariance(layer="head")))
    assert -1 < found["relative_source_variance", ""] < 1
    with pytest.raises(
        StudyError, match=r"layer: received 'haed', which names no layer of the model; did you mean 'head'"
    ):
        measure(model, probe(two_views()), RelativeSourceVariance(layer="haed"))
    model.feature_layer = None  # type: ignore[assignment]
    with pytest.raises(StudyError, match=r"layer: required.*allowed: norm, both, head"):
        measure(model, probe(two_views()), RelativeSourceVariance())


def test_a_silent_layer_still_has_readings() -> None:
    found = by_name(readings(torch.full((5,), torch.nan, dtype=torch.float64)))
    assert found["relative_source_variance_share", "neither"] == 1
    assert ("relative_source_variance", "") not in found


def test_every_answering_unit_is_in_one_bin() -> None:
    values = torch.cat([torch.linspace(-1, 1, 101, dtype=torch.float64), torch.tensor([torch.nan])])
    found = by_name(readings(values))
    assert sum(value for (quantity, _), value in found.items() if quantity.endswith("histogram")) == pytest.approx(1)
    assert found["relative_source_variance_share", "one"] == pytest.approx(50 / 102)


def test_bimodality_where_it_is_known() -> None:
    two = torch.tensor([-1.0] * 50 + [1.0] * 50, dtype=torch.float64)
    assert bimodality(two) == pytest.approx(1)
    assert bimodality(torch.linspace(-1, 1, 20001, dtype=torch.float64)) == pytest.approx(5 / 9, abs=1e-4)
    normal = torch.distributions.Normal(0.0, 1.0).icdf(torch.linspace(0.5 / 40000, 1 - 0.5 / 40000, 40000).double())
    assert bimodality(normal) == pytest.approx(1 / 3, abs=2e-3)
    assert bimodality(torch.full((4,), 0.3, dtype=torch.float64)) is None


@pytest.mark.parametrize(
    ("features", "text"),
    [
        (lambda a, b: a.sum(), r"for 4 pairs it gave torch.float32 of shape \(\)"),
        (lambda a, b: a[:1], r"must give float features \(4, units...\)"),
        (lambda a, b: a.long(), "torch.int64"),
        (lambda a, b: "features", "it gave str"),
    ],
)
def test_refusals(features: Any, text: str) -> None:
    with pytest.raises(StudyError, match=text):
        relative_source_variance(features, *views(2, 2))


def test_more_refusals() -> None:
    with pytest.raises(StudyError, match="1 images of A and 3 of B"):
        relative_source_variance(mixed, *views(1, 3))
    with pytest.raises(Diverged):
        relative_source_variance(lambda a, b: a / 0, *views(2, 2))
    with pytest.raises(StudyError, match="needs two sources"):
        measure(nn.Identity(), probe(torch.rand(4, 3, 2, 2)), RelativeSourceVariance())


def test_units_keep_their_shape_and_dtype() -> None:
    view_a, view_b = views(4, 4)
    found = relative_source_variance(lambda a, b: torch.stack([a, b], 1), view_a, view_b)
    assert found.shape == (2, 3)
    assert found.dtype == torch.float32
    assert math.isclose(found.abs().min().item(), 1, abs_tol=1e-5)
