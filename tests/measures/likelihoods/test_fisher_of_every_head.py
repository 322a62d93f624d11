"""Trace, log-determinant, noise and empirical Fisher of every head, against explicit Jacobians in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import Tensor, nn

import critlab
from critlab import measures
from critlab._core.errors import StudyError
from critlab.measures import MEASURES, Gaussian, GaussianVariance, Probe
from critlab.measures.fisher.kronecker import MOST_LABELS
from heads import HEADS, closed_form, exact_trace, head
from nets import block_traces, gradient_by_layer, hessian, seeded

OTHERS = [name for name in HEADS if name != "categorical"]


@pytest.mark.parametrize("name", HEADS)
def test_every_layer_is_within_its_error_of_the_exact_trace(name: str) -> None:
    """Of 48 examples, more than are summed over one by one."""
    one = head(name, 48)
    truth = exact_trace(one)
    found = critlab.fisher_trace(one.model, one.images, generator=seeded(0), draws=8, **chosen(one))
    assert found.keys() == truth.keys()
    for layer, value in truth.items():
        assert abs(found[layer].value - value) <= 4 * found[layer].stderr, layer
        assert 0 < found[layer].stderr <= 0.35 * value, layer
    assert abs(found.whole.value - sum(truth.values())) <= 4 * found.whole.stderr


@pytest.mark.parametrize("name", OTHERS)
def test_a_small_sum_is_exact(name: str) -> None:
    """Where it takes no more backward passes than the estimate: 42 for six examples and one draw."""
    one = head(name)
    truth = exact_trace(one)
    found = critlab.fisher_trace(one.model, one.images, generator=seeded(0), **chosen(one))
    assert abs(found.whole.value - sum(truth.values())) <= 4 * found.whole.stderr + 1e-9
    passes = 6 * one.likelihood.view(one.model(one.images[:1]))[0].numel()
    assert (found.whole.stderr == 0) == (passes <= 42)
    found = critlab.fisher_trace(one.model, one.images, generator=seeded(0), draws=passes, **chosen(one))
    assert {layer: one.value for layer, one in found.items()} == pytest.approx(truth, rel=1e-9)
    assert found.whole.stderr == 0


def chosen(one: Any) -> dict[str, Any]:
    return {"likelihood": one.likelihood, "mask": one.mask}


@pytest.mark.parametrize("name", ["one logit", "multi-label", "vector", "vector with its variance", "words"])
def test_in_evaluation_nothing_is_left_behind_and_the_generator_decides(name: str) -> None:
    one = head(name, 40)
    one.model.train()
    before = {key: value.clone() for key, value in one.model.state_dict().items()}
    found, again = (critlab.fisher_trace(one.model, one.images, generator=seeded(1), **chosen(one)) for _ in range(2))
    assert found == again
    assert one.model.training
    assert all(torch.equal(value, before[key]) for key, value in one.model.state_dict().items())
    assert all(parameter.grad is None for parameter in one.model.parameters())


@pytest.mark.parametrize("name", OTHERS)
def test_the_empirical_fisher_is_the_mean_squared_gradient_at_the_labels(name: str) -> None:
    one = head(name)
    wanted: dict[str, float] = {}
    for image, label in zip(one.images, one.labels, strict=True):
        output = one.likelihood.view(one.model(image[None]), label[None].shape)
        loss = one.likelihood.negative_log_likelihood(output, label.reshape(output.shape[:-1])).sum()
        for layer, gradient in gradient_by_layer(one.model, loss).items():
            wanted[layer] = wanted.get(layer, 0.0) + float(gradient.square().sum()) / 6
    found = measures.fisher_empirical(one.model, one.images, one.labels, generator=seeded(0), likelihood=one.likelihood)
    assert {layer: estimate.value for layer, estimate in found.items()} == pytest.approx(wanted, rel=1e-9)
    assert found.whole.stderr == 0, "one gradient for each image is exact"


@pytest.mark.parametrize("name", OTHERS)
def test_the_log_determinant_of_one_linear_layer_on_one_image_is_exact(name: str) -> None:
    likelihood, numbers = head(name).likelihood, 2 if "variance" in name else 3
    torch.manual_seed(0)
    positions = "words" in name or "pixels" in name
    model: nn.Module = nn.Linear(4, numbers).double()
    image = torch.randn(1, 4, dtype=torch.float64)
    given = image[:, None] if positions else image
    output = likelihood.view(model(given)).detach()
    information = torch.block_diag(*(closed_form(likelihood, row) for row in output.flatten(0, -2)))
    row = torch.cat([image[0], torch.ones(1)])
    exact = torch.kron(information, torch.outer(row, row))
    found = measures.fisher_log_determinant(model, given, generator=seeded(0), damping=0.1, likelihood=likelihood)
    wanted = torch.linalg.slogdet(torch.eye(len(exact)) + exact / 0.1)[1]
    assert found[""] == pytest.approx(float(wanted), rel=1e-9)


def test_the_log_determinant_ignores_positions_and_takes_many_outputs_by_signs() -> None:
    """For little information it is the trace over the damping, which for a linear model is that of the Jacobians."""
    one = head("words, some ignored", 64)
    kept = measures.fisher_log_determinant(one.model, one.images, generator=seeded(0), damping=1e6, **chosen(one))
    every = measures.fisher_log_determinant(
        one.model, one.images, generator=seeded(0), damping=1e6, likelihood=one.likelihood
    )
    assert kept["out"] < 0.8 * every["out"]
    torch.manual_seed(0)
    model, images = nn.Linear(4, MOST_LABELS + 1).double(), torch.randn(64, 4, dtype=torch.float64)
    found = measures.fisher_log_determinant(model, images, generator=seeded(0), damping=1.0, likelihood="gaussian")
    rows = torch.cat([images, torch.ones(64, 1)], 1)
    exact = float(torch.linalg.eigvalsh(rows.T @ rows / 64).log1p().sum()) * (MOST_LABELS + 1)
    assert found[""] == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("name", OTHERS)
def test_the_noise_that_the_weights_bear_has_the_same_trace(name: str) -> None:
    """Its bias is of the second order in the noise: within 10 % and four errors."""
    one = head(name, 40)
    truth = exact_trace(one)
    found = measures.fisher_noise(one.model, one.images, generator=seeded(0), beta=1e-4, draws=8, **chosen(one))
    for layer, value in truth.items():
        assert abs(found[layer].value - value) <= 4 * found[layer].stderr + 0.1 * value, layer
        assert found[layer].stderr <= 0.5 * value, layer


@pytest.mark.parametrize("name", ["multi-label, some missing", "scalar", "vector with its variance", "words"])
def test_with_labels_noise_and_curvature_are_those_of_the_loss(name: str) -> None:
    one = head(name, 40)
    output = one.likelihood.view(one.model(one.images), one.labels.shape)
    losses = one.likelihood.negative_log_likelihood(output, one.labels.reshape(output.shape[:-1]))
    matrix = hessian(one.model, losses.sum())
    wanted = {layer: value / 40 for layer, value in block_traces(one.model, matrix).items()}
    found = measures.fisher_noise(
        one.model, one.images, one.labels, generator=seeded(0), beta=1e-5, draws=8, likelihood=one.likelihood
    )
    for layer, value in wanted.items():
        assert abs(found[layer].value - value) <= 4 * found[layer].stderr + 0.1 * abs(value), layer
    counted = int(one.likelihood.counted(one.labels).sum())
    top = measures.hessian_top_eigenvalue(
        one.model, one.images, one.labels, generator=seeded(0), tolerance=1e-4, likelihood=one.likelihood
    )
    assert top.value == pytest.approx(float(torch.linalg.eigvalsh(matrix)[-1]) / counted, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["multi-label, some missing", "vector with its variance"])
def test_the_stated_error_of_a_network_that_has_learned_holds_the_exact_value(name: str) -> None:
    """The bound is the lowest 5 % of what so many readings hold where .95 is the truth."""
    one, readings = head(name, 64), 40
    optimizer = torch.optim.Adam(one.model.parameters(), lr=0.02)
    for _ in range(250):
        optimizer.zero_grad()
        output = one.likelihood.view(one.model(one.images), one.labels.shape)
        loss = one.likelihood.negative_log_likelihood(output, one.labels.reshape(output.shape[:-1])).mean()
        loss.backward()
        optimizer.step()
    optimizer.zero_grad()
    truth = sum(exact_trace(one).values())
    found = [
        critlab.fisher_trace(one.model, one.images, generator=seeded(seed), **chosen(one)).whole
        for seed in range(readings)
    ]
    values, errors = (np.array([getattr(estimate, part) for estimate in found]) for part in ("value", "stderr"))
    assert (abs(values - truth) <= 1.96 * errors).sum() >= binom.ppf(0.05, readings, 0.95)
    assert np.sqrt((errors**2).mean()) <= 2 * values.std(ddof=1), "held by being too wide"
    assert abs(values.mean() - truth) <= 4 * values.std(ddof=1) / np.sqrt(readings)


def test_a_gaussian_of_known_variance_is_the_output_jacobian() -> None:
    one = head("vector", 40)
    plain, sharp = (
        critlab.fisher_trace(one.model, one.images, generator=seeded(0), likelihood=Gaussian(variance=v))
        for v in (1.0, 0.01)
    )
    assert sharp.whole.value == pytest.approx(100 * plain.whole.value, rel=1e-9)
    assert sharp.whole.stderr == pytest.approx(100 * plain.whole.stderr, rel=1e-9)


def test_two_categorical_logits_are_one_bernoulli_logit() -> None:
    """The same distribution, so the same information, exactly where neither is left to chance."""
    torch.manual_seed(0)

    class Difference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1)).double()

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.body(x)
            return torch.cat([torch.zeros_like(found), found], 1)

    two, images = Difference(), torch.randn(5, 4, dtype=torch.float64)
    wanted = critlab.fisher_trace(two, images, generator=seeded(0))
    found = critlab.fisher_trace(two.body, images, generator=seeded(0), likelihood="bernoulli")
    assert found.whole.value == pytest.approx(wanted.whole.value, rel=1e-9)


def test_masked_examples_count_as_nothing_in_the_mean() -> None:
    one = head("multi-label", 8)
    mask = torch.ones(8, 3, dtype=torch.bool)
    mask[:4] = False
    half = critlab.fisher_trace(one.model, one.images, generator=seeded(0), likelihood="bernoulli", mask=mask)
    rest = critlab.fisher_trace(one.model, one.images[4:], generator=seeded(0), likelihood="bernoulli")
    assert half.whole.value == pytest.approx(rest.whole.value / 2, rel=1e-9)
    none = critlab.fisher_trace(one.model, one.images, generator=seeded(0), likelihood="bernoulli", mask=mask & False)
    assert (none.whole.value, none.whole.stderr) == (0, 0)


@pytest.mark.parametrize("name", ["one logit", "vector with its variance", "pixels, some ignored"])
def test_every_measure_of_a_study_reads_by_the_likelihood_of_its_probe(name: str) -> None:
    """And where its option names another, by that."""
    one = head(name, 24)
    probe = Probe(one.images, one.labels, lambda index: seeded(10 + index), likelihood=one.likelihood.name)
    for measure in ("fisher_trace", "fisher_noise", "fisher_empirical", "fisher_log_determinant", "gradients"):
        fields = MEASURES[measure].model_fields
        options = {key: value for key, value in {"images": 24, "batch": 4}.items() if key in fields}
        found = MEASURES[measure](**options).measure(one.model, probe)
        assert all(np.isfinite([reading.value, reading.stderr]).all() for reading in found)
        given = MEASURES[measure].model_validate({**options, "likelihood": one.likelihood.name})
        plain = Probe(one.images, one.labels, probe.generator)
        assert given.measure(one.model, plain) == found
    wrong = Probe(one.images, one.labels, probe.generator, likelihood="categorical")
    if one.labels.is_floating_point():
        with pytest.raises(StudyError, match="likelihood"):
            MEASURES["fisher_empirical"]().measure(one.model, wrong)


def test_a_study_names_a_likelihood_only_where_it_is_given() -> None:
    kind = measures.FisherTrace
    assert kind().identity() == {"every": 1, "images": 1024}
    named = kind.model_validate({"likelihood": {"name": "gaussian", "variance": 0.25}})
    assert named.identity()["likelihood"] == {"name": "gaussian", "version": 1, "variance": 0.25}
    assert kind.model_validate(named.special()) == named
    assert kind(likelihood=GaussianVariance()).special()["likelihood"] == {"name": "gaussian_variance"}
    with pytest.raises(StudyError, match=r"likelihood: .*received 'gausian'; did you mean 'gaussian'"):
        kind.read({"likelihood": "gausian"}, "study")
