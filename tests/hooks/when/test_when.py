"""``critlab.when``: one trunk with forks, an answer, a store that is reused, and bad input in one line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import critlab
from critlab.errors import StudyError
from critlab.hooks.when.answer import When
from critlab.hooks.when.learner import SwitchLearner, SwitchLoop

TOTAL = 6


@dataclass
class Training:
    """A linear model whose noise and gain depend on a switch."""

    model: nn.Linear
    optimizer: torch.optim.Optimizer
    gain: float = 0.0
    on: bool = False


@dataclass
class Loop:
    """The six functions, with the calls that they received."""

    effect: Callable[[int], float] = lambda epoch: 0.0
    calls: list[Any] = field(default_factory=list)

    def make(self, seed: int) -> Training:
        model = nn.Linear(3, 1)
        return Training(model, torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9))

    def advance(self, training: Training, epoch: int) -> float:
        self.calls.append(("advance", epoch, training.on))
        inputs = torch.randn(8, 3)
        loss = (training.model(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        training.optimizer.zero_grad()
        loss.backward()
        training.optimizer.step()
        if training.on:
            training.gain += self.effect(epoch)
        return float(loss.detach())

    def evaluate(self, training: Training) -> float:
        return training.gain + 0.01 * float(training.model.weight.detach().sum())

    def save(self, training: Training) -> Mapping[str, Any]:
        return {
            "model": training.model.state_dict(),
            "optimizer": training.optimizer.state_dict(),
            "gain": training.gain,
            "on": training.on,
        }

    def load(self, saved: Mapping[str, Any]) -> Training:
        training = self.make(0)
        training.model.load_state_dict(saved["model"])
        training.optimizer.load_state_dict(saved["optimizer"])
        return dataclasses.replace(training, gain=saved["gain"], on=saved["on"])

    def switch(self, training: Training, on: bool) -> None:
        self.calls.append(("switch", on))
        training.on = on

    def when(self, store: Path, **options: Any) -> When:
        given: dict[str, Any] = {"total": TOTAL, "tolerance": 0.05, "seeds": 4, "version": "1", **options}
        named = {name: getattr(self, name) for name in ("make", "advance", "evaluate", "save", "load", "switch")}
        return critlab.when(**{**named, **given}, store=store)

    def scratch(self, seed: int, time: int, direction: str = "on") -> float:
        """A run that is trained from scratch, by the loop alone."""
        functions = (self.make, self.advance, self.evaluate, self.save, self.load, self.switch)
        learner = SwitchLearner(SwitchLoop(*functions), "metric")
        state = learner.start({"seed": seed})
        from critlab.hooks.when.check import OFF, ON
        from critlab.study.ingredients.measurement import TEST, Measurement

        for epoch in range(TOTAL):
            learner.advance(state, ON if (epoch >= time) == (direction == "on") else OFF, epoch)
        return learner.measure(state, Measurement(TEST, None, None))[0].value


def peak(epoch: int) -> float:
    """On from 4 is best: earlier epochs harm, later ones help."""
    return 0.3 if epoch >= 4 else -0.3


@pytest.mark.slow
def test_the_best_time_is_found_and_the_answer_has_its_names(tmp_path: Path) -> None:
    loop = Loop(peak)
    answer = loop.when(tmp_path / "store", present=5, name="peak")
    assert answer.best.epoch == 4
    assert answer.best.low <= 4 <= answer.best.high
    assert answer.plateau == (4, 4)
    assert answer.matters
    assert not answer.none_better
    assert answer.present is not None
    assert answer.present.estimate == pytest.approx(0.3, abs=0.05)
    assert 0 < answer.spent < answer.reruns
    trained = sum(call[0] == "advance" for call in loop.calls)
    assert trained == answer.spent + 5  # and the check's five epochs
    frame = answer.to_pandas()
    assert list(frame.columns) == ["time", "seed", "the metric"]
    assert len(frame) == len(answer.cells)
    assert f"{answer}".startswith("Turn the switch on at epoch 4")
    page = answer.report(tmp_path / "page.html").read_text()
    assert "The present time, epoch 5, costs" in page


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["on", "off"])
def test_forks_equal_runs_from_scratch_bit_for_bit(tmp_path: Path, direction: str) -> None:
    loop = Loop(peak)
    answer = loop.when(tmp_path / "store", seeds=3, direction=direction)
    assert {time for time, _ in answer.cells} >= {0, 4, TOTAL}
    for (time, seed), metrics in answer.cells.items():
        assert metrics == {"the metric": loop.scratch(seed, time, direction)}


def test_a_second_call_trains_nothing_and_gives_the_same_answer(tmp_path: Path) -> None:
    loop = Loop(peak)
    first = loop.when(tmp_path / "store")
    loop.calls.clear()
    second = loop.when(tmp_path / "store")
    assert loop.calls == []
    assert second == first


def test_further_seeds_and_times_reuse_what_is_there(tmp_path: Path) -> None:
    loop = Loop(peak)
    first = loop.when(tmp_path / "store", seeds=3, times=[0, 4])
    loop.calls.clear()
    more = loop.when(tmp_path / "store", seeds=5, times=[0, 2, 4], check=False)
    advanced = sum(call[0] == "advance" for call in loop.calls)
    assert set(first.cells) < set(more.cells)
    assert all(more.cells[cell] == values for cell, values in first.cells.items())
    assert advanced == more.spent - first.spent


@pytest.mark.slow
def test_a_stopped_call_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = Loop(peak).when(tmp_path / "whole")
    loop, count = Loop(peak), 0
    advance = loop.advance

    def stopping(training: Training, epoch: int) -> float:
        nonlocal count
        count += 1
        if count in (9, 23):
            raise KeyboardInterrupt
        return advance(training, epoch)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            loop.when(tmp_path / "stopped", advance=stopping, check=False)
    answer = loop.when(tmp_path / "stopped", advance=stopping, check=False)
    assert answer == whole


def test_a_switch_that_does_nothing_is_null(tmp_path: Path) -> None:
    answer = Loop().when(tmp_path / "store")
    assert not answer.matters
    assert answer.none_better
    assert answer.plateau == (0, TOTAL)
    assert answer.best == (TOTAL, 0, TOTAL)


@pytest.mark.slow
def test_costs_and_several_metrics_give_trade_offs(tmp_path: Path) -> None:
    loop = Loop(lambda epoch: 0.3 if epoch < 4 else 0.0)

    def evaluate(training: Training) -> Mapping[str, float]:
        gain = loop.evaluate(training)
        return {"gain": gain, "loss": 1 - gain / 4}

    answer = loop.when(
        tmp_path / "store",
        evaluate=evaluate,
        goal={"gain": "max", "loss": "min"},
        tolerance={"gain": 0.05, "loss": 0.02},
        direction="off",
        cost=lambda epoch, on: 2.0 if on else 1.0,
    )
    assert list(answer.timings) == ["gain", "loss"]
    assert answer.plateau == (4, TOTAL)
    assert answer.costs is not None
    assert answer.costs.by_time == {time: 6.0 + time for time in answer.costs.by_time}
    assert answer.costs.spent < answer.costs.reruns
    assert {row.epoch for row in answer.tradeoffs if not row.beaten} == {0, 1, 2, 3, 4} & {
        row.epoch for row in answer.tradeoffs
    }
    assert "Cheapest time on the plateau: epoch 4, with the best gain up to 0.05 for 83 % of the cost of never." in (
        answer.lines()
    )


@pytest.mark.parametrize("seeds", [1, 2])
def test_with_fewer_than_three_seeds_nothing_is_known(tmp_path: Path, seeds: int) -> None:
    loop = Loop(peak)

    def evaluate(training: Training) -> Mapping[str, float]:
        gain = loop.evaluate(training)
        return {"gain": gain, "loss": 1 - gain / 4}

    asked: dict[str, Any] = {"goal": {"gain": "max", "loss": "min"}, "tolerance": {"gain": 0.05, "loss": 0.02}}
    answer = loop.when(
        tmp_path / "store", evaluate=evaluate, seeds=seeds, present=5, cost=lambda epoch, on: 1.0 + on, **asked
    )
    assert (answer.matters, answer.none_better, answer.timing.plateaus) == (None, None, ())
    assert answer.present is not None
    assert (answer.present.low, answer.present.high) == (None, None)
    lines = answer.lines()
    assert lines[0].startswith(
        f"gain: Undecided: the best time of the switch is not known. It needs at least 3 seeds (n = {seeds}"
    )
    assert lines[1] == "gain: So far, the smoothed gain is highest at epoch 4. No loss and no gain is excluded."
    assert lines[2].startswith("gain: The present time, epoch 5, costs 0.3")
    assert " gain [no interval] against the best time." in lines[2]
    assert "The cheapest time on the plateau is not known, because no plateau is found." in lines
    assert "Which times are best in all of gain, loss and cost is not known." in lines
    assert not any("is excluded at" in line or "more than" in line for line in lines)
    document = json.loads(json.dumps(answer.document(), allow_nan=False))
    gain = document["metrics"]["gain"]
    assert (gain["reason"], gain["plateau"], gain["matters"], gain["decided"]) == ("few_seeds", None, None, False)
    assert gain["never"]["high"] is gain["points"][0]["worse"] is gain["points"][0]["chance_best"] is None
    page = answer.report(tmp_path / "page.html").read_text()
    assert "without intervals, because times cannot be compared" in page
    assert "not known" in page


def test_copies_of_one_training_decide_nothing_and_are_not_repeated(tmp_path: Path) -> None:
    loop = Loop(peak)
    answer = loop.when(tmp_path / "store", evaluate=lambda training: training.gain, seeds=8)
    assert (answer.timing.reason, answer.matters, answer.timing.decided) == ("equal_seeds", None, False)
    assert {seed for _, seed in answer.cells} == {0, 1, 2}, "further copies decide nothing either"
    assert "All 3 seeds have the same score at each time, so their spread is not known." in answer.lines()[0]
    assert any(line.startswith("Seeds with equal scores may be copies of one training") for line in answer.lines())


def raising(training: Training, on: bool) -> None:
    raise RuntimeError("no such layer")


def unknown(training: Training, on: bool) -> None:
    training.on = on
    if on:
        training.extra = nn.Linear(3, 3)  # type: ignore[attr-defined]


def removing(training: Training, on: bool) -> None:
    training.on = on
    training.model = nn.Linear(3, 1)


def forgetful(training: Training) -> Mapping[str, Any]:
    return {"model": training.model.state_dict(), "gain": training.gain}


def drawing() -> Callable[[Training, int], float]:
    generator = torch.Generator()

    def advance(training: Training, epoch: int) -> float:
        with torch.no_grad():
            training.model.weight.add_(torch.randn(1, 3, generator=generator))
        return 0.0

    return advance


BAD: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a switch that raises": ({"switch": raising}, "when: switch: raised RuntimeError: no such layer"),
    "unknown parameters": ({"switch": unknown}, "when: switch: the optimiser does not know 2 parameters"),
    "lost parameters": ({"switch": removing}, "when: switch: the optimiser does not know 2 parameters"),
    "a goal that is not finite": ({"evaluate": lambda training: float("nan")}, "the metric was nan; must be finite"),
    "a metric that is no number": ({"evaluate": lambda training: "good"}, "when: evaluate: the metric: received str"),
    "a time beyond training": ({"times": [0, 9]}, "when: times: received 9; must be a whole epoch from 0 to 6"),
    "a present time beyond it": ({"present": 12}, "when: present: received 12; must be a whole epoch from 0 to 6"),
    "advance that draws by itself": ({"advance": drawing()}, "when: a training and its copy, trained for another"),
    "no epochs": ({"total": 0}, "when: total: received 0; must be"),
    "a goal that is none": ({"goal": "best"}, "when: goal: received 'best'"),
    "an unknown metric": ({"goal": {"speed": "max"}}, "when: goal: received the metric 'speed', but evaluate returns"),
    "no tolerance": ({"tolerance": 0}, "when: tolerance: received 0"),
    "no tolerance for a metric": ({"goal": {"a": "max"}, "tolerance": {"b": 1}}, "when: tolerance: received none"),
    "seeds that repeat": ({"seeds": [1, 1]}, "when: seeds: received"),
    "too few first seeds": ({"seeds": {"first": 2, "most": 5}}, "when: seeds: received first = 2"),
    "a direction that is none": ({"direction": "up"}, "when: direction: received 'up'"),
    "no threads": ({"threads": 0}, "when: threads: received 0"),
    "a part": ({"part": "1/2"}, "when: part: received '1/2'; further times and seeds depend on all results so far"),
    "a negative cost": ({"cost": lambda epoch, on: -1.0}, "when: cost: received a cost below 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_line(case: str, tmp_path: Path) -> None:
    options, wanted = BAD[case]
    with pytest.raises(StudyError) as caught:
        Loop().when(tmp_path / "store", **{"seeds": 3, "times": [0], **options})
    assert wanted in f"{caught.value}"
    assert "\n" not in f"{caught.value}"


def test_a_state_that_save_forgets_is_refused(tmp_path: Path) -> None:
    loop = Loop(peak)

    def load(saved: Mapping[str, Any]) -> Training:
        training = loop.make(0)
        training.model.load_state_dict(saved["model"])
        return training

    with pytest.raises(StudyError, match="when: a training and its copy, trained for another epoch"):
        loop.when(tmp_path / "store", save=forgetful, load=load)


def test_what_was_trained_before_an_error_stays(tmp_path: Path) -> None:
    loop = Loop(peak)

    def failing(training: Training) -> float:
        if sum(call == ("advance", TOTAL - 1, True) for call in loop.calls) > 3:
            raise StudyError("the disk of the test data is gone")
        return loop.evaluate(training)

    with pytest.raises(StudyError, match="test data is gone"):
        loop.when(tmp_path / "store", evaluate=failing, check=False)
    before = sum(call[0] == "advance" for call in loop.calls)
    answer = loop.when(tmp_path / "store", check=False)
    assert sum(call[0] == "advance" for call in loop.calls) <= answer.spent + TOTAL
    assert before > TOTAL


def test_a_training_that_diverges_can_count_as_a_value(tmp_path: Path) -> None:
    loop = Loop(peak)

    def advance(training: Training, epoch: int) -> float:
        loss = loop.advance(training, epoch)
        return float("inf") if training.on and epoch == 1 else loss

    with pytest.raises(StudyError, match=r"seed 0, switch at epoch 0: train_loss was inf; must be finite"):
        loop.when(tmp_path / "store", advance=advance)
    answer = loop.when(tmp_path / "store", advance=advance, diverged=-5.0)
    assert answer.cells[(0, 0)] == {"diverged": -5.0}
    assert answer.best.epoch == 4


def test_an_option_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="when\\(\\) has no option 'tims'"):
        Loop().when(tmp_path / "store", tims=[0])


@pytest.mark.slow
def test_the_code_of_the_switch_names_results(tmp_path: Path) -> None:
    loop = Loop(peak)
    loop.when(tmp_path / "store", version=None, seeds=3, times=[0])
    loop.calls.clear()

    def other(training: Training, on: bool) -> None:
        training.on = bool(on)

    loop.when(tmp_path / "store", version=None, seeds=3, times=[0], switch=other, replace=True)
    assert any(call[0] == "advance" for call in loop.calls)
