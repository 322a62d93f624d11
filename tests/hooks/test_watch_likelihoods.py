"""The watch of every kind of head: its trace is that of explicit Jacobians, or the head is refused at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.hooks.watch import Watch
from critlab.hooks.watch.options import WatchOptions
from critlab.measures import Bernoulli, Gaussian
from heads import Head, exact_trace, head, perceptron
from watched_trainings import always, untouched

X = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["one logit", "multi-label", "vector", "scalar with its variance", "words"])
def test_its_trace_and_uncertainty_are_those_of_brute_force(name: str) -> None:
    one = head(name, 5)
    torch.set_num_threads(1)
    watch = always(Watch(one.model, budget=1.0, gradients=False, path=False, examples=5, likelihood=one.likelihood))
    for _ in range(97):
        watch.step(one.images)
    watch.close()
    truth = exact_trace(one)
    for layer, value in {**truth, "": sum(truth.values())}.items():
        readings = [record.layers[layer] if layer else record.trace for record in watch.history]
        weights = np.array([record.looks for record in watch.history], dtype=float)
        mean = np.average([reading.value for reading in readings], weights=weights)
        error = np.sqrt(np.sum((weights * [reading.stderr for reading in readings]) ** 2)) / weights.sum()
        assert abs(mean - value) <= 4.5 * error + 1e-9, layer
        assert error <= 0.25 * value, layer
    output = one.likelihood.view(one.model(one.images).detach())
    entropy = float(one.likelihood.entropy(output).mean())
    found = np.average([record.uncertainty.value for record in watch.history], weights=weights)
    assert found == pytest.approx(entropy, abs=0.1)


def test_a_watched_regression_ends_with_the_same_bits() -> None:
    def loss(model: nn.Module, batch: Any) -> Tensor:
        found: Tensor = (model(batch)[:, 0] - batch.sum(1)).square().mean()
        return found

    watch = untouched(lambda: perceptron(1), X, loss, likelihood="gaussian")
    assert watch.history[-1].trace.value > 0


def test_a_state_of_another_likelihood_is_refused() -> None:
    """Its trace is another quantity; a state from before there were likelihoods is of classes."""
    watch = always(Watch(perceptron(3), budget=1.0, likelihood="gaussian"))
    for _ in range(10):
        watch.step(X)
    state = watch.state_dict()
    Watch(perceptron(3), likelihood=Gaussian()).load_state_dict(state)
    with pytest.raises(StudyError, match=r"is of the likelihood Gaussian\(variance=1.0\); must be Categorical\(\)"):
        Watch(perceptron(3)).load_state_dict(state)
    again = Watch(perceptron(3))
    with pytest.warns(UserWarning, match="the watch begins again"):
        again.restore(state)
    assert not again.history
    del state["looking"]["likelihood"]
    with pytest.raises(StudyError, match=r"is of the likelihood Categorical\(\)"):
        Watch(perceptron(3), likelihood="gaussian").load_state_dict(state)


class Gives(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.net, self.kind = perceptron(3), kind

    def forward(self, x: Tensor) -> Any:
        a = self.net(x)
        return {
            "logits": SimpleNamespace(loss=None, logits=a),
            "loss first": (a.sum(), a),
            "mean and variance": (a[:, 0], a[:, 1]),
            "sigmoid": a.sigmoid(),
            "one number": a[:, :1],
        }[self.kind]


@pytest.mark.parametrize("kind", ["logits", "loss first"])
@pytest.mark.parametrize("likelihood", ["bernoulli", Gaussian(variance=0.1)])
def test_an_output_is_found_wherever_logits_are(kind: str, likelihood: Any) -> None:
    watch = always(Watch(Gives(kind), budget=1.0, options=WatchOptions(likelihood=likelihood)))
    for _ in range(10):
        watch.step(X)
    assert watch.history[0].trace.value > 0


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("one number", {}, "use a likelihood that fits: bernoulli, gaussian$"),
        ("mean and variance", {}, "without logits; give forward=.*fit one of its tensors: bernoulli, gaussian$"),
        ("mean and variance", {"likelihood": "gaussian"}, "2 tensors that may be logits"),
        ("sigmoid", {"likelihood": "bernoulli"}, "ends in a sigmoid"),
        (
            "logits",
            {"likelihood": "gaussian_variance"},
            "use a likelihood that fits: categorical, bernoulli, gaussian$",
        ),
        ("logits", {"likelihood": "gauss"}, "watch: likelihood: .*did you mean 'gaussian'"),
    ],
)
def test_a_head_that_is_not_understood_is_refused_before_the_first_step(kind: str, options: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said) as error:
        Watch(Gives(kind), **options).rehearse(X)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("problem", "wanted"), [("multi_label_classification", Bernoulli()), ("regression", Gaussian())]
)
def test_a_model_that_says_its_problem_is_asked_for_its_likelihood(problem: str, wanted: Any) -> None:
    model: Any = Gives("logits")
    model.config = SimpleNamespace(problem_type=problem)
    with pytest.raises(StudyError, match=f"give likelihood='{wanted.name}'"):
        Watch(model)
    Watch(model, likelihood=wanted).rehearse(X)
    Watch(model, forward=lambda one, x: one(x).logits).rehearse(X)


def test_padding_has_no_share() -> None:
    """Positions outside of the attention mask, of per-position classes: as for the default."""
    one = head("words", 5)
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[:3, 2:] = False
    model = one.model

    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
            found: Tensor = self.inner(tokens)
            return found

    masked = Head(one.likelihood, one.model, one.images, one.labels, mask)
    watch = always(Watch(Masked(), budget=1.0, examples=5, likelihood="categorical_per_position", path=False))
    for _ in range(65):
        watch.step((one.images, mask))
    value = float(np.mean([record.trace.value for record in watch.history]))
    assert value == pytest.approx(sum(exact_trace(masked).values()), rel=0.35)
    assert value < 0.8 * sum(exact_trace(one).values())
