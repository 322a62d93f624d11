"""Kronecker factors against numpy, and the log-determinant where the factors are exact."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from critlab._core.errors import StudyError
from critlab.measures.components.fisher.fisher_log_determinant import FisherLogDeterminant
from critlab.measures.fisher.kronecker import MOST_LABELS, kronecker_factors
from critlab.measures.fisher.log_determinant import fisher_log_determinant
from critlab.measures.fisher.trace import fisher_trace
from critlab.measures.reading import Probe
from nets import net, seeded


def factors(model: Any, images: Any) -> Any:
    return kronecker_factors(model, images, seed=0, measure="test")


@pytest.mark.parametrize("bias", [True, False])
def test_one_linear_layer_on_one_image_is_exact(bias: Any) -> None:
    torch.manual_seed(0)
    model, image = nn.Linear(5, 4, bias=bias).double(), torch.randn(1, 5, dtype=torch.float64)
    scores = []
    p = model(image).softmax(-1)[0]
    for label in range(4):
        g = torch.autograd.grad(model(image).log_softmax(-1)[0, label], list(model.parameters()))
        scores.append(torch.cat([one.flatten() for one in g]) * p[label].sqrt())
    exact = torch.stack(scores).T @ torch.stack(scores)
    for damping in (1e-3, 1.0):
        found = fisher_log_determinant(model, image, generator=seeded(0), damping=damping)[""]
        wanted = np.linalg.slogdet((torch.eye(len(exact)) + exact / damping).detach().numpy())[1]
        assert found == pytest.approx(wanted, rel=1e-9)


def test_factors_of_a_linear_layer_are_the_means_of_inputs_and_gradients() -> None:
    torch.manual_seed(0)
    model, images = nn.Sequential(nn.Linear(5, 6), nn.ReLU(inplace=True), nn.Linear(6, 3)), torch.randn(70, 5)
    found = factors(model, images)
    model, x = model.double(), images.double().numpy()
    w1, b1, w2, b2 = (p.detach().numpy() for p in model.parameters())
    before = x @ w1.T + b1
    hidden = np.maximum(before, 0)
    logits = hidden @ w2.T + b2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    with_one = (np.c_[x, np.ones(70)], np.c_[hidden, np.ones(70)])
    at_logits = [np.diag(q) - np.outer(q, q) for q in p]
    at_hidden = [
        (w2.T @ fisher @ w2) * np.outer(active, active) for fisher, active in zip(at_logits, before > 0, strict=True)
    ]
    for layer, inputs, outputs in (("0", with_one[0], at_hidden), ("2", with_one[1], at_logits)):
        np.testing.assert_allclose(found[layer].inputs[0], inputs.T @ inputs / 70, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found[layer].outputs[0], np.mean(outputs, 0), rtol=1e-4, atol=1e-7)


CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "plain": {"padding": 1},
    "strided": {"stride": 2, "bias": False},
    "dilated": {"dilation": 2, "padding": "same"},
    "grouped": {"groups": 2, "padding": 1},
    "circular": {"padding": (1, 2), "padding_mode": "circular"},
}


@pytest.mark.parametrize("name", list(CONVOLUTIONS))
def test_factors_of_a_convolution_see_the_patches_that_it_sees(name: str) -> None:
    """The weights' gradient is the sum over positions of patch and output gradient: so it must come out of both."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(2, 4, 3, **CONVOLUTIONS[name]).double()
    images = torch.randn(9, 2, 6, 7, dtype=torch.float64)
    model = nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3).double())
    found = factors(model, images)["0"]
    groups, p, q = convolution.groups, found.inputs.shape[1], found.outputs.shape[1]
    bias = convolution.bias
    biased = bias is not None
    assert (groups * q, p) == (4, convolution.weight[0].numel() + biased)
    weight = convolution.weight.flatten(1).unflatten(0, (groups, q))
    if bias is not None:
        weight = torch.cat([weight, bias.unflatten(0, (groups, q, 1)).expand(groups, q, 1)], 2)
    # the output's squared length, channel by channel, is a quadratic form of the inputs' factor
    squares = convolution(images).square().sum((2, 3)).mean(0)
    form = torch.einsum("gqp,gpr,gqr->gq", weight, found.inputs, weight).flatten()
    torch.testing.assert_close(form, squares)
    positions = convolution(images)[0, 0].numel()
    at_output = exact_output_squares(model, images)
    for group in range(groups):
        own = slice(group * q, (group + 1) * q)
        torch.testing.assert_close(found.outputs[group], at_output[own, own] / positions)


def exact_output_squares(model: Any, images: Any) -> Any:
    """Mean over images of the sum over positions of E_y[g g^T], image by image and label by label."""
    total = torch.zeros(4, 4, dtype=torch.float64)
    for image in images:
        output = model[0](image[None]).detach().requires_grad_()
        log_p = model[1:](output).log_softmax(-1)[0]
        for one in log_p:
            (g,) = torch.autograd.grad(one, output, retain_graph=True)
            total += one.exp().detach() * g[0].flatten(1) @ g[0].flatten(1).T / len(images)
    return total


def test_a_layer_called_twice_and_a_layer_never_called() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"twice": nn.Linear(3, 3), "never": nn.Linear(2, 2), "head": nn.Linear(3, 2)}).double()
    model.forward = lambda x: model["head"](model["twice"](model["twice"](x)))
    images = torch.randn(8, 3, dtype=torch.float64)
    found = factors(model, images)
    both = torch.cat([images, model["twice"](images)])
    both = torch.cat([both, torch.ones(16, 1)], 1)
    torch.testing.assert_close(found["twice"].inputs[0], (both.T @ both / 8).detach())
    assert fisher_log_determinant(model, images, generator=seeded(0))["never"] == 0


def test_layers_that_learn_have_a_value_that_falls_with_damping() -> None:
    for name, layers in {"convolutional": ["0", "3", "8"], "frozen": ["4"], "heads": ["trunk", "heads"]}.items():
        model, images, _ = net(name)
        weak, strong = (
            fisher_log_determinant(model, images, generator=seeded(0), damping=damping) for damping in (1e-3, 1.0)
        )
        assert list(weak) == layers
        assert all(weak[layer] > strong[layer] > 0 for layer in layers)


def test_for_little_information_it_is_the_trace_over_the_damping() -> None:
    model, images, _ = net("mlp")
    found = fisher_log_determinant(model, images, generator=seeded(0), damping=1e6)
    for layer, one in factors(model, images).items():
        trace = one.inputs.diagonal(0, 1, 2).sum() * one.outputs.diagonal(0, 1, 2).sum()
        assert found[layer] == pytest.approx(trace.item() / 1e6, rel=1e-3)


@pytest.mark.parametrize(
    ("model", "images", "damping", "text"),
    [
        (nn.Linear(3, 2), torch.rand(0, 3), 1.0, "received 0 images"),
        (nn.Linear(3, 2), torch.rand(2, 3), 0.0, "damping 0.0"),
        (nn.LayerNorm(3), torch.rand(2, 3), 1.0, "no nn.Linear or nn.Conv2d"),
    ],
)
def test_what_cannot_be_measured_is_refused(model: Any, images: Any, damping: float, text: str) -> None:
    with pytest.raises(StudyError, match=text):
        fisher_log_determinant(model, images, generator=seeded(0), damping=damping)


class Uses(nn.Module):
    """The weight of its last layer, used in one of several ways."""

    def __init__(self, how: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.how, self.first, self.last = how, nn.Linear(6, 6), nn.Linear(6, 3)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True) if how == "attention" else None

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tanh(self.first(input=x) if self.how == "by name" else self.first(x))
        if self.how == "checkpoint":
            hidden = checkpoint(lambda z: torch.tanh(self.first(z)), x, use_reentrant=False)
        if self.attention is not None:
            hidden = self.attention(hidden[:, None], hidden[:, None], hidden[:, None])[0][:, 0]
        if self.how == "by hand":
            return nn.functional.linear(hidden, self.last.weight, self.last.bias)
        if self.how == "once more by hand":
            return self.last(hidden) + hidden @ self.last.weight.T
        if self.how == "functional":
            changed = {name: 2 * p for name, p in self.last.named_parameters()}
            return torch.func.functional_call(self.last, changed, hidden)
        if self.how == "scaled":
            return torch.vmap(self.last)(hidden)
        return self.last(hidden)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["by name", "checkpoint", "compiled", "data parallel"])
def test_however_a_layer_is_called_its_number_is_the_same(how: Any) -> None:
    images = torch.randn(40, 6, generator=seeded(1))
    wanted = fisher_log_determinant(Uses("plain"), images, generator=seeded(0))
    model: Any = Uses(how)
    if how == "compiled":
        model = torch.compile(model, backend="aot_eager")
        model(images)
    if how == "data parallel":
        model = nn.DataParallel(model)
    found = fisher_log_determinant(model, images, generator=seeded(0))
    assert list(found.values()) == pytest.approx(list(wanted.values()), rel=1e-5)
    assert [name.split(".")[-1] for name in found] == ["first", "last"]


@pytest.mark.parametrize(
    ("how", "unseen"),
    [
        ("by hand", "last"),
        ("once more by hand", "last"),
        ("functional", "last"),
        ("scaled", "last"),
        ("attention", "attention.out_proj"),
    ],
)
def test_a_layer_whose_use_cannot_be_followed_has_no_number(how: Any, unseen: Any) -> None:
    images = torch.randn(40, 6, generator=seeded(1))
    model: Any = Uses(how)
    found = fisher_log_determinant(model, images, generator=seeded(0))
    assert found["first"] > 0
    assert unseen not in found
    trace = fisher_trace(model, images, generator=seeded(0))
    assert all(found[name] > 0 or trace[name].value == 0 for name in found), "never 0 where the trace is not"


@pytest.mark.parametrize("wrap", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.orthogonal])
def test_a_weight_that_is_computed_from_others_has_no_number(wrap: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), wrap(nn.Linear(6, 3)))
    assert list(fisher_log_determinant(model, torch.randn(20, 5), generator=seeded(0))) == ["0"]


def test_layers_that_share_a_weight_are_one_layer_that_is_called_twice() -> None:
    torch.manual_seed(0)
    twice = nn.ModuleDict({"inside": nn.Linear(4, 4), "head": nn.Linear(4, 3)}).double()
    twice.forward = lambda x: twice["head"](twice["inside"](torch.tanh(twice["inside"](x))))
    tied = nn.ModuleDict({"one": nn.Linear(4, 4), "two": nn.Linear(4, 4), "head": nn.Linear(4, 3)}).double()
    tied["one"], tied["head"] = twice["inside"], twice["head"]
    tied["two"].weight, tied["two"].bias = tied["one"].weight, tied["one"].bias
    tied.forward = lambda x: tied["head"](tied["two"](torch.tanh(tied["one"](x))))
    images = torch.randn(20, 4, dtype=torch.float64)
    wanted = fisher_log_determinant(twice, images, generator=seeded(0))
    found = fisher_log_determinant(tied, images, generator=seeded(0))
    assert list(found) == ["one", "head"], "counted once"
    assert list(found.values()) == pytest.approx(list(wanted.values()), rel=1e-9)


def test_an_embedding_that_shares_the_last_weight_leaves_it_without_a_number() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"embed": nn.Embedding(7, 5), "inside": nn.Linear(5, 5), "out": nn.Linear(5, 7)})
    model["out"].weight = model["embed"].weight
    model.forward = lambda tokens: model["out"](torch.tanh(model["inside"](model["embed"](tokens).mean(1))))
    found = fisher_log_determinant(model, torch.randint(7, (20, 4)), generator=seeded(0))
    assert list(found) == ["inside"]


def test_many_labels_are_summed_by_signs() -> None:
    torch.manual_seed(0)
    images = torch.randn(64, 5)
    for classes in (MOST_LABELS, MOST_LABELS + 1):
        model = nn.Linear(5, classes)
        found = fisher_log_determinant(model, images, generator=seeded(0), damping=1.0)[""]
        p = model(images).softmax(-1).double().detach()
        outputs = (torch.diag_embed(p) - p[:, :, None] * p[:, None, :]).mean(0)
        rows = torch.cat([images, torch.ones(64, 1)], 1).double()
        inputs = torch.linalg.eigvalsh(rows.T @ rows / 64)
        exact = (inputs[:, None] * torch.linalg.eigvalsh(outputs)).log1p().sum().item()
        assert found == pytest.approx(exact, rel=1e-4 if classes <= MOST_LABELS else 0.02)


@pytest.mark.slow
def test_beyond_the_labels_that_are_summed_over_the_stated_error_is_that_of_repeated_readings(monkeypatch: Any) -> None:
    """Planted: the same network with its labels summed over. With signs in their place the number is too small."""
    torch.manual_seed(0)
    model, images = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 12)), torch.randn(24, 6)

    def read(seed: int) -> dict[str, Any]:
        probe = Probe(images, torch.zeros(24, dtype=torch.int64), lambda _: seeded(seed))
        return {one.layer: one for one in FisherLogDeterminant().measure(model, probe)}

    exact = read(0)
    assert all(one.stderr == 0 for one in exact.values())
    monkeypatch.setattr("critlab.measures.fisher.kronecker.MOST_LABELS", 4)
    found = [read(seed) for seed in range(40)]
    for layer, truth in exact.items():
        off = np.array([one[layer].value - truth.value for one in found])
        stated = np.array([one[layer].stderr for one in found])
        ratio = np.sqrt((stated**2).mean() / (off**2).mean())
        assert 0.75 < ratio < 1.6, (layer, ratio)
        assert (abs(off) <= 1.96 * stated).mean() >= 0.9, layer
