"""A watch goes on after a restart with the same bits, and neither its memory nor its work grows with the training."""

from __future__ import annotations

import io
import math
import time
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab._core.estimate import Estimate
from critlab.analysis.sources.prime_window import PrimeWindow, prime_window
from critlab.hooks.watch import Watch
from critlab.hooks.watch.looks.inputs import Call
from critlab.hooks.watch.page.page import MOST_SHOWN, findings
from critlab.hooks.watch.records.history import MOST_RECORDS, History
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.records.signals import signals
from critlab.hooks.watch.sums.groups import MOST_READINGS, Watched
from watched_trainings import always


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Towers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.drop = nn.Linear(4, 3), nn.Linear(5, 3), nn.Dropout(0.1)

    def forward(self, left: Tensor, *, right: Tensor) -> Tensor:
        return self.left(left) + self.drop(self.right(right))


OPTIONS: dict[str, Any] = {"budget": 1.0, "groups": {"left": "left", "right": "right"}, "epoch_steps": 9, "seed": 5}


class Training:
    """Draws by its step, so that it can go on from anywhere."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = Towers()
        self.moving = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.watch = always(Watch(self.model, optimizer=self.moving, **OPTIONS))

    def steps(self, first: int, last: int) -> None:
        for step in range(first, last):
            torch.manual_seed(step)
            batch = Call((torch.randn(8, 4),), {"right": torch.randn(8, 5)})
            self.moving.zero_grad()
            found = self.model(*batch.places, **batch.names)
            loss = nn.functional.cross_entropy(found, torch.randint(3, (8,)))
            loss.backward()
            self.moving.step()
            self.watch.step(batch, loss)

    def saved(self) -> Any:
        file = io.BytesIO()
        whole = {"model": self.model.state_dict(), "moving": self.moving.state_dict(), "watch": self.watch.state_dict()}
        torch.save(whole, file)
        file.seek(0)
        return torch.load(file, weights_only=True)


def known(record: Record) -> dict[str, Any]:
    """What depends on steps alone: not on the clock, and not on gradients of the steps just before a restart."""
    clock = ("seconds", "overhead", "gradient_norm", "gradient_signal_to_noise", "gradient_clipped", "path")
    return {name: value for name, value in vars(record).items() if name not in clock}


@pytest.mark.slow
@pytest.mark.parametrize("stop", [3, 8, 21, 40])
def test_a_watch_goes_on_bit_for_bit(stop: int) -> None:
    whole = Training()
    whole.steps(0, 60)
    first = Training()
    first.steps(0, stop)
    saved = first.saved()
    later = Training()
    later.model.load_state_dict(saved["model"])
    later.moving.load_state_dict(saved["moving"])
    later.watch.load_state_dict(saved["watch"])
    later.steps(stop, 60)
    for one in (whole, later):
        one.watch.close()
    assert [known(one) for one in later.watch.history] == [known(one) for one in whole.watch.history]
    assert later.watch.steps == 60
    assert later.watch.taken == whole.watch.taken
    assert later.watch.windows == whole.watch.windows
    assert later.watch.history[-1].path == pytest.approx(whole.watch.history[-1].path, rel=0.1)
    assert later.watch.history[-1].seconds > saved["watch"]["seconds"]


@pytest.mark.parametrize("state", [{}, {"version": 99}, {"version": 1}, {"version": 1, "history": 3}])
def test_a_state_that_does_not_fit_is_refused_and_a_restart_goes_on_without_it(state: dict[str, Any]) -> None:
    watch = Watch(Towers())
    with pytest.raises(StudyError, match="state"):
        watch.load_state_dict(state)
    with pytest.warns(UserWarning, match="begins again"):
        watch.restore(state)


def test_a_state_of_another_network_gives_its_history_and_no_sums() -> None:
    first = Training()
    first.steps(0, 20)
    watch = Watch(nn.Linear(3, 2))
    watch.load_state_dict(first.saved()["watch"])
    assert len(watch.history) == 2
    watch.close()


def record(step: int, layers: int = 3) -> Record:
    found = {f"layer {place}": Estimate(1.0 + step % 7 + place, 0.1) for place in range(layers)}
    return Record(
        step=step,
        looks=8,
        examples=16,
        trace=Estimate(float(step), math.inf),
        uncertainty=Estimate(0.5, 0.1),
        loss=Estimate(math.nan, 0.1) if step % 2 else None,
        layers=found,
        shares={name: one.value / sum(o.value for o in found.values()) for name, one in found.items()},
        movement=None,
        movement_by_chance=0.25,
        gradient_norm=2.0,
        gradient_signal_to_noise=None,
        gradient_clipped=[None, True, False][step % 3],
        path=1.0,
        lr=0.1,
        seconds=3.0,
        overhead=0.03,
        groups={"a": Estimate(2.0, 0.1)} if step % 4 else {},
        windows={"a": PrimeWindow(True, 4.0, Estimate(0.1, math.inf))} if step % 4 else {},
    )


def test_records_come_back_from_a_state() -> None:
    history = History()
    for step in range(1, 30):
        history.append(record(step, layers=2 + (step > 20)))
    other = History()
    other.load(history.state())
    assert repr(other.records) == repr(history.records)
    assert (other.count, other.looks) == (29, 232)


def test_a_long_history_is_thinned_evenly() -> None:
    history = History()
    for step in range(20000):
        history.append(record(step))
        assert history.last is not None
        assert history.last.step == step
        assert len(history.records) <= MOST_RECORDS + 1
    steps = [one.step for one in history.records]
    gaps = {later - earlier for earlier, later in pairwise(steps[:-1])}
    assert steps[0] == 0
    assert len(gaps) == 1
    assert len(steps) > MOST_RECORDS / 2
    assert history.count == 20000
    assert len(findings(history.records, "long").charts[0].rows) <= MOST_SHOWN + 1


@pytest.mark.slow
def test_a_record_late_in_a_training_costs_no_more_than_one_early_on() -> None:
    """Thirty times as many records may have gone before; each costs the same, within the noise of a shared machine."""
    model = Towers()

    def seconds(records: int) -> float:
        groups, history = Watched({"left": "left", "right": "right"}, model, 10**6), History()
        began = time.process_time()
        for step in range(records):
            traces = {"left": Estimate(1.0 + step, 0.1), "right": Estimate(2.0, 0.1)}
            groups.follow(step + 1, traces)
            history.append(record(step))
        assert len(groups._steps) <= MOST_READINGS
        return (time.process_time() - began) / records

    early = min(seconds(600) for _ in range(2))
    assert seconds(6000) < 2.5 * early


@pytest.mark.slow
def test_a_thinned_window_is_that_of_all_readings() -> None:
    groups = Watched({"left": "left", "right": "right"}, Towers(), 100)
    steps = [*range(1, 4000, 2)]
    traces = [Estimate(10 * (1 - math.exp(-step / 700)), 0.0) for step in steps]
    for step, trace in zip(steps, traces, strict=True):
        found = groups.follow(step, {"left": trace, "right": trace})
    whole = prime_window(steps, [one.value for one in traces], [0.0] * len(steps), epoch=100)
    assert found["left"].open == whole.open
    assert found["left"].growth is not None
    assert whole.growth is not None
    assert found["left"].growth.value == pytest.approx(whole.growth.value, abs=1e-5)
    assert found["left"].since == pytest.approx(whole.since, abs=4)


def test_signals_say_how_they_moved() -> None:
    history = [record(step) for step in (10, 20, 30)]
    found = signals(history)
    assert found["trace"].moved == "unknown", "without an error nothing is said"
    assert (found["uncertainty"].moved, found["uncertainty"].since) == ("unchanged", 10)
    moved: dict[str, Any] = {**vars(history[-1]), "uncertainty": Estimate(0.1, 0.01)}
    assert signals([*history[:-1], Record(**moved)])["uncertainty"].moved == "fell"
    assert found["lr"].value == 0.1
    assert found["share/layer 0"].stderr is None
    assert signals([]) == {}
