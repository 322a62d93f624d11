"""Networks of many seeds at once train as each of them does alone, in a plain loop over torch's own modules."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from paths import EVIDENCE

sys.path.insert(0, str(EVIDENCE))

from closing_bench.data import DEFICITS, Data, deprived, images, tokens
from closing_bench.design import ONSETS, SCHEDULES, Training, network, share_of_peak, trainings
from closing_bench.measure import followed
from closing_bench.networks import Network, losses
from closing_bench.signals import Looker
from closing_bench.training import Epoch, State, Trainer, joined

SEEDS = (3, 4, 5)


@pytest.fixture(scope="module")
def data() -> dict[str, Data]:
    return {"images": images(), "tokens": tokens()}


class Plain(nn.Module):
    """One seed's network of ``torch.nn`` layers, with the same weights."""

    def __init__(self, network: Network, state: State, seed: int) -> None:
        super().__init__()
        self.layers, place = nn.ModuleList(), 0
        for inputs, outputs in network.layers:
            matrix, bias = state.weights[place][seed], state.weights[place + 1][seed, 0]
            layer: nn.Conv2d | nn.Linear
            if place // 2 < len(network.convolutions):
                one = network.convolutions[place // 2]
                channels = inputs // (one.kernel[0] * one.kernel[1])
                layer = nn.Conv2d(channels, outputs, one.kernel, one.stride).double()
                weight = matrix.view(*one.kernel, channels, outputs).permute(3, 2, 0, 1)
            else:
                layer = nn.Linear(inputs, outputs).double()
                weight = matrix.T
            layer.weight.data, layer.bias.data = weight.contiguous(), bias.clone()  # type: ignore[union-attr]
            self.layers.append(layer)
            place += 2

    def forward(self, examples: Tensor) -> Tensor:
        signal: Tensor = examples[:, None]
        for place, layer in enumerate(self.layers):
            if isinstance(layer, nn.Linear) and signal.ndim == 4:
                # channels last, as the batched networks flatten
                signal = signal.permute(0, 2, 3, 1).flatten(1)
            signal = layer(signal)
            signal = signal.relu() if place < len(self.layers) - 1 else signal
        return signal


@pytest.mark.parametrize("kind", ["mlp", "conv"])
@pytest.mark.parametrize("name", ["images", "tokens"])
def test_a_batch_of_seeds_trains_as_each_alone(data: dict[str, Data], kind: str, name: str) -> None:
    trainer = Trainer(network(kind, data[name]), data[name], 16, SEEDS)
    start = trainer.newborn(torch.float64)
    epochs = [Epoch(0.05, 0), Epoch(0.02, 1)]
    end = trainer.trained(start, epochs)
    for place in range(len(SEEDS)):
        alone = Plain(trainer.network, start, place)
        optimizer = torch.optim.SGD(alone.parameters(), lr=0.1, momentum=0.9, weight_decay=0.0005)
        for epoch in epochs:
            optimizer.param_groups[0]["lr"] = epoch.rate
            for places in trainer.places(epoch)[place]:
                optimizer.zero_grad()
                logits = alone(data[name].pool[places].double())
                nn.functional.cross_entropy(logits, data[name].pool_labels[places]).backward()
                optimizer.step()
        same = Plain(trainer.network, end, place)
        for one, other in zip(alone.parameters(), same.parameters(), strict=True):
            assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)
        logits = alone(data[name].test.double())
        accuracy, loss = trainer.tested(end)
        assert accuracy[place] == (logits.argmax(-1) == data[name].test_labels).double().mean()
        assert loss[place] == pytest.approx(float(nn.functional.cross_entropy(logits.detach(), data[name].test_labels)))


def test_forks_share_everything_but_the_window(data: dict[str, Data]) -> None:
    training = Training("cosine", 16, "mlp", "tokens", 16)
    trainer = training.trainer(SEEDS)
    start = trainer.newborn()
    clean = trainer.trained(start, training.clean(0, 4))
    paired = trainer.trained(start, [*training.window(0, 2, ""), *training.clean(2, 4)])
    assert all(torch.equal(one, other) for one, other in zip(clean.weights, paired.weights, strict=True))
    other = trainer.trained(start, [*training.window(0, 2, "identity"), *training.clean(2, 4)])
    assert not torch.equal(clean.weights[0], other.weights[0])
    frozen = trainer.trained(start, training.window(0, 2, "frozen"))
    assert frozen is start
    assert [one.rate for one in training.matched(0, "noise")] == [one.rate for one in training.matched(8, "noise")]


@pytest.mark.slow
def test_joined_arms_train_as_each_alone(data: dict[str, Data]) -> None:
    training = Training("cosine", 16, "conv", "tokens", 16)
    trainer = training.trainer(SEEDS)
    start = trainer.newborn(torch.float64)
    arms = [trainer.trained(start, training.window(0, 1, name)) for name in ("noise", "frozen", "identity")]
    epochs = training.clean(1, 3)
    together = trainer.trained(joined(arms), epochs)
    alone = joined([trainer.trained(arm, epochs) for arm in arms])
    for one, other in zip(together.weights, alone.weights, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)
    assert torch.equal(
        trainer.tested(together)[0], torch.cat([trainer.tested(trainer.trained(arm, epochs))[0] for arm in arms])
    )
    found = followed(trainer, arms, epochs, [1, 2])
    assert found.shape == (3, 2, 2, 3)
    assert torch.equal(found[1, 1], torch.stack(trainer.tested(trainer.trained(arms[1], epochs))))


@pytest.mark.parametrize("name", ["images", "tokens"])
def test_deficits_change_what_they_should(data: dict[str, Data], name: str) -> None:
    examples, labels = data[name].pool[None, :400], data[name].pool_labels[None, :400]
    for deficit in DEFICITS[name]:
        changed, answers = deprived(data[name], deficit, examples, labels, torch.Generator().manual_seed(0))
        assert changed.shape == examples.shape
        assert torch.equal(answers, labels) == (deficit != "random_labels")
        assert torch.equal(changed, examples) == (deficit == "random_labels")
        if deficit == "shuffle":
            assert torch.equal(changed.sum(2), examples.sum(2))
    with pytest.raises(ValueError, match="deficit: received 'fog'"):
        deprived(data[name], "fog", examples, labels, torch.Generator())


def test_signals_agree_with_their_definitions(data: dict[str, Data]) -> None:
    trainer = Trainer(network("conv", data["tokens"]), data["tokens"], 16, SEEDS)
    looker, state = Looker(trainer), trainer.newborn()
    looker.look(state, 0)
    epoch = Epoch(0.05, 0)
    after = trainer.train(state, epoch, looker.step)
    found = looker.look(after, 1)
    assert found["fisher"].shape == (3, 3)
    assert found["moved"].equal(found["displacement"])
    assert float((found["test_loss"] - trainer.tested(after)[1]).abs().max()) == 0
    examples, labels = looker._probe(128, 1)
    weights = [one[:1].clone().requires_grad_() for one in after.weights]

    def loss(*given: Tensor) -> Tensor:
        return losses(trainer.network.answers(list(given), examples[:1])[0], labels[:1]).sum()

    # many more iterations reach the top eigenvalue; three from a good start are close and never above
    vector = [torch.randn(one.shape, generator=torch.Generator().manual_seed(1)) for one in weights]
    for _ in range(30):
        size = sum(one.square().sum() for one in vector) ** 0.5
        vector = [one / size for one in vector]
        product = torch.autograd.functional.hvp(loss, tuple(weights), tuple(vector))[1]
        top = sum((one * other).sum() for one, other in zip(product, vector, strict=True))
        vector = list(product)
    assert 0.4 * float(top) < float(found["curvature"][0]) <= 1.01 * float(top)


def test_the_design_is_balanced_and_a_third_is_held_out() -> None:
    found = trainings()
    assert len({one.name for one in found}) == 48
    assert sum(one.held_out for one in found) == 16
    for half in (found[:24], found):
        for part in ("length", "batch", "kind", "data", "schedule"):
            values = [getattr(one, part) for one in half]
            assert len({values.count(value) for value in values}) == 1, part
    for one in found:
        assert len(one.onsets) == 7
        assert max(one.onsets) == one.length - 8
        assert max(one.rates) <= {"images": 0.02, "tokens": 0.1}[one.data]
    assert set(ONSETS) == {16, 32, 64}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_stay_within_their_peak(schedule: str) -> None:
    shares = [share_of_peak(schedule, (epoch + 0.5) / 64) for epoch in range(64)]
    assert min(shares) > 0
    assert max(shares) <= 1
    assert (max(shares) > 0.97) or schedule == "exponential"
    with pytest.raises(ValueError, match="schedule: received"):
        share_of_peak("steps", 0.5)
