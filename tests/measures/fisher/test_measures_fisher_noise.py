"""The noise-based Fisher information against the direct one, on nets trained to convergence on a known net's labels."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import critlab
from critlab._core.errors import Diverged, StudyError
from critlab.measures.estimates import total
from critlab.measures.fisher.noise import fisher_noise, noise_tolerance
from nets import block_traces, hessian, net, seeded


def softmax_regression() -> Any:
    return nn.Linear(6, 4)


def one_hidden_layer(activation: Any = nn.Tanh) -> Any:
    return nn.Sequential(nn.Linear(6, 3), activation(), nn.Linear(3, 3))


def converged(make: Any, images: Any = 1600) -> Any:
    """A net trained to convergence on labels drawn from a known net of the same form; its images and labels."""
    torch.manual_seed(1)
    known, learner = make().double(), make().double()
    with torch.no_grad():
        for parameter in known.parameters():
            parameter.copy_(torch.randn_like(parameter))
    inputs = torch.randn(images, 6, dtype=torch.float64)
    labels = torch.multinomial(known(inputs).softmax(-1), 1, generator=seeded(0))[:, 0]
    optimizer = torch.optim.LBFGS(
        learner.parameters(),
        max_iter=1000,
        max_eval=5000,
        tolerance_grad=1e-5,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Any:
        optimizer.zero_grad()
        value = cross_entropy(learner(inputs), labels)
        value.backward()
        return value

    optimizer.step(loss)
    assert loss() < cross_entropy(known(inputs), labels), "it fits its sample better than the net that drew it"
    return learner.float(), inputs.float(), labels


@pytest.mark.slow
@pytest.mark.parametrize("make", [softmax_regression, one_hidden_layer])
def test_both_kinds_agree_with_the_direct_trace_within_15_percent_of_each_layer(make: Any) -> None:
    model, images, labels = converged(make)
    direct = critlab.fisher_trace(model, images, generator=seeded(1), draws=6)
    for answers in (labels, None):
        noisy = fisher_noise(model, images, answers, generator=seeded(2), draws=3)
        assert noisy.keys() == direct.keys()
        for layer, estimate in noisy.items():
            assert abs(estimate.value / direct[layer].value - 1) <= 0.15, (layer, answers is None)
            assert estimate.stderr <= 0.07 * estimate.value, layer
        assert total(noisy).value == pytest.approx(total(direct).value, rel=0.15)


@pytest.mark.slow
def test_without_labels_it_agrees_before_convergence_and_with_kinks_too() -> None:
    torch.manual_seed(4)
    images = torch.randn(800, 6)
    for model in (converged(partial(one_hidden_layer, nn.ReLU), 800)[0], one_hidden_layer(nn.ReLU)):
        direct = critlab.fisher_trace(model, images, generator=seeded(1), draws=8)
        noisy = fisher_noise(model, images, generator=seeded(2), draws=4)
        for layer, estimate in noisy.items():
            assert abs(estimate.value / direct[layer].value - 1) <= 0.15, layer


def exact_hessian_trace(model: Any, images: Any, labels: Any) -> Any:
    """Of a softmax regression: the sum over classes of p (1 - p), times the squared length of the input and its 1."""
    p = model(images).softmax(-1)
    return ((p * (1 - p)).sum(1) * (1 + images.square().sum(1))).mean().item()


@pytest.mark.slow
def test_on_a_softmax_regression_value_and_noise_have_their_closed_form() -> None:
    torch.manual_seed(2)
    model, images = nn.Linear(6, 4), torch.randn(200, 6)
    labels = torch.randint(4, (200,))
    exact = exact_hessian_trace(model, images, labels)
    beta = 1e-4
    for answers in (labels, None):
        found = fisher_noise(model, images, answers, generator=seeded(0), beta=beta, draws=20)[""]
        assert abs(found.value - exact) <= 4 * found.stderr
        assert found.stderr < 0.05 * exact
    variances = [noise_tolerance(model, images, labels, generator=seeded(s), beta=beta)[""] for s in range(8)]
    assert np.exp(np.mean(np.log(variances))) == pytest.approx(beta / exact, rel=0.25)
    with torch.no_grad():
        before, rises = cross_entropy(model(images), labels), []
        for seed in range(400):
            moved = nn.Linear(6, 4)
            for new, old in zip(moved.parameters(), model.parameters(), strict=True):
                new.copy_(old + torch.randn(old.shape, generator=seeded(seed)) * (beta / exact) ** 0.5)
            rises.append((cross_entropy(moved(images), labels) - before).item())
    assert np.mean(rises) == pytest.approx(beta / 2, abs=4 * float(np.std(rises)) / 20)


@pytest.mark.parametrize("kind", ["model", "data"])
def test_a_model_that_is_sure_of_its_answers_is_read_with_all_digits(kind: str) -> None:
    """The other probabilities are about 1e-10, where one minus the first has no digits left in float32."""
    torch.manual_seed(2)
    labels = torch.arange(60) % 4
    images = torch.eye(4, 6)[labels] + torch.randn(60, 6) / 50
    model = nn.Linear(6, 4)
    with torch.no_grad():
        model.weight.copy_(24 * torch.eye(4, 6))
    p = model.double()(images.double()).log_softmax(-1).exp()
    others = p.scatter(-1, labels[:, None], 0)
    shares = (others * (1 - others)).sum(1) + others.sum(1) * p.gather(1, labels[:, None])[:, 0]
    exact = (shares * (1 + images.double().square().sum(1))).mean().item()
    assert 1e-11 < exact < 1e-8
    answers = labels if kind == "data" else None
    found = fisher_noise(model.float(), images, answers, generator=seeded(0), beta=1e-3 * exact, draws=16)[""]
    assert abs(found.value - exact) <= 4 * found.stderr + 0.02 * exact
    assert found.stderr < 0.1 * exact


@pytest.mark.slow
def test_every_layer_is_the_trace_of_its_own_block_of_the_hessian() -> None:
    model, images, labels = net("heads", 40)
    found = fisher_noise(model, images, labels, generator=seeded(1), beta=1e-5, draws=40)
    model.double()
    log_p = model(images.double()).log_softmax(-1)
    chosen = log_p.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    loss = -chosen[labels >= 0].sum() / len(images)
    traces = block_traces(model, hessian(model, loss))
    for layer, estimate in found.items():
        assert abs(estimate.value - traces[layer]) <= 4 * estimate.stderr, layer
        assert estimate.stderr < 0.2 * abs(traces[layer]), layer


@pytest.mark.slow
def test_the_error_is_calibrated() -> None:
    torch.manual_seed(2)
    model, images = nn.Linear(6, 4), torch.randn(33, 6)
    found = [total(fisher_noise(model, images, generator=seeded(s), draws=2)) for s in range(24)]
    values, errors = np.array([e.value for e in found]), np.array([e.stderr for e in found])
    assert 0.6 <= np.sqrt((errors**2).mean()) / values.std(ddof=1) <= 1.7


def test_a_layer_without_influence_has_none() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"used": nn.Linear(4, 3), "unused": nn.Linear(2, 2)})
    model.forward = lambda images: model["used"](images)
    found = fisher_noise(model, torch.randn(40, 4), generator=seeded(0))
    assert found["unused"] == critlab.Estimate(0.0, 0.0)
    assert found["used"].value > 0


@pytest.mark.slow
def test_the_generator_decides_the_result() -> None:
    model, images, labels = net("convolutional", 8)
    first, again, other = (fisher_noise(model, images, labels, generator=seeded(s)) for s in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("model", "images", "options", "error", "text"),
    [
        (abs, torch.rand(4, 3), {}, StudyError, "must be a torch.nn.Module"),
        (nn.Flatten(), torch.rand(4, 3), {}, StudyError, "no parameter that requires gradients"),
        (nn.Linear(3, 2), torch.rand(0, 3), {}, StudyError, "received 0 images"),
        (nn.Linear(3, 2), torch.rand(4, 3), {"beta": 0.0}, StudyError, "beta 0.0"),
        (nn.Linear(3, 2), torch.rand(4, 3), {"draws": 0}, StudyError, "0 draws"),
        (nn.Linear(3, 2), torch.rand(4, 3), {"labels": torch.full((4,), 2)}, StudyError, "received 2 to 2"),
        (nn.Linear(3, 2), torch.full((4, 3), float("nan")), {}, Diverged, "not finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(model: Any, images: Any, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        fisher_noise(model, images, generator=seeded(0), **options)
