"""Forks of a training whose sensitivity is planted: their answers, and what they leave as it was."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import critlab
from critlab._core.errors import StudyError
from critlab.deficits import Blur
from critlab.hooks.sensitivity.answer import Sensitivity
from critlab.hooks.sensitivity.course import closing_of
from critlab.hooks.sensitivity.forecast import ForecastMap
from forked_courses import stability
from planted_forks import TOTAL, Planted, harm, nudge, same

HEALS = ForecastMap(0.5, 0, 0, 0.002, 0.2, -2, 2, {"total": (10, 100)}, ("harm",), 9, 99, "planted")


def found(planted: Planted, epoch: int = 0, **options: Any) -> Sensitivity:
    given = {"deficits": [harm], "total": TOTAL, "forecasts": False, **planted.functions, **options}
    return critlab.sensitivity(planted.start(), epoch=epoch, **given)


def test_forks_find_the_planted_damage_and_its_healing() -> None:
    planted = Planted()
    answers = found(planted, deficits=[harm, same, nudge])
    one = answers["harm"]
    assert one.answer == "open"
    assert one.damage.low < planted.after(0, 4, 3) < one.damage.high
    assert one.damage_now == pytest.approx(planted.after(0, 4, 3), abs=0.015)
    assert one.healing == pytest.approx(1 - planted.kept, abs=0.06)
    assert one.forecast is None
    assert (one.low, one.high) == (None, None)
    assert answers["same"].answer == "closed"
    assert answers["same"].damage_now == 0
    assert answers["nudge"].answer in ("closed", "undecided")
    assert one.spent == 7 * len(one.differences) == 7 * 3, "a clear damage needs three repeats"
    twins = max(len(each.differences) for each in answers.values())
    assert answers.spent == 2 + 7 * twins + sum(each.spent for each in answers.values())


def test_forks_say_so_in_words() -> None:
    answers = found(Planted(deviation=0.001), deficits={"darkness": harm})
    text, healing = answers["darkness"].sentence, answers["darkness"].healing
    assert healing
    assert text.startswith("At epoch 0, the period for darkness is open by the damage now, to within 1.0 point. Damage")
    assert f"In each clean epoch {100 * healing:.0f} % of the damage heals." in text
    assert "There is no forecast" in text
    late = found(Planted(first=0.002, deviation=0.0), epoch=30)["harm"]
    assert late.answer == "closed"
    assert "is closed by the damage now" in late.sentence


def test_a_map_forecasts_and_takes_part_in_the_answer() -> None:
    one = found(Planted(), forecasts=True, own_map=HEALS)["harm"]
    made = one.forecasted
    assert made is not None
    assert one.forecast == pytest.approx(one.damage_now * (36 / 3) ** -0.5)
    assert one.low == made.low <= made.estimate <= made.high == one.high
    assert one.answer == "open"
    assert "Forecast for the end of the training:" in one.sentence
    assert "never tested for an onset at this share" in one.sentence
    healed = found(Planted(), forecasts=True, own_map=ForecastMap(3, 0, 0, 0.001, 0.2, -2, 2, HEALS.tested, ("harm",)))
    assert healed["harm"].answer == "undecided", "the damage now shows, and the forecast says that it heals"
    assert healed["harm"].reason == "healing"


def test_planned_rates_reach_the_forecast() -> None:
    heals = replace(HEALS, healing=0.0, healing_by_rate=1.0)
    given: dict[str, Any] = {"forecasts": True, "own_map": heals}
    falling, constant = (
        found(Planted(), rates=rates, **given)["harm"] for rates in (lambda epoch: 0.5**epoch, [0.1] * TOTAL)
    )
    assert constant.forecast == pytest.approx(constant.damage_now * 3 / 36)
    assert falling.forecast == pytest.approx(falling.damage_now * (1 - 0.5**3) / (1 - 0.5**36))
    with pytest.raises(StudyError, match=r"rates: received 3 rates; must be 40"):
        found(Planted(), rates=[1, 2, 3])


def test_repeats_of_one_order_differ_by_a_rounding_of_the_inputs_and_say_so() -> None:
    one = found(Planted(ordered=False))["harm"]
    assert (one.answer, one.ordered) == ("open", False)
    assert len(set(one.differences)) == len(one.differences) >= 3
    assert "All repeats had the same order of the data; draw it from the global generators" in one.sentence
    null = found(Planted(ordered=False, deviation=0.02), deficits=[nudge])["nudge"]
    assert null.damage.sd > 0.01, "chance is part of the interval"


def test_repeats_that_do_not_differ_decide_nothing() -> None:
    one = found(Planted(ordered=False, whole=True))["harm"]
    assert (one.answer, one.reason) == ("undecided", "identical repeats")
    assert len(one.differences) == 2
    assert "the repeats do not differ and have no interval" in one.sentence


def test_epochs_and_repeats_are_limits() -> None:
    noisy = Planted(deviation=0.1)
    assert len(found(noisy, repeats=4)["harm"].differences) == 4
    few = found(noisy, most_epochs=2 + 3 * 14)
    assert few.spent <= 2 + 3 * 14
    assert few["harm"].reason in ("few repeats", "between")


def test_kept_scores_are_not_trained_again() -> None:
    kept: dict[str, Any] = {}
    first, again = (found(Planted(), kept=kept, check=False) for _ in range(2))
    assert first["harm"].differences == again["harm"].differences
    assert (first.spent > 0, again.spent) == (True, 0)


@pytest.mark.slow
def test_the_null_is_called_open_in_at_most_two_and_a_half_percent() -> None:
    """A change without an effect, with noise as large as the smallest damage; more in ``evidence/sensitivity.py``."""
    calls = 0
    for place in range(40):
        planted = Planted(deviation=0.01)
        state = planted.start()
        state["course"] += place
        one = critlab.sensitivity(
            state, **planted.functions, deficits=[nudge], epoch=0, total=9, deprived=1, clean=1, check=False
        )["nudge"]
        calls += one.answer == "open"
    assert calls <= 2


def test_a_closing_is_not_said_by_one_reading() -> None:
    readings: list[Any] = [(0, "open", 0.1), (4, "open", 0.05), (8, "closed", 0.005)]
    assert closing_of(readings, 0.01).answer == "undecided"
    more = closing_of([*readings, (12, "undecided", 0.01), (16, "closed", 0.0)], 0.01)
    assert (more.answer, more.low, more.high) == ("closed", 4, 8)
    assert more.estimate == pytest.approx(4 + 4 * 0.04 / 0.045)
    assert closing_of([*readings, (12, "open", 0.02)], 0.01).answer == "open"


def test_a_closing_that_was_said_stays_inside_its_interval() -> None:
    inside, later, closed = stability("falling", 100, seed=5)
    assert closed > 20
    assert inside >= 0.93 * later


def test_a_list_of_checkpoints_gives_the_course() -> None:
    planted = Planted(first=0.1, closing=4.0, deviation=0.001)
    checkpoints = [planted.save(planted.start()) for _ in range(4)]
    given = {name: value for name, value in planted.functions.items() if name != "save"}
    course = critlab.sensitivity(
        checkpoints, **given, deficits=[harm], epoch=[0, 8, 16, 24], total=TOTAL, deprived=2, clean=2, forecasts=False
    )
    assert [one.answer for one in course.of("harm")] == ["open", "open", "closed", "closed"]
    closing = course.closings["harm"]
    assert (closing.answer, closing.low, closing.high) == ("closed", 8, 16)
    assert [row["epoch"] for row in course.rows()] == [0, 8, 16, 24]
    with pytest.raises(StudyError, match=r"state: received 1 states for 2 epochs"):
        critlab.sensitivity([0], **given, deficits=[harm], epoch=[0, 1], total=TOTAL)


class Small:
    """A plain loop with a loader that has a generator of its own, momentum, dropout and batch statistics."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(5)
        images, labels = torch.rand(48, 1, 6, 6, generator=generator), torch.randint(3, (48,), generator=generator)
        self.order = torch.Generator().manual_seed(7)
        self.loader = DataLoader(TensorDataset(images, labels), 16, shuffle=True, generator=self.order)

    def make(self) -> dict[str, Any]:
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)
        )
        return {"model": model, "optimizer": torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)}

    def advance(self, state: dict[str, Any], epoch: int, deprive: Any) -> None:
        state["model"].train()
        for images, labels in self.loader:
            images, labels = deprive(images, labels)
            state["optimizer"].zero_grad()
            nn.functional.cross_entropy(state["model"](images), labels).backward()
            state["optimizer"].step()

    def evaluate(self, state: dict[str, Any]) -> float:
        state["model"].eval()
        images, labels = self.loader.dataset.tensors  # type: ignore[attr-defined]  # a TensorDataset
        return float((state["model"](images).argmax(1) == labels).float().mean())

    def save(self, state: dict[str, Any]) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in state.items()}

    def load(self, saved: dict[str, Any]) -> dict[str, Any]:
        state = self.make()
        for name, part in state.items():
            part.load_state_dict(saved[name])
        return state

    def trained(self, forked: bool) -> tuple[Any, ...]:
        """Weights, optimiser, buffers and generators after four epochs, with forks after the second, or without."""
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)
        state = self.make()
        for epoch in range(4):
            self.advance(state, epoch, lambda images, labels: (images, labels))
            if epoch == 1 and forked:
                given = {name: getattr(self, name) for name in ("advance", "evaluate", "save", "load")}
                deficits: list[Any] = [Blur(factor=2), harm]
                critlab.sensitivity(
                    state, **given, deficits=deficits, epoch=2, total=20, deprived=1, clean=2, repeats=3
                )
        saved = self.save(state)
        return saved, torch.get_rng_state(), random.getstate(), np.random.get_state(), self.order.get_state()


@pytest.mark.slow
def test_forks_leave_a_plain_loop_as_it_was_bit_for_bit() -> None:
    alone, forked = Small().trained(False), Small().trained(True)
    compare(alone, forked)


def compare(one: Any, other: Any) -> None:
    """Every value is the same, bit for bit."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, np.ndarray):
        assert np.array_equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            compare(one[name], other[name])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            compare(left, right)
    else:
        assert one == other


def crop(images: torch.Tensor) -> torch.Tensor:
    return images[..., ::2]


def refused(small: Small, **changed: Any) -> str:
    given: dict[str, Any] = {name: getattr(small, name) for name in ("advance", "evaluate", "save", "load")}
    given |= {
        "deficits": [harm],
        "epoch": 0,
        "total": 20,
        "state": small.make(),
        "deprived": 1,
        "clean": 1,
        "repeats": 1,
    }
    with pytest.raises(StudyError) as caught:
        critlab.sensitivity(**{**given, **changed})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_forked_is_refused_in_one_line(tmp_path: Path) -> None:
    small, live = Small(), Small().make()
    assert "'crop' changed inputs from (16, 1, 6, 6) float32 to (16, 1, 6, 3) float32" in refused(
        small, deficits=[crop]
    )
    missing = refused(small, state=tmp_path / "no.pt")
    assert "no.pt', which does not exist" in missing
    (tmp_path / "broken.pt").write_bytes(b"PK half a file")
    assert "broken.pt' cannot be read" in refused(small, state=tmp_path / "broken.pt")
    torch.save({"weights": torch.ones(2)}, tmp_path / "other.pt")
    other = refused(small, state=tmp_path / "other.pt")
    assert "could not load the checkpoint" in other
    assert "KeyError: 'model'" in other
    assert "it holds weights" in other
    counter = iter(range(1000))

    def drifts(state: dict[str, Any], epoch: int, deprive: Any) -> dict[str, float]:
        small.advance(state, epoch, deprive)
        return {"train_loss": float(next(counter))}

    assert "advance: two calls from the same state gave {'train_loss': 0.0} and" in refused(small, advance=drifts)
    assert "must build a new model" in refused(small, state=live, load=lambda saved: live)
    assert "did not call deprive" in refused(small, advance=lambda state, epoch, deprive: None)
    assert "evaluate: returned dict" in refused(small, evaluate=dict) or "evaluate: returned" in refused(
        small, evaluate=lambda state: {}
    )
    assert "total: received 1; must be at least 2" in refused(small, total=1)
    assert "received none" in refused(small, deficits=[])
    assert "received 'harm' twice" in refused(small, deficits=[harm, harm])


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TypeError, match=r"sensitivity\(\) has no option 'repeat'"):
        found(Planted(), repeat=3)
