"""Each likelihood by its definition: roots, columns, signs, slopes, drawn labels, and what it refuses."""

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import critlab
from critlab._core.errors import Diverged, StudyError
from critlab.measures import (
    Bernoulli,
    Categorical,
    CategoricalPerPosition,
    DiagonalLikelihood,
    Gaussian,
    GaussianVariance,
    Likelihood,
)
from critlab.measures.likelihoods import LIKELIHOODS, likelihood_of
from critlab.measures.likelihoods.head import checked_output, fitted_labels
from heads import HEADS, closed_form, head
from nets import seeded


class Poisson(DiagonalLikelihood):
    """A user's own: counts, by the logarithm of their rate."""

    name: ClassVar[str] = "poisson"

    def roots(self, output: Tensor) -> Tensor:
        return (output / 2).exp()

    def negative_log_likelihood(self, output: Tensor, labels: Tensor) -> Tensor:
        return output[..., 0].exp() - labels * output[..., 0] + (labels + 1.0).lgamma()

    def cross_entropy(self, output: Tensor, answers: Tensor) -> Tensor:
        rate, counts = answers[..., 0].exp(), torch.arange(80.0, dtype=torch.float64)
        weights = (counts * answers - rate[..., None] - (counts + 1).lgamma()).exp()
        return (weights * (output.exp() - counts * output + (counts + 1).lgamma())).sum(-1)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        return torch.poisson(output.detach()[..., 0].exp(), generator=generator)


VALUES: dict[type[Likelihood], int] = {
    Poisson: 1,
    Categorical: 4,
    CategoricalPerPosition: 4,
    Bernoulli: 1,
    Gaussian: 1,
    GaussianVariance: 2,
}
"""How many numbers the distribution of a label has."""


def every_label(likelihood: Likelihood, output: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Labels and their weights, whose sum is the expectation over the labels of ``output``, ``(N, labels, numbers)``.

    Gaussians by Gauss-Hermite quadrature, exact for polynomials.
    """
    if isinstance(likelihood, Categorical):
        p = output.softmax(-1)
        return [(torch.full(p.shape[:-1], c), p[..., c]) for c in range(p.shape[-1])]
    if isinstance(likelihood, Bernoulli):
        p = output[..., 0].sigmoid()
        return [(torch.zeros_like(p), 1 - p), (torch.ones_like(p), p)]
    if isinstance(likelihood, Poisson):
        rate = output[..., 0].exp()
        counts = [torch.full_like(rate, float(k)) for k in range(80)]
        return [(k, (k * rate.log() - rate - (k + 1).lgamma()).exp()) for k in counts]
    mean = output[..., 0]
    fixed = likelihood.variance if isinstance(likelihood, Gaussian) else 1.0
    spread = (output[..., 1] / 2).exp() if output.shape[-1] == 2 else torch.full_like(mean, fixed**0.5)
    points, weights = np.polynomial.hermite_e.hermegauss(12)
    return [
        (mean + spread * x, torch.full_like(mean, w / np.sqrt(2 * np.pi))) for x, w in zip(points, weights, strict=True)
    ]


@pytest.mark.parametrize("kind", list(VALUES))
@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 1.0, 4.0]))
def test_columns_and_scores_are_those_of_the_definition(kind: type[Likelihood], seed: int, size: float) -> None:
    """E_y[score score^T] over labels, the sum over columns, and the closed form are the same matrix."""
    likelihood = kind(variance=0.4) if kind is Gaussian else kind()
    numbers = VALUES[kind]
    output = torch.randn(2, 3, numbers, dtype=torch.float64, generator=seeded(seed)) * (1 if kind is Poisson else size)
    output = likelihood.normalised(output)
    by_labels = torch.zeros(2, 3, numbers, numbers, dtype=torch.float64)
    for labels, weight in every_label(likelihood, output):
        along, scale = likelihood.score(output, labels)
        free = output.clone().requires_grad_()
        (slope,) = torch.autograd.grad(likelihood.negative_log_likelihood(free, labels).sum(), free)
        torch.testing.assert_close(along * scale.sqrt(), -slope, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(likelihood.label_slope(output, labels), slope, rtol=1e-9, atol=1e-12)
        by_labels += weight[..., None, None] * (along[..., :, None] * along[..., None, :]) * scale
    forms = [row.exp()[:, None] if kind is Poisson else closed_form(likelihood, row) for row in output.flatten(0, 1)]
    wanted = torch.stack(forms).view_as(by_labels)
    tiny = 1e-12 * max(1.0, float(wanted.max()))
    torch.testing.assert_close(by_labels, wanted, rtol=1e-8, atol=tiny)
    columns = torch.zeros_like(wanted)
    for along in likelihood.columns(output):
        if isinstance(likelihood, Categorical):  # in the log-probabilities, of which the gradient has a mean of 0
            along = along - output.exp() * along.sum(-1, keepdim=True)
        columns += along[..., :, None] * along[..., None, :]
    torch.testing.assert_close(columns, wanted, rtol=1e-8, atol=tiny)


@pytest.mark.parametrize("kind", list(VALUES))
def test_over_all_signs_the_coefficients_have_the_information_as_their_covariance(kind: type[Likelihood]) -> None:
    likelihood, numbers = kind(), VALUES[kind]
    output = torch.randn(1, 2, numbers, dtype=torch.float64, generator=seeded(1))
    coefficients, total = likelihood.coefficients(output), torch.zeros(2 * numbers, 2 * numbers, dtype=torch.float64)
    draws = 4000
    generator = seeded(2)
    for _ in range(draws):
        along = coefficients.drawn(generator).flatten() * coefficients.uncertainty.sqrt()
        total += torch.outer(along, along) / draws
    forms = [row.exp()[:, None] if kind is Poisson else closed_form(likelihood, row) for row in output[0]]
    wanted = torch.block_diag(*forms)
    assert (total - wanted).abs().max() <= 5 * wanted.diagonal().max() / np.sqrt(draws)


@pytest.mark.parametrize("kind", list(VALUES))
def test_drawn_labels_have_the_entropy_of_the_model(kind: type[Likelihood]) -> None:
    likelihood = kind()
    output = torch.randn(1, 2, VALUES[kind], dtype=torch.float64, generator=seeded(1)).expand(20_000, -1, -1)
    labels = likelihood.draw(output, seeded(2))
    losses = likelihood.negative_log_likelihood(output, labels)
    entropy = likelihood.entropy(output[:1])
    assert ((losses.mean(0) - entropy[0]).abs() <= 5 * losses.std(0) / 20_000**0.5).all()
    assert torch.equal(labels, likelihood.draw(output, seeded(2))), "the generator decides"
    quadrature = sum(
        w * likelihood.negative_log_likelihood(output[:1], y) for y, w in every_label(likelihood, output[:1])
    )
    torch.testing.assert_close(entropy, quadrature, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", list(VALUES))
def test_the_divergence_from_the_answers_themselves_has_no_slope(kind: type[Likelihood]) -> None:
    likelihood = kind()
    output = likelihood.normalised(torch.randn(3, 2, VALUES[kind], dtype=torch.float64, generator=seeded(1)) * 3)
    answers = likelihood.answers(output)
    assert likelihood.divergence_slope(output, answers).abs().max() <= 1e-12
    other = likelihood.normalised(output + 0.3 * torch.randn(output.shape, generator=seeded(2), dtype=torch.float64))
    free = other.clone().requires_grad_()
    expected = [w * likelihood.negative_log_likelihood(free, y) for y, w in every_label(likelihood, output)]
    (slope,) = torch.autograd.grad(torch.stack(expected).sum(), free)
    torch.testing.assert_close(likelihood.divergence_slope(other, answers), slope, rtol=1e-8, atol=1e-12)


def test_a_sure_bernoulli_keeps_its_digits() -> None:
    """At a logit of 60, where one minus the probability has no digits left even in float64."""
    likelihood, output = Bernoulli(), torch.tensor([[[60.0]], [[-60.0]]])
    rare = float(np.exp(-60.0))
    assert float(likelihood.coefficients(output).uncertainty) == pytest.approx(2 * rare, rel=1e-6)
    for labels in (torch.tensor([[1.0], [0.0]]), torch.tensor([[1], [0]])):
        along, scale = likelihood.score(output, labels)
        assert (along * scale.sqrt()).flatten().tolist() == pytest.approx([rare, -rare], rel=1e-5)
    moved = output * 1.01
    slope = likelihood.divergence_slope(moved, output).flatten()
    assert slope.tolist() == pytest.approx([rare - np.exp(-60.6), np.exp(-60.6) - rare], rel=1e-4)


@pytest.mark.parametrize("name", HEADS)
def test_labels_that_do_not_count_have_no_part_in_anything(name: str) -> None:
    one = head(name)
    output = checked_output(one.model(one.images), 6, "test", one.likelihood, labels=one.labels.shape)
    labels = fitted_labels(one.labels, output, "test", one.likelihood)
    assert labels.shape == output.shape[:-1]
    assert labels.numel() == one.labels.numel()
    missing = ~one.likelihood.counted(labels)
    assert bool(missing.any()) == ("some" in name)
    viewed = one.likelihood.normalised(output.detach())
    found = [*one.likelihood.columns(viewed, ~missing)]
    assert len(found) == viewed[0].numel()
    found += [one.likelihood.coefficients(viewed, ~missing).drawn(seeded(0))]
    found += [one.likelihood.score(viewed, labels).along, one.likelihood.label_slope(viewed, labels)]
    assert all(not along[missing].any() and along.any() for along in found[-3:])
    assert all(not along[missing].any() for along in found)
    assert not one.likelihood.negative_log_likelihood(viewed, labels)[missing].any()


@pytest.mark.parametrize(
    ("likelihood", "output", "shape"),
    [
        ("categorical", (4, 3), (4, 3)),
        ("categorical", (4, 2, 3), (4, 2, 3)),
        ("categorical_per_position", (4, 5, 3), (4, 5, 3)),
        ("categorical_per_position", (4, 3, 6, 7), (4, 6, 7, 3)),
        ("bernoulli", (4,), (4, 1, 1)),
        ("bernoulli", (4, 1, 6, 7), (4, 1, 6, 7, 1)),
        ("gaussian", (4, 2), (4, 2, 1)),
        ("gaussian_variance", (4, 6), (4, 3, 2)),
        ("gaussian_variance", (4, 3, 2), (4, 3, 2)),
    ],
)
def test_outputs_are_viewed_as_labels_and_their_numbers(
    likelihood: str, output: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    one = LIKELIHOODS[likelihood]()
    assert one.understands(output)
    assert one.view(torch.zeros(output)).shape == shape


def test_classes_lie_where_the_labels_say() -> None:
    one, output = CategoricalPerPosition(), torch.zeros(2, 3, 5)
    assert one.view(output, (2, 3)).shape == (2, 3, 5)
    assert one.view(output, (2, 5)).shape == (2, 5, 3)
    assert CategoricalPerPosition(classes="second").view(output).shape == (2, 5, 3)
    assert one.view(torch.zeros(2, 6, 7, 3), (2, 6, 7)).shape == (2, 6, 7, 3)


class Pair(nn.Module):
    """A mean and a log-variance as two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        mean, spread = self.out(x).unbind(1)
        return mean, spread


X = torch.randn(8, 4, generator=seeded(0))


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (nn.Linear(4, 1), {}, r"\(1, classes\).*a likelihood that fits: bernoulli, gaussian$"),
        (Pair(), {}, "it gave tuple.*likelihoods: categorical, categorical_per_position, bernoulli, gaussian, gau"),
        (nn.Linear(4, 3), {"likelihood": "gaussian_variance"}, r"2 outputs\).*fits: categorical, bernoulli, gaussian$"),
        (nn.Linear(4, 3), {"likelihood": "categorical_per_position"}, "fits: categorical, bernoulli, gaussian$"),
        (nn.Linear(4, 3), {"likelihood": "bernouli"}, "likelihood: .*did you mean 'bernoulli'"),
        (nn.Linear(4, 3), {"likelihood": 3}, "likelihood: received 3; must be one of categorical, cat"),
        (nn.Linear(4, 3), {"likelihood": {"name": "gaussian", "variance": 0.0}}, "likelihood.variance: received 0.0"),
        (nn.Sequential(nn.Linear(4, 1), nn.Sigmoid(), nn.Flatten(0)), {"likelihood": "bernoulli"}, "ends in a sigmoid"),
        (nn.Linear(4, 3), {"mask": torch.ones(8, 2), "likelihood": "bernoulli"}, r"shape \(1, 2\).*must be \(1, 3\)"),
        (nn.Linear(4, 3), {"mask": torch.ones(7), "likelihood": "bernoulli"}, r"mask: received shape \(7,\)"),
        (nn.Linear(4, 3), {"mask": [True] * 8}, "mask: received list; must be a bool"),
    ],
)
def test_a_head_that_is_not_understood_is_refused_in_one_line(model: Any, options: Any, text: str) -> None:
    with pytest.raises(StudyError, match=text) as error:
        critlab.fisher_trace(model, X, generator=seeded(0), **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("outputs", "labels", "likelihood", "text"),
    [
        (3, torch.rand(8), "categorical", "received torch.float32; must be whole numbers"),
        (3, torch.rand(8, 3), "categorical", r"must be \(1,\); likelihoods that fit both: bernoulli, gaussian"),
        (3, torch.randint(3, (8,)), "bernoulli", r"must be \(1, 3\); likelihoods that fit both: categorical"),
        (1, torch.full((8,), 2), "bernoulli", "received 2; must be 0 or 1, or negative"),
        (1, torch.full((8,), float("nan")), "bernoulli", "received nan; must be 0 or 1"),
        (1, torch.full((8,), float("nan")), "gaussian", "not all finite"),
        (2, torch.full((8, 1), float("inf")), "gaussian_variance", "not all finite"),
        (1, torch.rand(8, 2), "gaussian", r"received shape \(1, 2\) for an output of shape \(1, 1\)"),
        (1, torch.rand(7), "gaussian", r"received shape \(7,\); must be"),
        (1, [0.0] * 8, "gaussian", "received list; must be a torch.Tensor"),
    ],
)
def test_labels_that_do_not_fit_are_refused(outputs: int, labels: Any, likelihood: str, text: str) -> None:
    model = nn.Linear(4, outputs)
    measures = critlab.measures
    for measure in (measures.fisher_empirical, measures.fisher_noise):
        with pytest.raises(StudyError, match=text):
            measure(model, X, labels, generator=seeded(0), likelihood=likelihood)


def test_labels_of_any_type_are_the_same_labels() -> None:
    yes, measure = torch.tensor([0, 1] * 4), critlab.measures.fisher_empirical
    for likelihood, outputs in (("bernoulli", 1), ("categorical", 3), ("gaussian", 1)):
        torch.manual_seed(0)
        model, kinds = nn.Linear(4, outputs), [torch.int64, torch.uint8, torch.bool]
        kinds += [torch.float64] if likelihood != "categorical" else []
        found = [measure(model, X, yes.to(k), generator=seeded(0), likelihood=likelihood).whole.value for k in kinds]
        assert found == pytest.approx([found[0]] * len(kinds))


def test_positions_beyond_the_classes_are_refused_and_every_negative_one_is_ignored() -> None:
    model = nn.Sequential(nn.Unflatten(1, (4, 1)), nn.Linear(1, 3))
    labels = torch.tensor([[0, -1, 2, -100]] * 8)
    measure = critlab.measures.fisher_empirical
    found = measure(model, X, labels, generator=seeded(0), likelihood="categorical_per_position")
    assert found.whole.value > 0
    with pytest.raises(StudyError, match="received 255; must be from 0 to 2, or negative"):
        measure(model, X, labels.where(labels >= 0, 255), generator=seeded(0), likelihood="categorical_per_position")


def test_a_variance_beyond_all_numbers_is_a_divergence() -> None:
    model = nn.Linear(4, 2)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.copy_(torch.tensor([0.0, -2000.0]))
    with pytest.raises(Diverged, match="not finite"):
        critlab.fisher_trace(model, torch.randn(80, 4), generator=seeded(0), likelihood="gaussian_variance")


def test_likelihoods_by_name_by_table_and_by_value_are_the_same() -> None:
    wanted = Gaussian(variance=0.25)
    assert likelihood_of({"name": "gaussian", "variance": 0.25}, "test") == wanted == likelihood_of(wanted, "test")
    assert likelihood_of("gaussian", "test") == Gaussian()
    assert {LIKELIHOODS[name].name for name in LIKELIHOODS} == set(LIKELIHOODS)
