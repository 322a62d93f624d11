"""The watch: its numbers are right, its training is untouched, and its cost is kept."""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import critlab
from critlab._core.errors import StudyError
from critlab._core.estimate import Estimate
from critlab.hooks.watch.looks.look import Sample
from critlab.hooks.watch.records.record import Record, Sums, movement, shares
from critlab.hooks.watch.sums.training_loss import TrainingLoss
from critlab.hooks.watch.sums.weights_in_motion import TOGETHER, GradientNoise, WeightPath
from critlab.hooks.watch.watch import Watch
from critlab.hooks.watch.watching import LOOKS


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Net(nn.Module):
    """Everything that a careless look would disturb: BatchNorm, dropout, a frozen layer, checkpointing."""

    def __init__(self, checkpointing: str = "none", frozen: bool = False) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(6, 8), nn.BatchNorm1d(8)
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(8, 3)
        self.checkpointing = checkpointing
        if frozen:
            self.first.requires_grad_(False)

    def body(self, x: Tensor) -> Tensor:
        return self.drop(torch.relu(self.norm(self.first(x))))

    def forward(self, x: Tensor) -> Tensor:
        if self.checkpointing == "none":
            return self.last(self.body(x))
        return self.last(checkpoint(self.body, x.requires_grad_(), use_reentrant=self.checkpointing == "reentrant"))


SETUPS: dict[str, dict[str, Any]] = {
    "plain": {},
    "adam": {"optimizer": torch.optim.Adam},
    "accumulation": {"micro": 3},
    "autocast": {"autocast": True},
    "frozen": {"net": {"frozen": True}},
    "checkpointing": {"net": {"checkpointing": "other"}},
}


def trained(
    watched: bool,
    *,
    steps: int = 60,
    micro: int = 1,
    autocast: bool = False,
    net: dict[str, Any] | None = None,
    optimizer: Any = torch.optim.SGD,
    **options: Any,
) -> tuple[nn.Module, list[Tensor], Watch | None]:
    """A loop that uses every global source of randomness: the net, what is left of the generators, the watch."""
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    model = Net(**(net or {}))
    moving = optimizer(model.parameters(), lr=0.05)
    watch = Watch(model, budget=1.0, **options) if watched else None
    for _ in range(steps):
        moving.zero_grad()
        for _ in range(micro):
            x = torch.randn(16, 6) + random.random() + float(np.random.rand())
            y = torch.randint(3, (16,))
            with torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext():
                loss = nn.functional.cross_entropy(model(x).float(), y)
            (loss / micro).backward()
        moving.step()
        if watch:
            watch.step(x, loss)
    return model, [torch.get_rng_state(), torch.tensor(random.random()), torch.tensor(np.random.rand())], watch


@pytest.mark.slow
@pytest.mark.parametrize("setup", SETUPS)
def test_training_is_untouched_bit_for_bit(setup: str) -> None:
    plain, left_plain, _ = trained(False, **SETUPS[setup])
    seen, left_seen, watch = trained(True, **SETUPS[setup])
    assert watch
    assert watch.history, "it looked"
    assert all(module.training for module in seen.modules())
    ours, theirs = seen.state_dict(), plain.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    for mine, other in zip(seen.parameters(), plain.parameters(), strict=True):
        if mine.grad is None or other.grad is None:
            assert mine.grad is other.grad
        else:
            assert torch.equal(mine.grad, other.grad)
    assert all(torch.equal(a, b) for a, b in zip(left_seen, left_plain, strict=True))


def test_reentrant_checkpointing_is_refused_with_a_way_out() -> None:
    with pytest.raises(StudyError, match="use_reentrant=False"):
        trained(True, net={"checkpointing": "reentrant"})


def exact(model: nn.Module, log_probabilities: Any, examples: Any) -> dict[str, float]:
    """Each layer's trace in float64 by brute force: every example, every head, every label."""
    layers = {name: [*m.parameters(recurse=False)] for name, m in model.named_modules() if [*m.parameters(False)]}
    sums = dict.fromkeys(layers, 0.0)
    for example in examples:
        log_p = log_probabilities(model, example)
        for row in log_p.reshape(-1, log_p.shape[-1]):
            for value in row:
                for name, parameters in layers.items():
                    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
                    size = sum(float(g.square().sum()) for g in found if g is not None)
                    sums[name] += float(value.detach().exp()) * size
    return {name: value / len(examples) for name, value in sums.items()}


def pooled(watch: Watch) -> dict[str, Estimate]:
    """The mean of all records, where the weights did not move."""
    found = {}
    for name in watch.history[0].layers:
        values = np.array([record.layers[name].value for record in watch.history])
        found[name] = Estimate(float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))))
    return found


def still(model: nn.Module, inputs: Any, steps: int, losses: Sequence[Any] = (), **options: Any) -> Watch:
    """A watch of a training that does not move, whatever losses it tells."""
    watch = Watch(model, budget=1.0, **options)
    watch._ledger.allows = lambda cost: True  # type: ignore[method-assign]
    watch._ledger.owed = lambda cost: 0.0  # type: ignore[method-assign]
    for place in range(steps):
        watch.step(inputs, losses[place] if losses else None)
    return watch


@pytest.mark.slow
def test_each_layers_trace_is_the_exact_one() -> None:
    torch.manual_seed(0)
    model, images = Net().double(), torch.randn(12, 6, dtype=torch.float64)
    watch = still(model, images, 600)
    model.eval()
    truth = exact(model, lambda m, x: m(x[None]).log_softmax(-1), list(images))
    found = pooled(watch)
    assert set(found) == set(truth)
    for name, value in truth.items():
        assert abs(found[name].value - value) < 4 * found[name].stderr, name
        assert found[name].stderr < 0.15 * value, "tight enough to say anything"
    record = watch.history[-1]
    assert record.trace.value == pytest.approx(sum(one.value for one in record.layers.values()))
    assert sum(record.shares.values()) == pytest.approx(1)


class Language(nn.Module):
    """A causal language model in the form of Hugging Face: keyword arguments in, an object with logits out."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mix, self.head = nn.Embedding(5, 4), nn.GRU(4, 4, batch_first=True), nn.Linear(4, 5)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None) -> Any:
        assert labels is None, "the watch needs no loss"
        return SimpleNamespace(logits=self.head(self.mix(self.embed(input_ids))[0]), loss=None)


@pytest.mark.slow
def test_language_models_draw_a_label_for_each_kept_position() -> None:
    torch.manual_seed(1)
    model = Language().double()
    tokens, mask = torch.randint(5, (4, 6)), torch.ones(4, 6, dtype=torch.long)
    mask[0, 3:] = 0
    batch = {"input_ids": tokens, "attention_mask": mask, "labels": tokens}
    watch = still(model, batch, 300)

    def kept(m: nn.Module, place: int) -> Tensor:
        return m(tokens[place][None]).logits[0][mask[place].bool()].log_softmax(-1)

    truth, found = exact(model, kept, range(4)), pooled(watch)
    for name, value in truth.items():
        assert abs(found[name].value - value) < 4 * found[name].stderr, name


@pytest.mark.slow
def test_the_cost_stays_within_the_budget() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(200, 300), nn.ReLU(), nn.Linear(300, 10))
    moving = torch.optim.SGD(model.parameters(), lr=0.01)
    watch = Watch(model, budget=0.1)
    for _ in range(400):
        x, y = torch.randn(128, 200), torch.randint(10, (128,))
        moving.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        moving.step()
        watch.step(x)
    looks = sum(record.looks for record in watch.history)
    assert looks >= LOOKS
    assert watch.overhead < 0.13, "the budget, and the one look that may overdraw it"


def test_it_follows_layers_that_are_unfrozen_later() -> None:
    torch.manual_seed(0)
    model = Net(frozen=True)
    watch = still(model, torch.randn(16, 6), 9)
    assert "first" not in watch.history[-1].layers
    model.first.requires_grad_(True)
    for _ in range(20):
        watch.step(torch.randn(16, 6))
    assert "first" in watch.history[-1].layers


def test_a_training_that_breaks_is_not_broken_by_the_watch() -> None:
    model = Net()
    watch = still(model, torch.randn(16, 6), 3)
    with torch.no_grad():
        model.last.weight.fill_(math.nan)
    with pytest.warns(UserWarning, match="not finite"):
        watch.step(torch.randn(16, 6))
    watch.step(torch.randn(16, 6))


def test_gradient_noise_of_known_gradients() -> None:
    random_state, size, found = torch.Generator().manual_seed(0), 40, []
    mean = torch.randn(size, generator=random_state, dtype=torch.float64)
    weight = nn.Parameter(torch.zeros(size, dtype=torch.float64))
    noise = GradientNoise([weight])
    for _ in range(4000):
        weight.grad = mean + 0.5 * torch.randn(size, generator=random_state, dtype=torch.float64)
        if (one := noise.add()) is not None:
            found.append(one)
    assert len(found) == 4000 // TOGETHER
    signal, variance = float(mean.square().sum()), 0.25 * size
    norms, ratios = np.array([one.norm for one in found]), np.array([one.ratio for one in found])
    assert np.square(norms).mean() == pytest.approx(signal + variance, rel=0.02)
    assert np.median(ratios) == pytest.approx(signal / variance, rel=0.1)
    weight.grad = None
    assert not noise.there


def test_gradients_that_are_gone_are_missing_and_nothing_else() -> None:
    torch.manual_seed(0)
    model = Net()
    moving, watch = torch.optim.SGD(model.parameters(), lr=0.01), Watch(model, budget=1.0)
    for _ in range(80):
        x = torch.randn(64, 6)
        nn.functional.cross_entropy(model(x), torch.randint(3, (64,))).backward()
        moving.step()
        moving.zero_grad()
        watch.step(x)
    watch.close()
    assert watch.history
    assert all(record.gradient_norm is None for record in watch.history)
    assert all(record.path and record.path > 0 for record in watch.history)


def test_weight_path_adds_the_ways() -> None:
    weight = nn.Parameter(torch.zeros(2))
    path = WeightPath([weight])
    with torch.no_grad():
        for place in ([3.0, 4.0], [3.0, 0.0]):
            weight.copy_(torch.tensor(place))
            path.advance()
    assert path.length == pytest.approx(9)


def test_sums_give_mean_and_error() -> None:
    samples = torch.rand(30, 3, dtype=torch.float64)
    sums = Sums(3)
    for place, sample in enumerate(samples):
        sums.add(Sample(sample, float(place), 4))
    *layers, whole, uncertainty = sums.estimates()
    values = samples.numpy()
    for place, one in enumerate(layers):
        assert one.value == pytest.approx(values[:, place].mean())
        assert one.stderr == pytest.approx(values[:, place].std(ddof=1) / math.sqrt(30))
    assert whole.stderr == pytest.approx(values.sum(1).std(ddof=1) / math.sqrt(30))
    assert uncertainty.value == pytest.approx(14.5)


def test_movement_of_shares() -> None:
    old = {"a": Estimate(1.0, 0.0), "b": Estimate(3.0, 0.0)}
    new = {"a": Estimate(2.0, 0.0), "b": Estimate(2.0, 0.4)}
    assert shares(old) == {"a": 0.25, "b": 0.75}
    assert movement(old, new) == pytest.approx((0.25, 0.05 * math.sqrt(2 / math.pi)))
    assert movement(old, {"a": Estimate(0.0, 0.0)}) is None


FALLING = [2.0 / (1 + step / 20) for step in range(200)]


@pytest.mark.slow
def test_losses_of_the_loop_are_averaged_from_record_to_record() -> None:
    model, images = Net(), torch.randn(16, 6)
    told = [torch.tensor(loss, requires_grad=True) if place % 2 else loss for place, loss in enumerate(FALLING)]
    watch, silent = still(model, images, 200, told), still(model, images, 200)
    assert silent.history[-1].loss is None
    first, second = watch.history[:2]
    assert first.loss is not None
    assert second.loss is not None
    assert first.loss.value == pytest.approx(np.mean(FALLING[: first.step]))
    part = FALLING[first.step : second.step]
    assert second.loss.value == pytest.approx(np.mean(part))
    assert second.loss.stderr == pytest.approx(np.std(part, ddof=1) / math.sqrt(len(part)), rel=1e-4)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_shown_as_missing() -> None:
    watch = still(Net(), torch.randn(16, 6), 200, [*FALLING[:50], math.nan, *FALLING[51:]])
    assert [record.loss for record in watch.history if record.loss and not math.isfinite(record.loss.value)]
    json.dumps([record.document() for record in watch.history], allow_nan=False)


def test_losses_on_a_device_are_read_when_a_record_asks() -> None:
    told = TrainingLoss()
    told._given = [torch.tensor(1.0), torch.tensor(4.0)]  # as tensors of a device are kept
    told.tell(4)
    assert told.mean() == Estimate(3.0, pytest.approx(1.0))  # type: ignore[arg-type]
    assert told.mean() is None


@pytest.mark.parametrize(
    ("loss", "message"),
    [(torch.zeros(3), r"loss: received a tensor of shape \(3,\); must be one number"), ("2", "loss: received str")],
)
def test_a_loss_that_is_no_number_is_named(loss: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        Watch(Net(), probe=torch.randn(4, 6)).step(loss=loss)


def test_uncertainty_is_the_entropy_of_the_answers() -> None:
    model, images = Net().eval(), torch.randn(16, 6)
    watch = still(model, images, 2 + 2 * LOOKS, examples=16)
    with torch.no_grad():
        exact = float(torch.distributions.Categorical(logits=model(images)).entropy().mean())
    found = watch.history[0].uncertainty
    assert found.value == pytest.approx(exact, abs=max(4 * found.stderr, 1e-5))


def test_it_writes_to_what_people_have(tmp_path: Path) -> None:
    class Board:
        def __init__(self) -> None:
            self.seen: list[tuple[str, float, int]] = []

        def add_scalar(self, name: str, value: float, step: int) -> None:
            self.seen.append((name, value, step))

    board, metrics = Board(), []
    run: list[Any] = []
    own: list[Any] = []
    trained: list[dict[str, float]] = []
    trainer = SimpleNamespace(log=trained.append, log_metrics=lambda split, metrics: pytest.fail("of another kind"))
    logger = SimpleNamespace(log_metrics=lambda values, step: metrics.append((values, step)))
    watch = still(
        Net(),
        torch.randn(16, 6),
        2 + 2 * LOOKS,
        log=[tmp_path / "deep" / "w.jsonl", board, logger, SimpleNamespace(log=run.append), own.append, trainer],
    )
    lines = [json.loads(line) for line in (tmp_path / "deep" / "w.jsonl").read_text().splitlines()]
    records: list[Record] = list(watch.history)
    assert len(lines) == len(metrics) == len(run) == len(own) == len(records) == 2
    assert own == records
    assert trained == run
    for line, record, (values, step) in zip(lines, records, metrics, strict=True):
        assert line["step"] == step == record.step
        assert line["trace"] == values["critlab/trace"] == record.trace.value
        assert set(line["layers"]) == {"first", "norm", "last"}
        assert ("critlab/trace", record.trace.value, record.step) in board.seen
    assert [one["critlab/step"] for one in run] == [record.step for record in records]


@pytest.mark.slow
def test_the_page_says_the_signals_and_no_phase(tmp_path: Path) -> None:
    watch = still(Net(), torch.randn(16, 6), 2 + 6 * LOOKS, FALLING)
    path = watch.report(tmp_path / "page.html", "mine")
    assert path
    text = path.read_text()
    assert text.startswith("<!doctype html>")
    assert "A watched training" in text
    assert "training loss" in text
    assert "fell since step" in text
    assert not re.search(r"\b(closed|closing|phase)\b", text[text.index("<h1") : text.index("</h1") + 2000])
    with pytest.warns(UserWarning, match="no record yet"):
        assert Watch(Net()).report(tmp_path / "none.html") is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": 0}, "budget"),
        ({"budget": 2}, "budget"),
        ({"examples": 0}, "examples"),
        ({"log": [3]}, "log"),
    ],
)
def test_wrong_choices_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        Watch(Net(), **options)


def test_wrong_models_and_inputs_are_refused() -> None:
    with pytest.raises(StudyError, match="Module"):
        Watch(lambda x: x)  # type: ignore[arg-type]
    with pytest.raises(StudyError, match="no inputs"):
        Watch(Net()).step()
    with pytest.raises(StudyError, match="without examples"):
        Watch(Net()).step("text")  # type: ignore[arg-type]

    class Odd(Net):
        def forward(self, x: Tensor) -> Any:
            return {"answer": super().forward(x)}

    with pytest.raises(StudyError, match="forward="):
        Watch(Odd()).step(torch.randn(4, 6))
    watch = still(Odd(), torch.randn(4, 6), 12, forward=lambda model, x: model(x)["answer"])
    assert watch.history


TWO_PROCESSES = """
import os, sys, torch, torch.distributed as dist
from torch import nn
import critlab
rank = int(sys.argv[1])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{os.getcwd()}/meet", rank=rank, world_size=2)

def train(watched):
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    model = nn.parallel.DistributedDataParallel(inner)
    moving = torch.optim.SGD(model.parameters(), lr=0.05)
    torch.manual_seed(rank)
    watch = critlab.Watch(model, budget=1.0, log=f"log-{rank}.jsonl") if watched else None
    for _ in range(64):
        x, y = torch.randn(16, 6), torch.randint(3, (16,))
        moving.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        moving.step()
        if watch:
            watch.step(x, float(rank))
    if watch:
        watch.close()
    return [*inner.state_dict().values(), torch.get_rng_state()], watch

plain, _ = train(False)
seen, watch = train(True)
assert all(torch.equal(a, b) for a, b in zip(seen, plain, strict=True)), "untouched"
mine = torch.tensor([r.trace.value for r in watch.history], dtype=torch.float64)
both = [torch.zeros_like(mine) for _ in range(2)]
dist.all_gather(both, mine)
assert torch.equal(*both), "all know the same"
own = torch.tensor(sum(r.looks for r in watch.history))
alone = torch.tensor(watch.taken)
dist.all_reduce(alone)
assert own == alone > 8, "all looks of both count"
assert {r.loss.value for r in watch.history if r.loss} == {0.5}, "both tell their losses"
assert (watch.report("page.html") is None) == (rank == 1)
dist.destroy_process_group()
os._exit(0)  # torch's threads for gloo now and then abort a process whose interpreter ends, without critlab too
"""


@pytest.mark.slow
def test_two_processes_look_together_and_the_first_reports(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TWO_PROCESSES)
    both = [subprocess.Popen([sys.executable, "train.py", str(rank)], cwd=tmp_path) for rank in range(2)]
    assert [process.wait(timeout=200) for process in both] == [0, 0]
    assert (tmp_path / "log-0.jsonl").exists()
    assert not (tmp_path / "log-1.jsonl").exists()
    assert (tmp_path / "page.html").exists()


def test_it_is_a_public_name() -> None:
    assert critlab.Watch is Watch
