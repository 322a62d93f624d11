"""Strided 1 x 1 convolutions of few channels, in a study's learner: gradients against float64, and untouched bits."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from critlab.data import load
from critlab.measures import FisherEmpirical
from critlab.models.blocks.strided_pointwise import sound_convolutions
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe
from critlab.training.inputs.batches import epoch_order
from critlab.training.learner import NetworkLearner
from studies import small

CPU = torch.device("cpu")
MODELS: list[dict[str, Any]] = [
    {"name": "narrow_nets:module"},
    {"name": "narrow_nets:call"},
    {"name": "resnet18", "width": 4},
]
PLAIN = Recipe(lr=0.01, weight_decay=0.0)
CPUS = ["AVX2", "AVX512"]


def on(monkeypatch: pytest.MonkeyPatch, capability: str) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)


def convolution(channels: int, outputs: int = 8, stride: int | tuple[int, int] = 2, **options: Any) -> nn.Conv2d:
    torch.manual_seed(0)
    made: nn.Conv2d = nn.Conv2d(channels, outputs, 1, stride, **options).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made


def images(channels: int, side: int = 12, layout: torch.memory_format = torch.channels_last) -> Tensor:
    drawn = torch.randn(6, channels, side, side, generator=torch.Generator().manual_seed(1))
    return drawn.contiguous(memory_format=layout)


def taught(model: dict[str, Any]) -> NetworkLearner:
    study = small(model=model, optimizer={"name": "sgd", "lr": 0.01, "momentum": 0.0, "batch": 40})
    learner = NetworkLearner(study, load(study.data), Numerics())
    learner.length = 40
    return learner


def smooth(model: nn.Module) -> None:
    """Replace ReLUs: at their kink, rounding alone changes a gradient of float32 by percents."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU):
                setattr(parent, name, nn.Softplus())


def assert_near(found: Tensor, wanted: Tensor, where: str) -> None:
    assert (found.double() - wanted).abs().max() <= 1e-3 * max(1e-2, float(wanted.detach().abs().max())), where


@pytest.mark.parametrize("model", MODELS, ids=["module", "call", "resnet18"])
def test_gradients_in_a_learner_are_those_of_float64(model: dict[str, Any]) -> None:
    learner = taught(model)
    state = learner.start({"seed": 0})
    smooth(state.model)
    exact = deepcopy(state.model).double()
    order = epoch_order(0, 0, len(learner.examples.train_images), 40)
    shown, labels = learner.examples.training_batch(order, PLAIN, 0, 0, 0)
    nn.functional.cross_entropy(exact(shown.double()), labels).backward()
    learner.advance(state, PLAIN, 0)
    for (name, weight), other in zip(state.model.named_parameters(), exact.parameters(), strict=True):
        assert weight.grad is not None
        assert other.grad is not None
        assert_near(weight.grad, other.grad, name)


def test_a_measure_that_backpropagates_is_that_of_float64() -> None:
    learner = taught(MODELS[0])
    state = learner.start({"seed": 0})
    spec = Measurement("fisher_empirical", FisherEmpirical(images=40), PLAIN)
    probe = learner._probe(state, spec)
    exact = FisherEmpirical(images=40).measure(
        deepcopy(state.model).double(), replace(probe, images=probe.images.double())
    )
    found = learner.measure(state, spec)
    assert [reading.layer for reading in found] == [reading.layer for reading in exact]
    assert [reading.value for reading in found] == pytest.approx([reading.value for reading in exact], rel=1e-4)


@pytest.mark.parametrize("capability", CPUS)
@pytest.mark.parametrize("channels", [1, 2, 4, 7])
@pytest.mark.parametrize(("stride", "bias"), [(2, True), ((1, 3), False), ((4, 2), True)])
def test_a_convolution_equals_that_of_float64(
    monkeypatch: pytest.MonkeyPatch, capability: str, channels: int, stride: Any, bias: bool
) -> None:
    on(monkeypatch, capability)
    made, given = convolution(channels, stride=stride, bias=bias), images(channels, 48).requires_grad_()
    exact, exactly = deepcopy(made).double(), given.detach().double().requires_grad_()
    with sound_convolutions(CPU):
        output = made(given)
    wanted = exact(exactly)
    output.square().sum().backward()
    wanted.square().sum().backward()
    for found, other in [(output, wanted), (given.grad, exactly.grad), (made.weight.grad, exact.weight.grad)]:
        assert found is not None
        assert other is not None
        assert_near(found, other, f"{stride}")


SOUND: dict[str, tuple[nn.Conv2d, Tensor]] = {
    "stride 1": (convolution(4, stride=1), images(4)),
    "eight channels": (convolution(8), images(8)),
    "contiguous": (nn.Conv2d(4, 8, 1, 2), images(4, layout=torch.contiguous_format)),
    "padded": (convolution(4, padding=1), images(4)),
    "groups": (convolution(8, groups=4), images(8)),
    "a stride that does not divide the side": (convolution(4), images(4, 13)),
}


@pytest.mark.parametrize("case", SOUND)
def test_sound_convolutions_are_computed_as_before(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    made, given = SOUND[case]
    for capability in CPUS:
        assert strides(monkeypatch, capability, made, given) == [made.stride], "the stride is left to torch"


@pytest.mark.parametrize(
    ("capability", "channels", "side", "repaired"),
    [
        ("AVX2", 7, 12, True),
        ("AVX2", 8, 12, False),
        ("AVX512", 4, 32, False),
        ("AVX512", 4, 34, True),
        ("AVX512", 15, 34, True),
        ("AVX512", 16, 34, False),
    ],
)
def test_which_convolutions_lose_their_stride(
    monkeypatch: pytest.MonkeyPatch, capability: str, channels: int, side: int, repaired: bool
) -> None:
    used = strides(monkeypatch, capability, convolution(channels), images(channels, side))
    assert used == [1 if repaired else (2, 2)]


def strides(monkeypatch: pytest.MonkeyPatch, capability: str, made: nn.Conv2d, given: Tensor) -> list[Any]:
    """The strides with which torch is called."""
    on(monkeypatch, capability)
    called = []

    class Noting(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.conv2d:
                called.append(args[3])
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Noting(), sound_convolutions(CPU):
        made(given)
    return called


def test_half_precision_is_computed_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert strides(monkeypatch, "AVX2", convolution(4), images(4)) == [(2, 2)]


def test_nothing_changes_on_a_gpu() -> None:
    assert not isinstance(sound_convolutions(torch.device("cuda")), TorchFunctionMode)
