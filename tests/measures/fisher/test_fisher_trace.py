"""The Fisher trace against a brute-force sum over images and labels, and what it leaves behind: nothing."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import stdtrit
from torch import Tensor, nn

from critlab._core.errors import Diverged, StudyError
from critlab.measures import FisherTrace, Probe
from critlab.measures.estimates import mean_over_images, total
from critlab.measures.fisher.trace import fisher_trace
from critlab.measures.gradients.squared import LARGEST_COARSE_GROUP, LARGEST_GROUP, plan


class Transformer(nn.Module):
    """One block over token numbers, with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(5, 8) / 3)
        self.embedding = nn.Embedding(7, 8)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: Any) -> Tensor:
        x = self.embedding(tokens) + self.position
        y = self.norm(x)
        return self.head((x + self.attention(y, y, y, need_weights=False)[0]).mean(1))


class Shared(nn.Module):
    """One weight used in two places, one layer used twice, one never used, one frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.twin = nn.Linear(6, 6)
        self.twin.weight = self.first.weight
        self.unused = nn.Linear(2, 2)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.frozen(self.twin(torch.tanh(self.first(torch.tanh(self.first(x)))))))


class Heads(nn.Module):
    """Two heads of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Linear(4, 5)
        self.heads = nn.Linear(5, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.heads(torch.tanh(self.trunk(x))).view(-1, 2, 3)


class Fickle(nn.Module):
    """Changes its buffers and draws random numbers even in evaluation mode; fails when told to."""

    calls: Tensor
    last: Tensor

    def __init__(self, fails: Any = False) -> None:
        super().__init__()
        self.layer, self.fails = nn.Linear(4, 3), fails
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x.mean()
        if self.fails:
            raise RuntimeError("no more")
        return self.layer(x + torch.randn_like(x))


def convolutional() -> Any:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3, stride=2),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 3),
    )
    model(torch.randn(64, 2, 6, 6) * 2 + 1)  # running statistics other than those of the start
    return model


def mlp() -> Any:
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "convolutional": (convolutional, lambda n: torch.randn(n, 2, 6, 6)),
    "mlp": (mlp, lambda n: torch.randn(n, 5) * 2),
    "transformer": (Transformer, lambda n: torch.randint(7, (n, 5))),
    "shared": (Shared, lambda n: torch.randn(n, 6)),
    "heads": (Heads, lambda n: torch.randn(n, 4) * 2),
    "bare_layer": (lambda: nn.Linear(3, 3), lambda n: torch.randn(n, 3)),
}


def case(name: str, images: Any = 24) -> Any:
    torch.manual_seed(5)
    make, draw = CASES[name]
    model, inputs = make(), draw(images)
    return model, inputs


def seeded(seed: int) -> Any:
    return torch.Generator().manual_seed(seed)


def exact(model: Any, images: Any) -> Any:
    """{layer: trace} by summing over every image and every combination of labels, in float64."""
    model = model.double().eval()
    images = images.double() if images.is_floating_point() else images
    owned: dict[str, list[Any]] = {}
    seen: set[int] = set()
    for name, module in model.named_modules():
        for p in module.parameters(recurse=False):
            if p.requires_grad and id(p) not in seen:
                seen.add(id(p))
                owned.setdefault(name, []).append(p)
    traces = dict.fromkeys(owned, 0.0)
    flat = [(name, p) for name, parameters in owned.items() for p in parameters]
    for image in images:
        log_p = model(image[None]).log_softmax(-1)[0]
        log_p = log_p if log_p.ndim == 2 else log_p[None]
        for labels in itertools.product(range(log_p.shape[1]), repeat=log_p.shape[0]):
            score = sum(head[label] for head, label in zip(log_p, labels, strict=True))
            gradients = torch.autograd.grad(score, [p for _, p in flat], retain_graph=True, allow_unused=True)
            for (name, _), g in zip(flat, gradients, strict=True):
                if g is not None:
                    traces[name] += (score.exp() * g.square().sum()).item() / len(images)
    return traces


@pytest.mark.parametrize("name", list(CASES))
def test_every_layer_and_the_whole_are_within_four_errors_of_the_exact_value(name: str) -> None:
    model, images = case(name)
    estimates = fisher_trace(model, images, generator=seeded(0), draws=150)
    truth = exact(model, images)
    assert estimates.keys() == truth.keys()
    for layer, value in truth.items():
        error = estimates[layer].stderr
        assert abs(estimates[layer].value - value) <= 4 * error + 1e-9, layer
        assert error <= 0.12 * value, layer
    whole = total(estimates)
    assert abs(whole.value - sum(truth.values())) <= 4 * whole.stderr
    assert 0 < whole.stderr <= 0.1 * whole.value


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convolutional", "mlp"])
def test_in_bfloat16_it_is_unbiased_as_far_as_it_can_tell(name: str) -> None:
    """In groups of 16 and of 32, for the same weights; 1 % is added for what bfloat16 rounds."""
    model, images = case(name, 40)
    generators = seeded(0), seeded(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = [
            fisher_trace(model, images, generator=generator, draws=150, group=group)
            for generator, group in zip(generators, (LARGEST_GROUP, LARGEST_COARSE_GROUP), strict=True)
        ]
    truth = exact(model, images)
    for estimates in found:
        for layer, value in truth.items():
            assert abs(estimates[layer].value - value) <= 4 * estimates[layer].stderr + 0.01 * value, layer
        assert total(estimates).stderr <= 0.1 * sum(truth.values())


def test_a_study_measures_in_the_precision_that_it_trains_in() -> None:
    model, images = case("convolutional", 64)
    labels = torch.zeros(len(images), dtype=torch.int64)
    plain = Probe(images, labels, lambda index: seeded(10 + index))
    coarse = replace(plain, as_trained=lambda: torch.autocast("cpu", dtype=torch.bfloat16), coarse=True)
    options = FisherTrace()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wanted = fisher_trace(model, images, generator=seeded(10), group=LARGEST_COARSE_GROUP)
    values = [options.measure(model, probe)[0].value for probe in (plain, coarse)]
    assert values[1] == total(wanted).value
    assert values[0] == total(fisher_trace(model, images, generator=seeded(10))).value != values[1]


def test_shared_parameters_count_once_and_unused_ones_are_zero() -> None:
    model, images = case("shared")
    estimates = fisher_trace(model, images, generator=seeded(0))
    assert list(estimates) == ["first", "twin", "unused", "head"]  # the twin owns its bias alone
    assert estimates["unused"].value == estimates["unused"].stderr == 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "draws", "readings"), [("mlp", 2, 200), ("mlp", 1, 100), ("heads", 2, 100)])
def test_errors_are_calibrated_and_the_estimate_unbiased(name: str, draws: Any, readings: int) -> None:
    model, images = case(name, 40)
    truth = sum(exact(model, images).values())
    model.float()
    found = [total(fisher_trace(model, images, generator=seeded(s), draws=draws)) for s in range(readings)]
    values, errors = np.array([e.value for e in found]), np.array([e.stderr for e in found])
    assert abs(values.mean() - truth) <= 4 * values.std(ddof=1) / np.sqrt(len(values))
    if draws > 1:
        assert 0.7 <= ((values - truth) / errors).std() <= 1.4
        assert 0.8 <= np.sqrt((errors**2).mean()) / values.std(ddof=1) <= 1.25
    else:  # an upper bound
        assert np.sqrt((errors**2).mean()) >= 0.9 * values.std(ddof=1)


@pytest.mark.slow
def test_the_error_of_the_whole_holds_the_covariance_of_the_layers() -> None:
    model, images = case("mlp")
    runs = [fisher_trace(model, images, generator=seeded(s), draws=2) for s in range(100)]
    apart = np.sqrt(np.mean([sum(e.stderr**2 for e in run.values()) for run in runs]))
    together = np.sqrt(np.mean([total(run).stderr ** 2 for run in runs]))
    spread = np.std([total(run).value for run in runs], ddof=1)
    assert abs(together / spread - 1) < 0.25
    assert apart < 0.85 * spread  # ignoring the covariance would have been wrong
    for run in runs[:3]:
        assert total(run).value == pytest.approx(sum(e.value for e in run.values()))


def test_the_plan_leaves_enough_degrees_of_freedom() -> None:
    sizes = (1, 2, 5, 16, 32, 33, 40, 300, 1024), (1, 2, 5, 40), (LARGEST_GROUP, LARGEST_COARSE_GROUP)
    for images, draws, largest in itertools.product(*sizes):
        groups, made = plan(images, draws, largest)
        assert 1 <= groups <= images
        assert -(-images // groups) <= largest <= 32
        assert made >= draws or groups == images
        assert (groups * (made - 1) if made > 1 else groups - 1) >= 32, (images, draws, largest)


@pytest.mark.parametrize("images", [1, 3, 17])
def test_few_images_still_have_an_error(images: Any) -> None:
    model, inputs = case("mlp", images)
    estimate = total(fisher_trace(model, inputs, generator=seeded(1)))
    truth = sum(exact(model, inputs).values())
    assert 0 < estimate.stderr < truth
    assert abs(estimate.value - truth) <= 4 * estimate.stderr


def test_means_over_images_by_hand() -> None:
    samples = np.array([[1.0, 3.0], [5.0, 5.0]])
    estimate = mean_over_images(list(samples), 4)
    assert estimate.value == (2 + 5) / 4
    # variances 1 and 0 of the means; 2 / freedom is 2 / 3 by Welch and the skewness 2 / 2 * (2 / 29) * 2 squared
    freedom = 1 / (1 / 3 + 0.8 * (2 * (2 / 29) * 2 * 2 / 4) ** 2)
    assert estimate.stderr == pytest.approx(stdtrit(freedom, 0.9825) / 1.96 / 4)
    estimate = mean_over_images(list(np.array([[1.0], [3.0]])), 2)
    # 1 / 3 + 0.8 (2 * 4 / 2 * 2)^2 / 4^3 is above 1
    assert estimate.value == 2.0
    assert estimate.stderr == pytest.approx(stdtrit(1, 0.9825) / 1.96 * np.sqrt(4) / 2)
    assert mean_over_images(list(np.ones((1, 1))), 1).stderr == float("inf")


def test_many_equal_draws_have_nearly_the_standard_deviation_as_their_error() -> None:
    samples = np.random.default_rng(0).normal(100, 1, size=(500, 20))
    assert mean_over_images(list(samples), 500).stderr == pytest.approx(1.076 / np.sqrt(500 * 20), rel=0.02)


def snapshot(model: Any) -> Any:
    tensors = [*model.parameters(), *model.buffers()]
    return (
        [t.detach().clone() for t in tensors],
        [(id(t), t._version) for t in model.parameters()],
        [p.grad for p in model.parameters()],
        [p.grad.clone() for p in model.parameters() if p.grad is not None],
        [m.training for m in model.modules()],
        [id(b) for b in model.buffers()],
        torch.get_rng_state(),
    )


def assert_same(before: Any, after: Any) -> None:
    for old, new in zip(before, after, strict=True):
        if isinstance(old, torch.Tensor):
            assert torch.equal(old, new)
        else:
            assert len(old) == len(new)
            for a, b in zip(old, new, strict=True):
                assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("name", ["convolutional", "transformer", "fickle"])
def test_the_model_and_the_world_are_left_as_they_were(name: str, fails: Any) -> None:
    if name == "fickle":
        model, images = Fickle(fails), torch.randn(20, 4)
    else:
        model, images = case(name)
        if fails:
            model.register_forward_hook(lambda *_: 1 / 0)
    model.train()
    next(model.children()).eval()  # mixed modes
    first = next(model.parameters())
    first.grad = torch.ones_like(first)
    before = snapshot(model)
    if fails:
        with pytest.raises((RuntimeError, ZeroDivisionError)):
            fisher_trace(model, images, generator=seeded(0))
    else:
        fisher_trace(model, images, generator=seeded(0))
    assert_same(before, snapshot(model))


def test_a_graph_that_the_caller_holds_stays_valid() -> None:
    model, images = case("convolutional")
    loss = model.eval()(images).sum()
    fisher_trace(model, images, generator=seeded(0))
    loss.backward()


def test_the_generator_decides_the_result() -> None:
    for model, images in (case("mlp"), (Fickle(), torch.randn(20, 4))):
        first = fisher_trace(model, images, generator=seeded(3))
        torch.rand(3)
        again = fisher_trace(model, images, generator=seeded(3))
        other = fisher_trace(model, images, generator=seeded(4))
        assert first == again
        assert total(first) == total(again)
        assert total(first) != total(other)


def test_surrounding_modes_and_layouts_change_nothing() -> None:
    model, images = case("convolutional")
    plain = fisher_trace(model, images, generator=seeded(3))
    with torch.no_grad():
        assert fisher_trace(model, images, generator=seeded(3)) == plain
    with torch.inference_mode():
        assert fisher_trace(model, images + 0, generator=seeded(3)) == plain
    last = images.contiguous(memory_format=torch.channels_last)
    seen = []
    handle = model.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].is_contiguous(memory_format=torch.channels_last))
    )
    fisher_trace(model, last, generator=seeded(3))
    handle.remove()
    assert seen
    assert all(seen)


def test_it_measures_in_evaluation_mode() -> None:
    model, images = case("transformer")
    trained, evaluated = (fisher_trace(model.train(mode), images, generator=seeded(3)) for mode in (True, False))
    assert trained == evaluated


@pytest.mark.parametrize(
    ("model", "images", "draws", "error", "text"),
    [
        (lambda x: x, torch.rand(4, 3), 1, StudyError, "function; must be a torch.nn.Module"),
        (nn.Flatten(), torch.rand(4, 3), 1, StudyError, "no parameter that requires gradients"),
        (nn.Conv2d(1, 2, 1), torch.rand(4, 1, 2, 2), 1, StudyError, r"must give float logits \(1, classes\)"),
        (nn.LSTM(3, 2), torch.rand(4, 3), 1, StudyError, "it gave tuple"),
        (nn.Linear(3, 2), torch.rand(0, 3), 1, StudyError, "received 0 images"),
        (nn.Linear(3, 2), torch.rand(4, 3), 0, StudyError, "0 draws"),
        (nn.Linear(3, 2), torch.full((4, 3), float("nan")), 1, Diverged, "not finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(model: Any, images: Any, draws: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        fisher_trace(model, images, generator=seeded(0), draws=draws)


def test_groups_of_none_are_refused() -> None:
    with pytest.raises(StudyError, match="group: received 0; must be at least 1"):
        fisher_trace(nn.Linear(3, 2), torch.rand(4, 3), generator=seeded(0), group=0)


def test_readings_for_a_study() -> None:
    model, images = case("transformer")
    probe = Probe(images, torch.zeros(len(images), dtype=torch.int64), lambda index: seeded(10 + index))
    readings = FisherTrace(draws=2).measure(model, probe)
    found = fisher_trace(model, images, generator=seeded(10), draws=2)
    assert {r.quantity for r in readings} == {"fisher_trace"}
    assert [r.layer for r in readings] == ["", "(root)", *list(found)[1:]]
    assert (readings[0].value, readings[0].stderr) == (total(found).value, total(found).stderr)
    assert readings[2].value == found["embedding"].value


@pytest.mark.slow
def test_options_are_neutral_where_they_say_nothing_and_need_no_torch() -> None:
    assert FisherTrace(every=5).identity() == {"every": 5, "images": 1024}
    assert FisherTrace(draws=3).identity()["draws"] == 3
    code = "import sys; import critlab.measures; assert not {'torch', 'scipy', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
