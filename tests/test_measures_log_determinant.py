"""Kronecker factors against numpy, and the log-determinant where the factors are exact."""

import numpy as np
import pytest
import torch
from torch import nn

from critlab.errors import StudyError
from critlab.measures.fisher_log_determinant import fisher_log_determinant
from critlab.measures.kronecker import kronecker_factors
from nets import net, seeded


def factors(model, images):
    return kronecker_factors(model, images, seed=0, measure="test")


@pytest.mark.parametrize("bias", [True, False])
def test_one_linear_layer_on_one_image_is_exact(bias):
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


def test_factors_of_a_linear_layer_are_the_means_of_inputs_and_gradients():
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


CONVOLUTIONS = {
    "plain": {"padding": 1},
    "strided": {"stride": 2, "bias": False},
    "dilated": {"dilation": 2, "padding": "same"},
    "grouped": {"groups": 2, "padding": 1},
    "circular": {"padding": (1, 2), "padding_mode": "circular"},
}


@pytest.mark.parametrize("name", list(CONVOLUTIONS))
def test_factors_of_a_convolution_see_the_patches_that_it_sees(name):
    """The weights' gradient is the sum over positions of patch and output gradient: so it must come out of both."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(2, 4, 3, **CONVOLUTIONS[name]).double()
    images = torch.randn(9, 2, 6, 7, dtype=torch.float64)
    model = nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3).double())
    found = factors(model, images)["0"]
    groups, p, q = convolution.groups, found.inputs.shape[1], found.outputs.shape[1]
    biased = convolution.bias is not None
    assert (groups * q, p) == (4, convolution.weight[0].numel() + biased)
    weight = convolution.weight.flatten(1).unflatten(0, (groups, q))
    if biased:
        weight = torch.cat([weight, convolution.bias.unflatten(0, (groups, q, 1)).expand(groups, q, 1)], 2)
    # the output's squared length, channel by channel, is a quadratic form of the inputs' factor
    squares = convolution(images).square().sum((2, 3)).mean(0)
    form = torch.einsum("gqp,gpr,gqr->gq", weight, found.inputs, weight).flatten()
    torch.testing.assert_close(form, squares)
    positions = convolution(images)[0, 0].numel()
    at_output = exact_output_squares(model, images)
    for group in range(groups):
        own = slice(group * q, (group + 1) * q)
        torch.testing.assert_close(found.outputs[group], at_output[own, own] / positions)


def exact_output_squares(model, images):
    """Mean over images of the sum over positions of E_y[g g^T], image by image and label by label."""
    total = torch.zeros(4, 4, dtype=torch.float64)
    for image in images:
        output = model[0](image[None]).detach().requires_grad_()
        log_p = model[1:](output).log_softmax(-1)[0]
        for one in log_p:
            (g,) = torch.autograd.grad(one, output, retain_graph=True)
            total += one.exp().detach() * g[0].flatten(1) @ g[0].flatten(1).T / len(images)
    return total


def test_a_layer_called_twice_and_a_layer_never_called():
    torch.manual_seed(0)
    model = nn.ModuleDict({"twice": nn.Linear(3, 3), "never": nn.Linear(2, 2), "head": nn.Linear(3, 2)}).double()
    model.forward = lambda x: model["head"](model["twice"](model["twice"](x)))
    images = torch.randn(8, 3, dtype=torch.float64)
    found = factors(model, images)
    both = torch.cat([images, model["twice"](images)])
    both = torch.cat([both, torch.ones(16, 1)], 1)
    torch.testing.assert_close(found["twice"].inputs[0], (both.T @ both / 8).detach())
    assert fisher_log_determinant(model, images, generator=seeded(0))["never"] == 0


def test_layers_that_learn_have_a_value_that_falls_with_damping():
    for name, layers in {"convolutional": ["0", "3", "8"], "frozen": ["4"], "heads": ["trunk", "heads"]}.items():
        model, images, _ = net(name)
        weak, strong = (
            fisher_log_determinant(model, images, generator=seeded(0), damping=damping) for damping in (1e-3, 1.0)
        )
        assert list(weak) == layers
        assert all(weak[layer] > strong[layer] > 0 for layer in layers)


def test_for_little_information_it_is_the_trace_over_the_damping():
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
def test_what_cannot_be_measured_is_refused(model, images, damping, text):
    with pytest.raises(StudyError, match=text):
        fisher_log_determinant(model, images, generator=seeded(0), damping=damping)
