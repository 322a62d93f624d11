"""A watch schedules forks within their budget; they answer, and leave the training as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

import critlab
from critlab._core.errors import StudyError
from critlab.hooks.sensitivity.course import Closing
from critlab.hooks.sensitivity.options import SensitivityOptions
from critlab.hooks.watch import Watch
from critlab.hooks.watch.forking.schedule import Schedule
from critlab.hooks.watch.page.page import findings
from critlab.learning_tasks import Metric
from planted_forks import Planted, harm
from watched_trainings import always

QUIET = SensitivityOptions(forecasts=False)


def plan(planted: Planted, **options: Any) -> critlab.ForkPlan:
    given: dict[str, Any] = {"deficits": [harm], "total": 64, "deprived": 1, "clean": 1, "options": QUIET}
    return critlab.ForkPlan(**{**given, **planted.functions, **options})


def watched(planted: Planted, epochs: int = 33, watch: Watch | None = None, **options: Any) -> tuple[Watch, list[Any]]:
    """A planted training whose every epoch ends with the watch's question."""
    torch.manual_seed(0)
    told: list[Any] = []
    model = nn.Linear(4, 3)
    given = plan(planted, **options)
    watch = watch or always(Watch(model, forks=given, on_closed=lambda *one: told.append(one), budget=1.0))
    state = planted.start()
    for epoch in range(epochs):
        watch.fork_if_due(state, epoch)
        watch.step(torch.randn(8, 4), 1.0, 0.1)
        planted.advance(state, epoch, lambda inputs, labels: (inputs, labels))
    return watch, told


def test_forks_come_at_log_spaced_epochs_within_the_budget() -> None:
    watch, told = watched(Planted(first=0.2, closing=9.0, deviation=0.0005), total=128, epochs=65)
    assert not watch.asides
    assert [one.onset for one in watch.course.looks] == [0, 1, 2, 5, 14]
    assert watch.fork_epochs == watch.course.spent <= 64
    assert [answer.answer for answer in watch.course.of("harm")] == ["open"] * 5
    assert told == []
    rich, _ = watched(Planted(first=0.2, closing=9.0, deviation=0.0005), fork_budget=3.0)
    assert [one.onset for one in rich.course.looks] == [0, 1, 2, 4, 8, 16, 32]


@pytest.mark.slow
def test_a_closed_period_is_told_once() -> None:
    watch, told = watched(Planted(first=0.2, closing=2.0, deviation=0.0005), fork_budget=3.0)
    assert watch.course.closings["harm"].answer == "closed"
    assert [name for name, _ in told] == ["harm"]
    closing: Closing = told[0][1]
    assert closing.low < 2.0 * 3.0 < closing.high, "damage falls below a point after three times its decay"
    assert len(watch.to_pandas("forks")) == len(watch.course.looks)


def test_the_schedule_also_follows_the_weights() -> None:
    schedule = Schedule()
    assert schedule.due(0, None)
    schedule.forked(8, 1.0)
    assert not schedule.due(9, 0.6)
    assert schedule.due(9, 0.5)
    assert not schedule.due(8, 0.1)
    assert schedule.due(16, 0.9)


def test_a_budget_that_allows_nothing_is_refused_at_once() -> None:
    with pytest.raises(StudyError, match=r"forks: fork_budget: allows 5 epochs, and 3 repeats of 1 deficits"):
        Watch(nn.Linear(2, 2), forks=plan(Planted(), total=10))
    with pytest.raises(StudyError, match=r"forks: total: is missing"):
        Watch(nn.Linear(2, 2), forks=plan(Planted(), total=None))
    chosen = plan(Planted(), total=200, deprived=None, clean=None).fitted().within_budget()
    assert chosen.lengths == (3, 1)
    assert plan(Planted(), total=2000, deprived=None, clean=None).fitted().within_budget().lengths == (4, 3)


def test_forks_that_fail_step_aside_and_the_training_goes_on() -> None:
    def broken(inputs: torch.Tensor) -> torch.Tensor:
        return inputs[:2]

    with pytest.warns(UserWarning, match="forks: .*'broken' changed inputs"):
        watch, _ = watched(Planted(), epochs=4, deficits=[broken])
    assert watch.steps == 4
    assert not watch.course.looks


def test_the_watch_goes_on_from_its_state() -> None:
    planted = Planted(first=0.2, closing=2.0, deviation=0.0005)
    watch, _ = watched(planted, epochs=9)
    state = watch.state_dict()
    again = Watch(nn.Linear(4, 3), forks=plan(planted), budget=1.0)
    again.load_state_dict(state)
    assert again.course.rows() == watch.course.rows()
    assert again.fork_epochs == watch.fork_epochs
    assert again.fork_if_due(planted.start(), 4) is None, "that epoch had its forks"
    assert again.state_dict()["forks"]["looks"] == state["forks"]["looks"]


DISTANCE = Metric("distance", unit="mm", better="lower", smallest_damage=0.5)


def far(planted: Planted) -> Any:
    """The planted damage as a distance: 100 mm of it are one whole accuracy."""
    return lambda state: {"distance": 100 * (1 - planted.evaluate(state))}


@pytest.mark.parametrize("inside", [False, True], ids=["metric", "options.metric"])
def test_forks_answer_in_the_metric_of_the_loop(inside: bool) -> None:
    planted = Planted(first=0.2, closing=9.0, deviation=0.0005)
    told = {"options": replace(QUIET, metric=DISTANCE)} if inside else {"metric": DISTANCE}
    watch, _ = watched(planted, epochs=3, evaluate=far(planted), **told)
    assert not watch.asides
    plain, _ = watched(planted, epochs=3)
    for one, other in zip(watch.course.of("harm"), plain.course.of("harm"), strict=True):
        assert one.damage_now == pytest.approx(100 * other.damage_now), "more distance is damage, as less is better"
        assert (one.answer, one.smallest) == ("open", 0.5)
        assert " mm [" in one.sentence
        assert "point" not in one.sentence
    row = watch.course.rows()[0]
    assert (row["metric"], row["unit"], row["smallest_damage"]) == ("distance", "mm", 0.5)
    for _ in range(20):
        watch.step(torch.randn(8, 4))
    found = findings(watch.history, "training", {}, watch.course)
    charts = {one.key: f"{one.panels[0].spec}" for one in found.charts}
    assert "Damage after the fork (mm of distance)" in charts["fork_damage"]
    assert "points" not in charts["fork_damage"] + charts["forks"]
    again = Watch(nn.Linear(4, 3), forks=plan(planted, evaluate=far(planted), **told), budget=1.0)
    again.load_state_dict(watch.state_dict())
    assert again.course.rows() == watch.course.rows()
    in_accuracy = Watch(nn.Linear(4, 3), forks=plan(planted), budget=1.0)
    with pytest.raises(StudyError, match=r"forks: metric: received accuracy, but the earlier answers .* in distance"):
        in_accuracy.load_state_dict(watch.state_dict())


def test_a_metric_that_says_no_unit_is_refused_at_once() -> None:
    with pytest.raises(StudyError, match=r"metric: received .*, which says no unit and direction"):
        Watch(nn.Linear(2, 2), forks=plan(Planted(), metric=lambda state: 1.0))
    with pytest.raises(StudyError, match=r"forks: metric: received one here and another in options"):
        Watch(nn.Linear(2, 2), forks=plan(Planted(), metric=DISTANCE, options=replace(QUIET, metric="loss")))


def test_the_page_begins_with_the_answer() -> None:
    watch, _ = watched(Planted(first=0.2, closing=2.0, deviation=0.0005), fork_budget=3.0)
    for _ in range(20):
        watch.step(torch.randn(8, 4))
    watch.close()
    page = findings(watch.history, "mine", watch.asides, watch.course)
    assert page.headline.startswith("harm: closed at epoch ")
    assert page.answer == ("absent", "closed for harm")
    assert [chart.key for chart in page.charts][:2] == ["forks", "fork_damage"]
    early, _ = watched(Planted(first=0.2, deviation=0.0005), epochs=2)
    for _ in range(20):
        early.step(torch.randn(8, 4))
    early.close()
    said = findings(early.history, "mine", {}, early.course)
    assert said.headline.startswith("At epoch 1, the period for harm is open by the damage now")
    assert said.answer == ("present", "open for harm")


def test_the_clock_and_the_rate_are_signals_and_no_phase_is() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.4)
    watch = always(Watch(model, optimizer=optimizer, budget=1.0))
    for step in range(40):
        optimizer.param_groups[0]["lr"] = 0.4 * 0.9**step
        watch.step(torch.randn(8, 4))
    watch.close()
    found = watch.signals
    assert found["step"].value == 40
    assert found["lr_share"].value == pytest.approx(watch.history[-1].lr / watch.history[0].lr)  # type: ignore[operator]
    assert watch.course.closings == {}
    table = watch.to_pandas()
    assert list(table["step"]) == [one.step for one in watch.history]


def test_earlier_keywords_still_work_and_unknown_ones_are_refused() -> None:
    watch = Watch(nn.Linear(4, 3), examples=4, gradients=False, path=False, seed=3)
    watch.step(torch.randn(8, 4))
    with pytest.raises(TypeError, match=r"Watch\(\) has no option 'example'"):
        Watch(nn.Linear(4, 3), example=4)
