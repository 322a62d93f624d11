"""Moments and covariance of mini-batch gradients against brute force in float64."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures import GradientCovariance, Gradients, Probe
from critlab.measures.estimates import total
from critlab.measures.gradients.covariance import _largest, gradient_covariance, measure
from critlab.measures.gradients.moments import gradient_moments
from critlab.measures.gradients.sample import GradientSample, gradient_sample
from nets import NETS, image_gradients, net, seeded

NAMES = [name for name in NETS if name != "heads"]


def rows(name: str, images: Any = 24) -> Any:
    """The net, and the loss gradients of its images, one by one: ``{layer: (images, numbers)}``, float64."""
    model, inputs, labels = net(name, images)
    single = {layer: -g.numpy() for layer, g in image_gradients(model, inputs, labels).items()}
    return model.float(), inputs, labels, single


@pytest.mark.parametrize("name", NAMES)
def test_image_by_image_the_covariance_is_the_sample_covariance(name: str) -> None:
    model, images, labels, single = rows(name)
    found = gradient_covariance(model, images, labels, generator=seeded(0), batch=1)
    for layer, g in single.items():
        assert found.trace[layer].value == pytest.approx(g.var(0, ddof=1).sum(), rel=1e-4)
    together = np.concatenate(list(single.values()), axis=1)
    assert total(found.trace).value == pytest.approx(together.var(0, ddof=1).sum(), rel=1e-4)
    values = np.linalg.eigvalsh(np.cov(together.T))
    assert found.top.value == pytest.approx(values[-1] - values[:-1].sum() / 22, rel=1e-4)


@pytest.mark.slow
def test_the_largest_eigenvalue_is_about_the_exact_one_all_through_a_training() -> None:
    torch.manual_seed(0)
    labels = torch.arange(768) % 6
    images = torch.randn(6, 24)[labels] + torch.randn(768, 24)
    model = torch.nn.Sequential(torch.nn.Linear(24, 12), torch.nn.ReLU(), torch.nn.Linear(12, 6))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(401):
        if step in (0, 30, 400):
            exact = largest_of_all_images(model, images, labels)
            found = [largest_as_a_study_reads_it(model, images, labels, seed) for seed in range(4)]
            assert 0.85 * exact <= np.mean(found) <= 1.25 * exact, step
            assert 0.7 * exact <= min(found) <= max(found) <= 1.4 * exact, step
        chosen = torch.randperm(768)[:32]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images[chosen]), labels[chosen]).backward()
        optimizer.step()


def largest_as_a_study_reads_it(model: nn.Module, images: Tensor, labels: Tensor, seed: int) -> float:
    probe = Probe(images, labels, lambda _: seeded(seed))
    found = {one.quantity: one.value for one in measure(model, probe, GradientCovariance()) if not one.layer}
    return found["gradient_covariance_top"]


def largest_of_all_images(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The largest eigenvalue of the covariance of the gradients of all images, in float64."""
    given = {name: p.detach().double() for name, p in model.named_parameters()}

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        log_p = torch.func.functional_call(model, weights, image[None]).log_softmax(-1)
        found: Tensor = -log_p[0].gather(0, label[None])[0]
        return found

    single = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(given, images.double(), labels)
    return float(np.linalg.eigvalsh(np.cov(torch.cat([g.flatten(1) for g in single.values()], 1).numpy().T))[-1])


def test_where_no_direction_leads_nothing_is_left_of_the_largest_eigenvalue() -> None:
    values = []
    for seed in range(5):
        rows = np.random.default_rng(seed).normal(size=(40, 20_000))
        sample = GradientSample([""], 1, np.array([20_000.0]), rows.sum(1)[None], (rows @ rows.T)[None])
        values.append(_largest(sample) / (20_000 / 40))
    assert max(values) < 0.2, "it is 1 before anything is taken off"


@pytest.mark.slow
@pytest.mark.parametrize("batch", [2, 5])
def test_over_mini_batches_the_trace_is_unbiased_and_its_error_of_the_right_size(batch: Any) -> None:
    model, images, labels, single = rows("mlp", 40)
    together = np.concatenate(list(single.values()), axis=1)
    found = [
        total(gradient_covariance(model, images, labels, generator=seeded(s), batch=batch).trace) for s in range(100)
    ]
    values, errors = np.array([e.value for e in found]), np.array([e.stderr for e in found])
    exact = together.var(0, ddof=1).sum()
    assert abs(values.mean() - exact) <= 4 * values.std(ddof=1) / math.sqrt(len(values))
    # the images are the same in every repetition, so the error is an upper bound here
    assert np.sqrt((errors**2).mean()) >= values.std(ddof=1)


@pytest.mark.slow
def test_the_error_of_the_trace_is_calibrated_over_new_images() -> None:
    torch.manual_seed(1)
    model = torch.nn.Linear(3, 3)
    found = []
    for seed in range(100):
        images = torch.randn(60, 3, generator=seeded(seed))
        labels = torch.randint(3, (60,), generator=seeded(seed))
        found.append(total(gradient_covariance(model, images, labels, generator=seeded(0), batch=3).trace))
    values, errors = np.array([e.value for e in found]), np.array([e.stderr for e in found])
    assert 0.8 <= np.sqrt((errors**2).mean()) / values.std(ddof=1) <= 1.25


@pytest.mark.parametrize("name", NAMES)
def test_moments_are_those_of_all_numbers_of_all_mini_batches(name: str) -> None:
    model, images, labels, single = rows(name)
    order = torch.randperm(24, generator=seeded(7))[:20].view(4, 5)
    found = gradient_moments(model, images, labels, generator=seeded(7), batch=5)
    assert list(found) == ["", *single]
    for layer, g in {"": np.concatenate(list(single.values()), axis=1), **single}.items():
        means = np.stack([g[places].mean(0) for places in order.numpy()])
        norm = np.linalg.norm(means.mean(0))
        noise = math.sqrt(means.var(0, ddof=1).sum())
        exact = {"mean": means.mean(), "deviation": means.std(), "norm": norm, "signal_to_noise": norm / noise}
        for moment, value in exact.items():
            assert found[layer][moment].value == pytest.approx(value, rel=1e-4, abs=1e-7), (layer, moment)
            assert 0 < found[layer][moment].stderr < math.inf


@pytest.mark.slow
def test_errors_of_moments_are_calibrated_and_noise_alone_has_its_floor() -> None:
    torch.manual_seed(1)
    model = torch.nn.Linear(3, 3)
    found = []
    for seed in range(100):
        images = torch.randn(160, 3, generator=seeded(seed))
        labels = torch.multinomial(model(images).softmax(-1), 1, generator=seeded(seed + 1000))[:, 0]
        found.append(gradient_moments(model, images, labels, generator=seeded(0), batch=10)[""])
    ratios = np.array([one["signal_to_noise"].value for one in found])
    assert np.sqrt((ratios**2).mean()) == pytest.approx(1 / math.sqrt(16), rel=0.15), "labels of its own give no signal"
    for moment in ("deviation", "norm"):
        values, errors = (np.array([getattr(one[moment], a) for one in found]) for a in ("value", "stderr"))
        assert 0.6 <= np.sqrt((errors**2).mean()) / values.std(ddof=1) <= 1.4, moment


def test_labels_that_are_not_there_have_no_gradient() -> None:
    model, images, labels = net("heads", 12)
    sample = gradient_sample(model, images, labels, batch=4, generator=seeded(0), measure="test")
    order = torch.randperm(12, generator=seeded(0)).view(3, 4)
    single = {k: -g.numpy() for k, g in image_gradients(model, images, labels).items()}
    counts = (labels >= 0).sum(1).numpy()
    for place, (layer, g) in enumerate(single.items()):
        means = np.stack([g[p].sum(0) / counts[p].sum() for p in order.numpy()])
        assert sample.layers[place] == layer
        np.testing.assert_allclose(sample.products[place], means @ means.T, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(sample.sums[place], means.sum(1), rtol=1e-3, atol=1e-6)


def test_too_few_mini_batches_are_refused() -> None:
    model, images, labels = net("mlp", 12)
    with pytest.raises(StudyError, match="received 12 images in mini-batches of 5; must make at least 3"):
        gradient_moments(model, images, labels, generator=seeded(0), batch=5)
    with pytest.raises(StudyError, match="batch: received 400; must be at most 341, a third of the images"):
        Gradients.read({"batch": 400}, "measures.gradients")
