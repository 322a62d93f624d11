"""Stepwise schedules: the rates of torch's schedulers, one name for equal rates, and bad input in one line."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from critlab._core.errors import StudyError
from critlab.report.charts.learning_rate import rate_charts
from critlab.report.text.figures.optimisation import optimizer_words, schedule_words
from critlab.study import Study
from critlab.study.remarks import training_remarks
from critlab.study.runs.recipe import recipe_digest, recipes
from critlab.study.runs.tree import build
from critlab.study.schedules.course import Phase, PhasedCourse, SteppedCourse, of_phases
from critlab.study.schedules.schedule import EpochPosition, Schedule
from studies import small
from synthetic import synthetic_results

BATCHES = 5
"""Steps of an epoch of :func:`asked`."""
TOTAL = 6

STEPWISE: dict[str, dict[str, Any]] = {
    "warmup_cosine": {"warmup": 2, "min_lr": 0.001},
    "one_cycle": {},
    "step": {"milestones": [2, 4], "gamma": 0.5},
    "polynomial": {"power": 2.0},
    "function": {"function": "own_rates:linear"},
}


def asked(optimizer: dict[str, Any], **changes: Any) -> Study:
    parts: dict[str, Any] = {
        "data": {"name": "sample", "train": 50, "test": 20},
        "optimizer": {"name": "sgd", "lr": 0.05, "batch": 10, **optimizer},
        "sweep": {"kind": "window", "onsets": [0, 2], "length": 1, "total": TOTAL},
        "controls": {"delay": False, "clocks": []},
        "seeds": 1,
    }
    return small(**{**parts, **changes})


def step_rates(study: Study, name: str = "") -> list[float]:
    """The rate of every step of a run, by default of a clean one."""
    run = next(run for run in study.runs if (run.name == name if name else run.clean))
    return [recipe.rate(step, BATCHES) for recipe in recipes(run, study) for step in range(BATCHES)]


def scheduled(make: Any, lr: float = 0.05) -> list[float]:
    """The rates of one of torch's schedulers, stepped after every step."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler, found = make(optimizer), []
    for _ in range(TOTAL * BATCHES):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_the_rates_are_those_of_torchs_schedulers() -> None:
    steps = TOTAL * BATCHES
    cosine = scheduled(lambda one: lr_scheduler.CosineAnnealingLR(one, steps, eta_min=0.01))
    assert step_rates(asked({"clock": "warmup_cosine", "min_lr": 0.01})) == pytest.approx(cosine, rel=1e-12)
    power = scheduled(lambda one: lr_scheduler.PolynomialLR(one, steps, power=2.0))
    assert step_rates(asked({"clock": "polynomial", "power": 2.0})) == pytest.approx(power, rel=1e-9)
    falls = scheduled(lambda one: lr_scheduler.MultiStepLR(one, [2 * BATCHES, 4 * BATCHES], gamma=0.5))
    assert step_rates(asked({"clock": "step", "milestones": [2, 4], "gamma": 0.5})) == pytest.approx(falls, rel=1e-12)
    rises = scheduled(lambda one: lr_scheduler.LambdaLR(one, lambda step: min(1.0, step / (2 * BATCHES))))
    warm = step_rates(asked({"clock": "step", "warmup": 2, "milestones": [5], "gamma": 1.0}))
    assert warm == pytest.approx(rises, rel=1e-12)
    cycle = scheduled(lambda one: lr_scheduler.OneCycleLR(one, 0.05, total_steps=steps, cycle_momentum=False))
    ours = step_rates(asked({"clock": "one_cycle"}))
    assert [max(ours), ours[0]] == pytest.approx([max(cycle), cycle[0]], rel=0.02)
    assert ours == pytest.approx(cycle, abs=0.05 * math.pi / 2 * 2 / steps / 0.3), "torch's phases end a step earlier"


@pytest.mark.parametrize("clock", STEPWISE)
def test_the_restarted_schedule_is_that_of_a_newborn(clock: str) -> None:
    again = asked({"clock": f"{clock}_restart", **STEPWISE[clock]}, sweep={"kind": "removal", "at": [2], "recovery": 5})
    run = next(run for run in again.runs if not run.clean)
    newborn = next(run for run in again.runs if run.clean and run.total == 5)
    rates, first = step_rates(again, run.name), step_rates(again, newborn.name)
    assert rates[2 * BATCHES :] == first
    plain = asked({"clock": clock, **STEPWISE[clock]}, sweep={"kind": "removal", "at": [2], "recovery": 5})
    assert rates[: 2 * BATCHES] == step_rates(plain, run.name)[: 2 * BATCHES]
    default = asked({"clock": clock, **STEPWISE[clock]}, controls={"clocks": None})
    assert f"blur {clock}_restart" in {run.arm for run in default.runs}, "the default control finds it"


def test_equal_rates_have_one_name_and_the_warm_up_is_shared() -> None:
    sweep = {"kind": "removal", "at": [2, 4], "recovery": 4}
    study = asked({"clock": "warmup_cosine", "warmup": 3}, sweep=sweep)
    short, long = (run for run in study.runs if not run.clean)
    tree = build(study)
    shared = sum(a == b for a, b in zip(tree.paths(short.name), tree.paths(long.name), strict=False)) - 1
    assert shared == 2, "the deficit ends at 2, in the warm-up"
    assert all(recipe.course for recipe in recipes(short, study))
    steps = asked({"clock": "step", "milestones": [1]}, sweep=sweep)
    assert [recipe.course for run in steps.runs for recipe in recipes(run, steps) if recipe.course] == []
    absolute = asked({"clock": "absolute"}, sweep=sweep)
    ones = asked({"clock": "step", "milestones": [5], "gamma": 1.0}, sweep=sweep)
    for one, other in zip(absolute.runs, ones.runs, strict=True):
        assert [*map(recipe_digest, recipes(one, absolute))] == [*map(recipe_digest, recipes(other, ones))]
    halves = asked({"clock": "function", "function": "own_rates:halves"})
    steps = asked({"clock": "step", "milestones": [3], "gamma": 0.5})
    assert recipes(halves.runs[0], halves) == recipes(steps.runs[0], steps), "named by its rates, not by its code"


@given(st.floats(0.05, 0.95), st.integers(1, 7), st.integers(1, 9))
def test_the_course_of_an_epoch_is_the_curve_of_the_run(peak: float, total: int, steps: int) -> None:
    phases = (Phase(0, peak * total, 0.04, 1.0, "cosine"), Phase(peak * total, total, 1.0, 0.0, "power", 2.0))
    for epoch in range(total):
        rate = of_phases(phases, epoch, 2.0)
        assert isinstance(rate.course, PhasedCourse)
        for step in range(steps):
            at = epoch + step / steps
            whole = phases[0] if at < peak * total else phases[1]
            assert 2.0 * rate.course.factor(step / steps) == pytest.approx(2.0 * whole.factor(at), abs=1e-9)


@given(st.integers(1, 500), st.integers(1, 500))
def test_each_step_of_a_whole_epoch_has_its_own_factor(steps: int, other: int) -> None:
    course = SteppedCourse(tuple(map(float, range(steps))))
    assert [course.factor(step / steps) for step in range(steps)] == [*range(steps)]
    assert 0 <= course.factor((other - 1) / other) <= steps - 1


def test_a_plan_says_what_a_schedule_keeps_from_being_shared_and_what_the_last_step_has() -> None:
    sweep = {"kind": "removal", "at": [2, 4], "recovery": 4}
    assert training_remarks(asked({"clock": "wsd", "decay": 1}, sweep=sweep)) == []
    assert training_remarks(asked({"clock": "one_cycle"})) == [], "all runs have one length"
    accumulated, curved = training_remarks(asked({"clock": "polynomial", "warmup": 1, "accumulate": 3}, sweep=sweep))
    assert accumulated == "optimizer.accumulate: an epoch has 5 batches, so its last step has 2 of 3"
    assert "polynomial depends on the length of a run, so runs of different length share their warm-up" in curved


def test_the_words_and_the_chart_of_a_schedule() -> None:
    results = synthetic_results(
        controls={"clocks": None}, optimizer={"clock": "one_cycle", "pct_start": 0.4, "lr_decay": 1.0, "accumulate": 2}
    )
    optimizer = results.study.optimizer
    assert schedule_words(optimizer) == "0.05, one cycle (pct start 0.4)"
    assert "2 batches in a step" in optimizer_words(optimizer)
    (drawn,) = rate_charts(results)
    points = drawn.panels[0].spec["data"]["values"]
    assert {point["schedule"] for point in points} == {"not restarted", "restarted"}
    assert max(point["rate"] for point in points) == pytest.approx(0.05, rel=0.01)
    assert list(rate_charts(synthetic_results())) == [], "a decay by epochs needs no chart"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"clock": "step"}, "optimizer.milestones: required by clock 'step', but missing; give a list of epochs"),
    (
        {"clock": "step", "milestones": [2, 9]},
        "optimizer.milestones: received 9; must be below 6, the number",
    ),
    ({"clock": "step", "milestones": []}, "optimizer.milestones: received []; must be a list of at least 1"),
    ({"clock": "step", "milestones": [0]}, "optimizer.milestones.0: received 0; must be greater than or equal to 1"),
    ({"clock": "step", "milestones": [4, 2]}, "optimizer.milestones: received 2 after 4; must be increasing"),
    ({"clock": "step", "milestones": [2], "warmup": 3}, "optimizer.warmup: received 3; must be at most 2, the first"),
    ({"clock": "one_cycle", "pct_start": 30}, "optimizer.pct_start: received 30; must be less than 1"),
    ({"clock": "one_cycle", "warmup": 1}, "optimizer.warmup: received 1; clock 'one_cycle' does not use it"),
    ({"clock": "one_cycle", "lr_decay": 0.9}, "optimizer.lr_decay: received 0.9; clock 'one_cycle' does not use it"),
    ({"clock": "warmup_cosine", "warmup": 6}, "optimizer.warmup: received 6; must be below"),
    ({"clock": "warmup_cosine", "min_lr": 1.0}, "optimizer.min_lr: received 1; must be at most lr, 0.05"),
    ({"clock": "warmup_cosin"}, "optimizer.clock: received 'warmup_cosin'; did you mean 'warmup_cosine'?"),
    ({"clock": "function", "function": "linear"}, "optimizer.function: received 'linear'; must be \"package.module"),
    ({"clock": "function", "function": "own_rates:no"}, "optimizer.function: 'own_rates:no': 'own_rates' has no 'no'"),
    ({"clock": "function", "function": "own_rates:FACTOR"}, "is float; must be a function (epoch, step, total)"),
    ({"clock": "function", "function": "own_rates:fails"}, "failed at epoch 0, step 0: RuntimeError: no such rate"),
    ({"clock": "function", "function": "own_rates:draws"}, "which gives different factors for the same steps; make"),
    ({"clock": "function", "function": "own_rates:negative"}, "returned -1.0 at epoch 0, step 0 of 30; must be a fac"),
]


@pytest.mark.parametrize(("optimizer", "text"), BAD, ids=lambda value: str(value)[:50])
def test_bad_input_is_one_line(optimizer: dict[str, Any], text: str) -> None:
    with pytest.raises(StudyError) as refused:
        asked(optimizer)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_clock_of_ones_own_needs_no_course() -> None:
    class Plain(Schedule):
        name = label = phrase = "plain"

        def learning_rate(self, optimizer: Any, at: EpochPosition) -> float:
            return float(optimizer.lr)

    optimizer = asked({}).optimizer
    assert Plain().rates(optimizer, EpochPosition(0, 0, 1)) == (0.05, None)
