"""Was it harmful? A stretch whose damage is known is found, and what mends it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import critlab
import own_trainings as mine
from critlab._core.errors import StudyError
from critlab.hooks.own_loop.lasting_damage import LastingDamage, lasting_damage, shrink_and_perturb
from critlab.training.seeding import seeded


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Known:
    """A training whose score is what it says: every good epoch adds one, up to a little noise; a bad stretch costs.

    Other weights respond to the same batches in another way, so the noise of a repeat depends on the score too.
    """

    def __init__(self, score: torch.Tensor) -> None:
        self.score = score

    @staticmethod
    def advance(state: Known, epoch: int, deprive: Any) -> dict[str, float]:
        responses = 0.01 * torch.randn(64)
        state.score += 1 + responses[int(state.score * 7) % 64]
        return {"train_loss": 0.0, "train_accuracy": 0.0}

    @staticmethod
    def evaluate(state: Known) -> float:
        return float(state.score)

    @staticmethod
    def load(saved: torch.Tensor) -> Known:
        return Known(saved)


def found(after: float, **changes: Any) -> LastingDamage:
    options: dict[str, Any] = {"epoch": 10, "stretch": 3, "recovery": 2, "smallest_damage": 0.1, **changes}
    functions: dict[str, Any] = {"advance": Known.advance, "evaluate": Known.evaluate, "load": Known.load}
    return lasting_damage(torch.tensor(10.0), torch.tensor(after), **{**functions, **options})


def test_a_known_damage_is_found_and_what_mends_it() -> None:
    def mend(state: Known) -> None:
        state.score += 2

    def half(state: Known) -> Known:
        return Known(state.score + 1)

    result = found(11.0, remedies={"mending": mend, "half": half})
    # the stretch added something, so what it cost is time
    assert result.answer == "damage_only"
    assert result.sentence.startswith("Damage only: lasting damage of 1.9")
    # three epochs of the stretch should have added three, and added one
    assert result.damage.mean == pytest.approx(2, abs=0.1)
    assert result.left["mending"].mean == pytest.approx(0, abs=0.1)
    assert result.left["half"].mean == pytest.approx(1, abs=0.1)
    assert result.recovered["half"].mean == pytest.approx(1, abs=0.1)
    assert "mending removes it" in result.sentence
    assert "half does not remove it" in result.sentence
    forks = ["without", "with", "frozen", "restarted", "before", "mending", "half"]
    assert {name: len(scores) for name, scores in result.scores.items()} == dict.fromkeys(forks, 5)


def test_named_damages_separate_harm_from_lost_time() -> None:
    """Before 10, three epochs of the stretch, two of the recovery; each good epoch adds one."""
    harmed = found(8.0)
    expected = {"lasting_damage": 5, "delay": 3, "beyond_delay": 2, "harm": 2, "lost_to_schedule": 0}
    assert {name: round(damage.mean, 1) for name, damage in harmed.damages.items()} == expected
    assert harmed.answer == "present"
    assert "Present: the stretch did harm." in harmed.sentence
    frozen = found(10.0)
    assert frozen.answer == "damage_only", "a stretch in which nothing happened did no harm"
    assert frozen.damages["harm"].mean == pytest.approx(0, abs=1e-6), "the same weights, epochs and draws"
    assert frozen.damages["beyond_delay"].mean == pytest.approx(0, abs=1e-6)


def test_the_epochs_of_every_fork() -> None:
    called: list[int] = []

    def noted(state: Known, epoch: int, deprive: Any) -> dict[str, float]:
        called.append(epoch)
        return Known.advance(state, epoch, deprive)

    found(11.0, advance=noted, repeats=1)
    without, after, frozen, restarted, before = [10, 11, 12, 13, 14], [13, 14], [13, 14], [10, 11], [10, 11]
    assert called == [*without, *after, *frozen, *restarted, *before]


def test_without_controls_nothing_separates_harm_from_lost_time() -> None:
    alone = found(8.0, controls=False)
    assert list(alone.damages) == ["lasting_damage"]
    assert alone.answer == "undecided"
    assert "nothing separates harm from lost time" in alone.sentence
    with pytest.raises(StudyError, match=r"before\['schedule'\] holds a learning-rate scheduler.*controls=False"):
        lasting_damage(
            {"schedule": {"last_epoch": 1, "_last_lr": [0.1]}},
            {},
            advance=Known.advance,
            evaluate=Known.evaluate,
            load=Known.load,
            epoch=0,
            stretch=1,
            recovery=1,
        )


def test_no_damage_and_too_few_repeats() -> None:
    assert found(13.0).answer == "absent"
    few = found(11.0, repeats=2)
    assert few.answer == "undecided"
    assert found(11.0, repeats=1).damage.low is None


def test_checkpoints_are_left_as_they_are_and_repeats_repeat() -> None:
    before, after = torch.tensor(10.0), torch.tensor(11.0)
    functions: dict[str, Any] = {"advance": Known.advance, "evaluate": Known.evaluate, "load": Known.load}
    one = lasting_damage(before, after, **functions, epoch=0, stretch=1, recovery=1)
    assert (float(before), float(after)) == (10, 11)
    state = torch.get_rng_state()
    assert lasting_damage(before, after, **functions, epoch=0, stretch=1, recovery=1) == one
    assert torch.equal(torch.get_rng_state(), state)


def test_a_network_with_an_optimiser_and_a_real_remedy() -> None:
    state = mine.make(0)
    plain = type("Plain", (), {"__call__": lambda self, inputs, labels, numbers=None: (inputs, labels)})()
    with seeded(5):
        mine.advance(state, 0, plain)
    before = mine.save(state)
    before = {**before, "model": {name: value.clone() for name, value in before["model"].items()}}

    def restart(other: mine.Training) -> None:
        for group in other.optimizer.param_groups:
            group["lr"] = 0.02
        shrink_and_perturb(other.model, mine.Reader(), shrink=0.5)

    functions: dict[str, Any] = {"advance": mine.advance, "evaluate": mine.evaluate, "load": mine.load}
    result = lasting_damage(
        before,
        before,
        **functions,
        epoch=1,
        stretch=1,
        recovery=1,
        repeats=3,
        remedies={"restart": restart},
        controls=False,
    )
    assert len(set(result.scores["with"])) == 3, "the order of the data differs between repeats"
    assert set(result.left) == {"restart"}


def test_shrink_and_perturb_is_its_formula() -> None:
    model, fresh = nn.Linear(3, 2), nn.Linear(3, 2)
    model.bias.requires_grad_(False)
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    shrink_and_perturb(model, fresh, shrink=0.25, perturb=0.5)
    torch.testing.assert_close(model.weight, 0.25 * weight + 0.5 * fresh.weight)
    assert torch.equal(model.bias, bias)
    with pytest.raises(StudyError, match="shrink"):
        shrink_and_perturb(model, fresh, shrink=2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epoch": -1}, "epoch"),
        ({"stretch": 0}, "stretch"),
        ({"recovery": 0}, "recovery"),
        ({"repeats": 0}, "repeats"),
        ({"remedies": {"with": lambda state: None}}, "another name"),
    ],
)
def test_wrong_numbers_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        found(11.0, **changes)


def test_it_is_a_public_name(tmp_path: Path) -> None:
    assert critlab.lasting_damage is lasting_damage
