"""Whatever way PyTorch allows of building a model: measures of its weights are right, or refuse in one line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

import critlab
from critlab._core.errors import StudyError
from critlab.measures.fisher.empirical import fisher_empirical
from critlab.measures.fisher.log_determinant import fisher_log_determinant
from critlab.measures.fisher.noise import fisher_noise
from critlab.measures.gradients.covariance import gradient_covariance
from critlab.measures.gradients.curvature import hessian_top_eigenvalue
from critlab.measures.gradients.moments import gradient_moments
from critlab.measures.weights.norms import weight_norms
from nets import seeded

LABELS = torch.randint(3, (24,), generator=seeded(9))

LOOKS: dict[str, Callable[..., Any]] = {
    "fisher_trace": lambda model, x: critlab.fisher_trace(model, x, generator=seeded(0), draws=4),
    "fisher_noise": lambda model, x: fisher_noise(model, x, generator=seeded(0)),
    "fisher_empirical": lambda model, x: fisher_empirical(model, x, LABELS[: len(x)], generator=seeded(0)),
    "fisher_log_determinant": lambda model, x: fisher_log_determinant(model, x, generator=seeded(0)),
    "curvature": lambda model, x: hessian_top_eigenvalue(model, x, LABELS[: len(x)], generator=seeded(0)),
    "gradient_covariance": lambda model, x: gradient_covariance(
        model, x, LABELS[: len(x)], generator=seeded(0), batch=2
    ),
    "gradients": lambda model, x: gradient_moments(model, x, LABELS[: len(x)], generator=seeded(0), batch=2),
}
"""Every measure that differentiates by the weights."""


class Fourier(nn.Module):
    """Complex weights, or the same numbers as real ones."""

    def __init__(self, is_complex: Any = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        weight = torch.randn(4, 5, dtype=torch.cfloat) / 2
        self.weight = nn.Parameter(weight if is_complex else torch.view_as_real(weight).clone())
        self.out = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight if self.weight.is_complex() else torch.view_as_complex(self.weight)
        return self.out((torch.fft.rfft(x) @ weight).abs())


@pytest.mark.slow
@pytest.mark.parametrize("look", [name for name in LOOKS if name != "fisher_log_determinant"])
def test_complex_weights_are_twice_as_many_real_ones(look: Any) -> None:
    x = torch.randn(24, 6, generator=seeded(1))
    found, wanted = (LOOKS[look](Fourier(is_complex), x) for is_complex in (True, False))
    numbers = [
        list(values.values()) if isinstance(values, dict) else [values]
        for values in (getattr(found, "trace", found), getattr(wanted, "trace", wanted))
    ]
    for one, other in zip(*numbers, strict=True):
        pairs = [(one[k], other[k]) for k in one] if isinstance(one, dict) else [(one, other)]
        for a, b in pairs:
            assert (a.value, a.stderr) == pytest.approx((b.value, b.stderr), rel=1e-3, abs=1e-7)
    assert weight_norms(Fourier()) == pytest.approx(weight_norms(Fourier(False)))


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("images", [1, 24])
def test_a_layer_that_mixes_examples_is_refused_by_its_name(look: Any, images: Any) -> None:
    norm = nn.BatchNorm1d(8, track_running_stats=False)
    model = nn.Sequential(nn.Linear(6, 8), norm, nn.ReLU(), nn.Linear(8, 3))
    with pytest.raises(StudyError, match=r"BatchNorm1d '1' keeps no running statistics.*track_running_stats=True"):
        LOOKS[look](model, torch.randn(24, 6)[:images])
    model[1] = nn.InstanceNorm1d(8)  # each example for itself
    model[0], model[3] = nn.Unflatten(1, (8, 6)), nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    LOOKS[look](model, torch.randn(24, 48))


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_model_that_ends_in_a_softmax_is_noticed(look: Any, dtype: Any) -> None:
    model = nn.Sequential(nn.Linear(6, 3), nn.Softmax(-1)).to(dtype)
    with pytest.raises(StudyError, match=r"the output is probabilities \(each row adds up to 1\); must be logits"):
        LOOKS[look](model, torch.randn(24, 6, dtype=dtype))


def test_a_softmax_is_noticed_in_bfloat16_and_one_row_by_chance_is_not() -> None:
    x = torch.randn(24, 6, dtype=torch.bfloat16)
    model = nn.Sequential(nn.Linear(6, 3), nn.Softmax(-1)).to(torch.bfloat16)
    with pytest.raises(StudyError, match="probabilities"):
        gradient_moments(model, x, LABELS, generator=seeded(0), batch=8)
    logits = nn.Sequential(nn.Linear(6, 3), nn.LogSoftmax(-1))
    plain = nn.Sequential(logits[0])
    found, wanted = (critlab.fisher_trace(m, x.float(), generator=seeded(0)) for m in (logits, plain))
    assert found["0"].value == pytest.approx(wanted["0"].value, rel=1e-4), "log-probabilities are logits"


@pytest.mark.slow
@pytest.mark.parametrize("look", list(LOOKS))
def test_reentrant_checkpoints_are_refused_and_the_others_change_nothing(look: Any) -> None:
    class Checkpointed(nn.Module):
        def __init__(self, how: Any) -> None:
            super().__init__()
            torch.manual_seed(3)
            self.how, self.first, self.last = how, nn.Linear(6, 4), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            if self.how is None:
                return self.last(torch.tanh(self.first(x)))
            return self.last(checkpoint(lambda z: torch.tanh(self.first(z)), x, use_reentrant=self.how))

    x = torch.randn(24, 6, generator=seeded(1))
    with pytest.raises(StudyError, match="reentrant"):
        LOOKS[look](Checkpointed(True), x.clone().requires_grad_())
    found, wanted = (LOOKS[look](Checkpointed(how), x) for how in (False, None))
    if look == "fisher_log_determinant":
        assert found == pytest.approx(wanted, rel=1e-5)
    else:
        assert found == wanted


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.out = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layer(x).mean(1))


class Direct(nn.Module):
    """Calls scaled_dot_product_attention itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inside, self.out = nn.Linear(8, 24), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.inside(x).chunk(3, -1)
        return self.out(nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).mean(1))


@pytest.mark.parametrize("make", [Attends, Direct])
def test_curvature_of_attention_is_that_of_plain_attention(make: Any) -> None:
    x = torch.randn(24, 5, 8, generator=seeded(1))
    found = hessian_top_eigenvalue(make(), x, LABELS, generator=seeded(0))
    with sdpa_kernel(SDPBackend.MATH):
        model = make().eval()
        weights = list(model.parameters())
        loss = nn.functional.cross_entropy(model(x), LABELS)
        first = torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights, create_graph=True)])
        vector = torch.randn(len(first), generator=seeded(2))
        for _ in range(60):
            rows = torch.autograd.grad(first @ vector, weights, retain_graph=True, materialize_grads=True)
            product = torch.cat([g.flatten() for g in rows])
            value, vector = float(product @ vector / (vector @ vector)), product / product.norm()
    assert found.value == pytest.approx(value, rel=0.02)


@pytest.mark.parametrize("bag", [False, True])
def test_sparse_embeddings_have_the_curvature_of_dense_ones_or_none(bag: Any) -> None:
    class Words(nn.Module):
        def __init__(self, sparse: Any) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.embed = (nn.EmbeddingBag if bag else nn.Embedding)(11, 8, sparse=sparse)
            self.out = nn.Linear(8, 3)

        def forward(self, tokens: Any) -> Tensor:
            found = self.embed(tokens)
            return self.out(found if bag else found.mean(1))

    tokens = torch.randint(11, (24, 5), generator=seeded(1))
    if bag:
        with pytest.raises(StudyError, match="cannot be differentiated twice"):
            hessian_top_eigenvalue(Words(True), tokens, LABELS, generator=seeded(0))
    else:
        sparse, dense = (
            hessian_top_eigenvalue(Words(one), tokens, LABELS, generator=seeded(0)) for one in (True, False)
        )
        assert sparse.value == pytest.approx(dense.value, rel=1e-5)


class Once(torch.autograd.Function):
    """A square whose gradient has no gradient."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, gradient: Any) -> Any:
        return 2 * context.saved_tensors[0] * gradient


def test_what_can_be_differentiated_once_is_refused_by_curvature_and_never_left_out() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(6, 4), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(Once.apply(self.first(x)))  # type: ignore[no-untyped-call]

    with pytest.raises(StudyError, match="cannot be differentiated twice"):
        hessian_top_eigenvalue(Net(), torch.randn(24, 6), LABELS, generator=seeded(0))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers_are_measured(kind: Any) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.inside, self.out = kind(4, 5, batch_first=True), nn.Linear(5, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.inside(x)[0][:, -1])

    x = torch.randn(24, 6, 4, generator=seeded(1))
    found = hessian_top_eigenvalue(Net(), x, LABELS, generator=seeded(0), tolerance=1e-4)
    model = Net()
    weights = list(model.parameters())
    loss = nn.functional.cross_entropy(model(x), LABELS)
    first = torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights, create_graph=True)])
    rows = [torch.autograd.grad(one, weights, retain_graph=True, materialize_grads=True) for one in first]
    hessian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
    assert found.value == pytest.approx(np.linalg.eigvalsh(hessian.numpy())[-1], rel=1e-3)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_images_that_are_no_tensor_are_refused(look: Any) -> None:
    model = nn.Linear(6, 3)
    with pytest.raises(StudyError, match=r"images: received ndarray; must be a torch\.Tensor"):
        look(model, np.zeros((24, 6), dtype=np.float32))
