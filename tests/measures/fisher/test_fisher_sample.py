"""One sample of the Fisher trace: its mean over all signs is the exact trace, however confident the model is."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from critlab.measures.fisher.sample import fisher_sample
from critlab.measures.likelihoods import signs
from critlab.measures.likelihoods.signs import Combinations, Factors
from critlab.measures.weights.parameter_groups import ParameterGroups
from nets import NETS, image_gradients, net, seeded


def information(log_p: Any) -> Any:
    """diag(p) - p p^T, in float64."""
    p = log_p.double().exp()
    return torch.diag_embed(p) - p[..., :, None] * p[..., None, :]


@pytest.mark.slow
@pytest.mark.parametrize("confidence", [0.0, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_over_all_signs_the_coefficients_have_the_covariance_of_the_score(classes: int, confidence: Any) -> None:
    """From no confidence to a second label of 1e-130, in every one of the 2^classes signs."""
    torch.manual_seed(0)
    logits = torch.randn(3, classes, dtype=torch.float64)
    log_p = (logits * max(confidence, 1e-9) + (torch.arange(classes) == 1) * confidence).log_softmax(-1)
    total = torch.zeros(3, classes, classes, dtype=torch.float64)
    for drawn in itertools.product([1.0, -1.0], repeat=classes):
        factors = Factors.of(log_p)
        found = factors.signed(torch.tensor(drawn, dtype=torch.float64).expand(3, classes)) * factors.uncertainty.sqrt()
        assert found.sum(-1).abs().max() <= 1e-12 * found.abs().max(), "nothing cancels in the gradient"
        total += found[:, :, None] * found[:, None, :] / 2**classes
    # 1 - p has lost its digits where p is nearly 1
    p = log_p.exp()
    rest = torch.stack([torch.cat([p[:, :c], p[:, c + 1 :]], 1).sum(1) for c in range(classes)], 1)
    torch.testing.assert_close(total.diagonal(0, 1, 2), p * rest, rtol=1e-9, atol=0)
    wanted = -p[:, :, None] * p[:, None, :]
    off = ~torch.eye(classes, dtype=torch.bool)
    torch.testing.assert_close(total[:, off], wanted[:, off], rtol=1e-6, atol=1e-16)


def test_two_classes_leave_nothing_to_chance_within_one_image() -> None:
    torch.manual_seed(0)
    model, image = nn.Linear(3, 2), torch.randn(1, 3)
    weights = ParameterGroups.of(model, "test")
    log_p = model(image).log_softmax(-1)
    found = [fisher_sample(weights, log_p, generator=seeded(s), retain=True)[0].item() for s in range(8)]
    p = log_p.detach().exp()[0]
    exact = 2 * p[0] * p[1] * (1 + image.square().sum())
    assert found == pytest.approx([exact.item()] * 8, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NETS))
def test_every_layer_is_unbiased(name: str) -> None:
    model, images, labels = net(name, 6)
    heads = labels.ndim == 2
    exact: dict[Any, Any] = {}
    for chosen in itertools.product(range(3), repeat=2 if heads else 1):
        wanted = torch.tensor(chosen).expand(6, 2) if heads else torch.full((6,), chosen[0])
        log_p = model.double().eval()(images.double()).log_softmax(-1).detach()
        p = log_p.gather(-1, wanted[..., None]).exp().flatten(1).prod(1)
        for layer, g in image_gradients(model, images, wanted).items():
            exact[layer] = exact.get(layer, 0.0) + (p * g.square().sum(1)).sum().item()
    model.float()
    weights, generator = ParameterGroups.of(model, "test"), seeded(3)
    log_p = model(images).log_softmax(-1)
    found = torch.stack([fisher_sample(weights, log_p, generator=generator, retain=True) for _ in range(600)])
    errors = found.std(0) / np.sqrt(len(found))
    for place, layer in enumerate(weights.layers):
        assert abs(found.mean(0)[place] - exact[layer]) <= 4 * errors[place], layer
        assert errors[place] < 0.1 * exact[layer], layer


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_confident_model_needs_no_surprise(dtype: Any) -> None:
    """The second label has probability 1e-13, where one minus the first has no digits left in float32."""
    model = nn.Linear(2, 4, bias=False).to(dtype)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[30.0, 0], [0, 1], [0, -1], [0, 2]]))
    images = torch.tensor([[1.0, 0.0]], dtype=dtype)
    log_p = model(images).log_softmax(-1)
    found = fisher_sample(ParameterGroups.of(model, "test"), log_p, generator=seeded(0))
    # 3 labels of exp(-30), whose gradients have squared length 2; the signs move it by far less than tenfold
    exact = 3 * np.exp(-30.0) * 2
    assert exact / 10 < found[0].item() < 10 * exact


def test_labels_that_are_impossible_have_no_part() -> None:
    model = nn.Linear(2, 3, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1e38, 0], [0, 1], [0, 2]]))
    log_p = torch.cat([model(torch.tensor([[1.0, 0.0]])) * 3, model(torch.tensor([[0.0, 1.0]]))]).log_softmax(-1)
    assert log_p.isinf().any() or log_p.min() < -1e38
    found = fisher_sample(ParameterGroups.of(model, "test"), log_p, generator=seeded(0), retain=True)
    assert found.isfinite().all()
    alone = fisher_sample(ParameterGroups.of(model, "test"), log_p[:1], generator=seeded(0))
    assert alone.item() == 0


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(7, 5), (3, 4, 5)])
def test_in_pieces_combinations_are_those_of_the_whole(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Many logits are combined a few rows at a time: the same variances on average, and only the result is large."""
    torch.manual_seed(0)
    logits = torch.randn(shape, dtype=torch.float64) * 3
    monkeypatch.setattr(signs, "AT_ONCE", 13)
    assert torch.equal(Combinations(logits).drawn(seeded(0)), Combinations(logits).drawn(seeded(0)))
    combinations, generator = Combinations(logits), seeded(0)
    found = torch.stack([combinations.drawn(generator) for _ in range(1000)]) * combinations.uncertainty.sqrt()
    assert found.sum(-1).abs().max() <= 1e-12
    p = logits.softmax(-1)
    torch.testing.assert_close(found.square().mean(0), p * (1 - p), rtol=0.25, atol=1e-3)
    with Sizes() as sizes:
        combinations.drawn(generator)
    *others, largest = sorted(sizes.found.values())
    assert largest == 8 * logits.numel()
    assert max(others) <= 8 * 32, "signs are made by 32"


class Sizes(TorchDispatchMode):
    """How many bytes of memory operations make, by their place."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch says no type of it
        self.found: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor):
            storage = made.untyped_storage()
            self.found[storage.data_ptr()] = storage.nbytes()
        return made
