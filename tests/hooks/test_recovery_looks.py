"""Repeats that are added to kept recoveries: every judgement is remembered, and further ones are stricter."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import StudyError
from critlab.analysis.judgement.decision import Family, decide
from critlab.analysis.statistics import LEVEL
from critlab.analysis.statistics.sequential import look_level
from critlab.hooks.own_loop.lasting_damage import LastingDamage, lasting_damage
from critlab.hooks.own_loop.stretch_answer import NAMED
from critlab.study.runs.sequential import STANDARD

UNPLANNED: Any = pytest.approx(look_level(STANDARD.counts))


def advance(state: dict[str, Any], epoch: int, deprive: Any) -> dict[str, float]:
    state["score"] += 0.01 * float(torch.randn(8)[int(100 * state["score"]) % 8])
    return {"train_loss": state["score"]}


def evaluate(state: dict[str, Any]) -> float:
    return float(state["score"])


def judged(kept: dict[str, Any] | None, repeats: int, **changes: Any) -> LastingDamage:
    given: dict[str, Any] = {"epoch": 2, "stretch": 1, "recovery": 1, "kept": kept, **changes}
    functions: dict[str, Any] = {"advance": advance, "evaluate": evaluate, "load": dict}
    return lasting_damage({"score": 0.8}, {"score": 0.77}, repeats=repeats, **{**functions, **given})


def looks_in(kept: dict[str, Any]) -> list[tuple[int, float, bool]]:
    (found,) = [value for name, value in kept.items() if name.startswith("looks")]
    return [(one["repeats"], one["level"], one["planned"]) for one in found]


def test_a_further_number_of_repeats_is_a_look_that_nobody_planned() -> None:
    kept: dict[str, Any] = {}
    first = judged(kept, 3)
    assert (first.looks.level, first.looks.planned) == (LEVEL, True)
    assert "look" not in first.sentence
    kept = json.loads(json.dumps(kept))
    second = judged(kept, 5)
    assert (second.looks.level, second.looks.planned) == (UNPLANNED, False)
    assert second.decision.family.level == UNPLANNED
    assert "The stretch was judged with 3 and 5 repeats, and 1 of these 2 looks was not planned." in second.sentence
    assert looks_in(kept) == [(3, LEVEL, True), (5, UNPLANNED, False)]


def test_the_same_number_again_is_no_new_look() -> None:
    kept: dict[str, Any] = {}
    for repeats in (3, 5, 5, 3):
        judged(kept, repeats)
    assert judged(kept, 3).looks.level == LEVEL
    # neither is another smallest damage, or a remedy, as the repeats are the same
    assert judged(kept, 5, smallest_damage=0.5, remedies={"none": lambda state: None}).looks.number == 2
    assert [one[0] for one in looks_in(kept)] == [3, 5]


def test_too_few_repeats_to_decide_are_no_look() -> None:
    kept: dict[str, Any] = {}
    assert judged(kept, 1).reason == "few repeats"
    assert "An answer needs at least 3 repeats." in judged(kept, 2).sentence
    assert looks_in(kept) == []
    assert judged(kept, 4).looks.planned


def test_another_stretch_has_looks_of_its_own() -> None:
    kept: dict[str, Any] = {}
    judged(kept, 3)
    assert judged(kept, 4, stretch=2).looks.planned
    assert judged(None, 4).looks.planned


def test_what_an_earlier_critlab_kept_is_read_and_counts_as_a_look() -> None:
    kept: dict[str, Any] = {}
    now = judged(kept, 4)
    before = {name: one["score"] for name, one in kept.items() if not name.startswith("looks")}
    again = judged(before, 4)
    assert again.damages == now.damages
    assert again.looks.level == LEVEL
    more = judged(before, 6)
    assert (more.looks.level, [len(one.seeds) for one in more.looks.earlier]) == (UNPLANNED, [4])
    assert sum(isinstance(one, dict) for one in before.values()) == 5 * 2, "only the further repeats are trained"


def test_a_call_that_was_stopped_before_it_judged_is_no_look() -> None:
    kept: dict[str, Any] = {}
    calls = [0]

    def stopped(state: dict[str, Any]) -> float:
        calls[0] += 1
        if calls[0] > 20:
            raise KeyboardInterrupt
        return evaluate(state)

    with pytest.raises(KeyboardInterrupt):
        judged(kept, 6, evaluate=stopped)
    assert len(kept) == 21
    assert looks_in(kept) == []


@pytest.mark.parametrize("value", ["0.5", [1], {"score": "a"}])
def test_something_else_in_the_place_of_a_score_is_refused(value: Any) -> None:
    kept: dict[str, Any] = {}
    judged(kept, 1)
    broken = {name: value if not name.startswith("looks") else one for name, one in kept.items()}
    with pytest.raises(StudyError, match=r"lasting_damage: kept: holds .* in the place of a score"):
        judged(broken, 1)
    with pytest.raises(StudyError, match=r"lasting_damage: kept: the entry 'looks .*' does not hold looks"):
        judged({name: value if name.startswith("looks") else one for name, one in kept.items()}, 3)


def test_adding_repeats_until_it_says_so_makes_few_false_answers() -> None:
    """Critical damage of exactly the smallest of interest, judged at each number of repeats from 3 to 20."""
    draws, truth = np.random.default_rng(0), {"with": -0.01, "restarted": -0.01}
    forks = {
        name: truth.get(name, 0.0) + 0.01 * draws.normal(size=(4000, 20))
        for name in ("without", "with", "frozen", "restarted", "before")
    }
    damages = np.stack([forks[one.one] - forks[one.other] for one in NAMED.values()], 1)
    kinds = tuple(one.kind for one in NAMED.values())
    rates = {}
    for name, further in (("forgotten", LEVEL), ("remembered", look_level(STANDARD.counts))):
        ever = np.zeros(4000, bool)
        for repeats in range(3, 21):
            level = LEVEL if repeats == 3 else further
            ever |= decide(Family(damages[..., :repeats], kinds, 0.01, level=level)).answer == "present"
        rates[name] = ever.mean()
    assert rates["forgotten"] > 0.04
    assert rates["remembered"] < 0.025
