"""The watch in whatever torch allows of building, wrapping, calling and heading a model: right, or refused at once."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from critlab._core.errors import StudyError
from critlab.hooks.watch import Watch
from critlab.hooks.watch.looks.inputs import Call
from watched_trainings import agrees, always, trained, untouched


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def linear() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.LSTM(6, 5, batch_first=True, num_layers=2, dropout=0.1), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        hidden, state = self.body(x)
        return self.head(hidden), state


class Stateful(nn.Module):
    """Carries its hidden state along, counts its calls, remembers its inputs, and draws from numpy."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.GRUCell(6, 5), nn.Linear(5, 3)
        self.hidden: Tensor | None = None
        self.calls = 0
        self.seen: list[Any] = []
        self.by_name: dict[Any, Any] = {}
        self.noise = torch.Generator().manual_seed(0)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(float(x.sum()))
        self.by_name[self.calls] = len(x)
        before = self.hidden if self.hidden is not None and len(self.hidden) == len(x) else None
        hidden = self.body(x, before)
        self.hidden = hidden.detach()
        drawn = torch.rand((), generator=self.noise) + float(np.random.rand())
        return self.head(hidden) * (1 + 0.01 * drawn + 1e-4 * self.calls)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.1, batch_first=True)
        self.body, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean(1))


class Experts(nn.Module):
    """A mixture of experts: each example takes the best one of three."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.experts = nn.Linear(6, 3), nn.ModuleList(nn.Linear(6, 3) for _ in range(3))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        share, best = self.gate(x).softmax(-1).max(-1)
        answers = torch.stack([expert(x) for expert in self.experts], 1)
        return {"logits": share[:, None] * answers[torch.arange(len(x)), best], "router": best}


class Fourier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight, self.head = nn.Parameter(torch.randn(4, 8, dtype=torch.cfloat) / 4), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(
            (
                torch.fft.rfft(x) @ self.weight.to(torch.complex64 if x.dtype == torch.float32 else torch.complex128)
            ).abs()
        )


class Tied(nn.Module):
    """The same weight embeds tokens and heads the model, used without calling its module."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mix = nn.Embedding(5, 4), nn.GRU(4, 4, batch_first=True)

    def forward(self, tokens: Tensor, attention_mask: Tensor | None = None) -> Any:
        logits = nn.functional.linear(self.mix(self.embed(tokens))[0], self.embed.weight)
        return SimpleNamespace(loss=None, logits=logits)


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.1), nn.Tanh()), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(checkpoint(self.body, x, use_reentrant=False))


class Heads(nn.Module):
    """Two heads stacked: their log-probabilities add up."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.heads = nn.Linear(6, 5), nn.ModuleList(nn.Linear(5, 3) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([head(self.body(x).tanh()) for head in self.heads], 1)


class LossFirst(nn.Module):
    """Gives its loss, its logits, and what it came by, as language models without a dictionary do."""

    def __init__(self) -> None:
        super().__init__()
        self.net = linear()

    def forward(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor]]:
        logits = self.net(x)
        return nn.functional.cross_entropy(logits, labels), logits, (x,)


class Answer(NamedTuple):
    logits: Tensor
    hidden: Tensor


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = linear()

    def forward(self, x: dict[str, Tensor], *, scale: float = 1.0) -> Answer:
        return Answer(self.net(x["pixels"]) * scale, x["pixels"])


class Mixing(nn.Module):
    """Normalises over the batch by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.net = linear()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x - x.mean(0))


class Merging(nn.Module):
    """Merges its adapter into its weight when it is asked for evaluation mode, as old adapters do."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.a = nn.Parameter(torch.randn(3, 6)), nn.Parameter(torch.randn(3, 6) / 9)
        self.merged = False

    def train(self, mode: bool = True) -> Merging:
        super().train(mode)
        if mode == self.merged:
            self.weight.data += self.a.data * (-1 if mode else 1)
            self.merged = not mode
        return self

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight if self.merged else self.weight + self.a)


def spectral() -> nn.Module:
    model = linear()
    parametrizations.spectral_norm(model[0])
    parametrizations.weight_norm(model[2])
    return model


def old_weight_norm() -> nn.Module:
    model = linear()
    with pytest.warns(FutureWarning):
        nn.utils.weight_norm(model[0])
    return model


def compiled() -> nn.Module:
    model: Any = linear()
    model[0] = torch.compile(model[0], backend="eager")
    found: Any = torch.compile(model, backend="aot_eager")
    assert isinstance(found, nn.Module)
    return found


def frozen() -> nn.Module:
    model = linear()
    model[0].requires_grad_(False)
    return model


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(3))


x, sequences = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)), torch.randn(5, 4, 6)
y, tokens = torch.tensor([0, 1, 2, 0, 1]), torch.randint(5, (5, 4), generator=torch.Generator().manual_seed(0))


def logits(model: nn.Module, batch: Any) -> Tensor:
    """As a loop would find them, by hand."""
    given = model(*batch) if isinstance(batch, tuple) else model(batch)
    if isinstance(given, dict):
        return given["logits"]
    if isinstance(given, tuple):
        return given[1] if given[0].ndim == 0 else given[0]
    return given if isinstance(given, Tensor) else given.logits


def loss(model: nn.Module, batch: Any) -> Tensor:
    found = logits(model, batch)
    return nn.functional.cross_entropy(found.flatten(0, -2), y.repeat_interleave(found[0, ..., 0].numel()))


MODELS: dict[str, tuple[Any, Any]] = {
    "linear": (linear, x),
    "lstm with its state": (Recurrent, sequences),
    "transformer encoder": (Attention, sequences),
    "mixture of experts": (Experts, x),
    "complex weights": (Fourier, x),
    "tied weights": (Tied, tokens),
    "checkpointed": (Checkpointed, x),
    "two heads": (Heads, x),
    "loss first": (LossFirst, (x, y)),
    "named tuple of nested inputs": (Named, ({"pixels": x},)),
    "spectral and weight norm": (spectral, x),
    "old weight norm": (old_weight_norm, x),
    "compiled": (compiled, x),
    "frozen": (frozen, x),
    "lazy": (lazy, x),
    "merging adapter": (Merging, x),
    "stateful": (Stateful, x),
}
SLOW = {"compiled": pytest.mark.slow}


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, ())) for name in MODELS])
def test_a_watched_training_ends_with_the_same_bits(name: str) -> None:
    make, batch = MODELS[name]
    untouched(make, batch, loss)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("stateful", "merging adapter")])
def test_the_trace_is_that_of_brute_force(name: str) -> None:
    make, batch = MODELS[name]
    torch.manual_seed(1)
    model = make()
    logits(model, batch)
    inner = getattr(model, "_orig_mod", model).double()
    wide = tuple(map(_double, batch)) if isinstance(batch, tuple) else _double(batch)
    agrees(inner, wide, lambda one, given: logits(one, given).log_softmax(-1), 5)


def _double(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _double(one) for name, one in value.items()}
    return value.double() if value.is_floating_point() else value


@pytest.mark.slow
def test_padding_has_no_share_in_trace_or_uncertainty() -> None:
    torch.manual_seed(0)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    model = Tied().double()

    def rows(one: nn.Module, given: Any) -> Tensor:
        return logits(one, tokens).log_softmax(-1)[mask.bool()]

    watch = agrees(model, (tokens, mask), rows, 5)
    p = rows(model, None).detach()
    assert watch.history[0].uncertainty.value == pytest.approx(float(-(p.exp() * p).sum(-1).mean()), rel=0.1)


def test_arguments_by_place_and_by_name_both_arrive() -> None:
    model, seen = Named(), []
    model.register_forward_pre_hook(lambda _, places, names: seen.append((places, names)), with_kwargs=True)
    watch = always(Watch(model, budget=1.0))
    for _ in range(4):
        watch.step(Call(({"pixels": x},), {"scale": 2.0}))
    assert seen
    assert all(names == {"scale": 2.0} and len(places) == 1 for places, names in seen)


class Two(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.net, self.kind = linear(), kind

    def forward(self, x: Tensor) -> Any:
        a = self.net(x)
        return {
            "tuple": (a, 2 * a),
            "dictionary": {"logits": a, "mc_logits": a},
            "other name": {"answer": a},
            "probabilities": a.softmax(-1),
            "one number": a[:, :1],
            "picture": a[:, :, None, None],
        }[self.kind]


@pytest.mark.parametrize(
    ("model", "batch", "said"),
    [
        (Two("tuple"), x, "2 tensors that may be logits"),
        (Two("dictionary"), x, "several logits"),
        (Two("other name"), x, "forward="),
        (Two("probabilities"), x, "probabilities"),
        (Two("one number"), x, "likelihood that fits: bernoulli, gaussian"),
        (Two("picture"), x, "logits"),
        (Mixing(), x, "depends on the other examples"),
        (nn.LSTM(6, 3, bidirectional=True), sequences, "depends on the other examples"),
        (nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8, track_running_stats=False)), x, "running statistics"),
        (nn.ModuleList([linear()]), x, "no forward"),
        (linear().requires_grad_(False), x, "unfreeze"),
        (linear(), nn.utils.rnn.pack_sequence([torch.randn(3, 6)]), "without examples"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_would_be_wrong_is_refused_before_the_first_step(model: nn.Module, batch: Any, said: str) -> None:
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(StudyError, match=said):
        Watch(model).rehearse(batch)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_part_in_a_wrapper_for_several_processes_is_refused(tmp_path: Any) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        inner = nn.parallel.DistributedDataParallel(linear())
        with pytest.raises(StudyError, match="wrap the whole model"):
            Watch(nn.Sequential(nn.Linear(6, 6), inner))
        untouched(lambda: nn.parallel.DistributedDataParallel(linear()), x, loss)
    finally:
        torch.distributed.destroy_process_group()


def test_listeners_to_the_backward_pass_hear_nothing_of_a_look() -> None:
    model, heard = linear(), []
    model[0].register_full_backward_hook(lambda *_: heard.append(1))
    watch = always(Watch(model, budget=1.0))
    for _ in range(5):
        watch.step(x)
    assert watch.taken
    assert not heard


def test_layers_that_are_frozen_and_unfrozen_are_followed() -> None:
    def between(model: nn.Module, step: int) -> None:
        if step in (5, 15):
            model.get_submodule("0").requires_grad_(step == 15)

    watch = untouched(linear, x, loss, steps=40, between=between)
    layers = [set(record.layers) for record in watch.history]
    assert layers[0] == layers[-1] == {"0", "2"}
    assert {"2"} in layers
    assert watch.history[-1].path is not None
    assert watch.history[-1].path > (watch.history[0].path or 0), "the way goes on"


def test_where_nothing_learns_the_watch_waits_and_goes_on() -> None:
    def between(model: nn.Module, step: int) -> None:
        if step in (12, 20):
            for place, one in enumerate(model.parameters()):
                one.requires_grad_(step == 20 or place == 3)
                one.grad = None
        if step == 13:
            model.get_parameter("2.bias").requires_grad_(False)
            model.extra = nn.Parameter(torch.zeros(()))  # so that the loop itself still has something to learn

    def own_loss(model: nn.Module, batch: Any) -> Tensor:
        extra = getattr(model, "extra", None)
        return loss(model, batch) + (0 if extra is None else (extra - 1).square())

    plain, _ = trained(linear, x, own_loss, watched=False, steps=40, between=between)
    seen, watch = trained(linear, x, own_loss, watched=True, steps=40, between=between)
    assert torch.equal(plain["weights"]["0.weight"], seen["weights"]["0.weight"])
    assert watch is not None
    assert watch.history[-1].step > 30
