"""Seeds and points that are added while a study runs: what a study says of them, and which are in play."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from critlab._core.errors import StudyError
from critlab.study import Study
from critlab.study.runs.sequential import SequentialSeeds
from critlab.study.runs.stages import Look, in_play, judged
from synthetic import synthetic_study

FIRST = (0, 10, 40)
SEEDS = {"first": 3, "most": 20}
POINTS = {"first": [*FIRST], "most": 5}


def study(seeds: Any = 5, at: Any = FIRST, **statistics: Any) -> Study:
    plain = synthetic_study(at=FIRST, controls={"deficits": []}).model_dump(mode="json")
    sweep = {**plain["sweep"], "at": at if isinstance(at, dict) else list(at)}
    return Study.read({**plain, "seeds": seeds, "sweep": sweep, "statistics": statistics}, "test")


def look(seeds: int, answer: str = "undecided", points: tuple[int, ...] = FIRST, **further: Any) -> Look:
    return Look("0" * 64, tuple(range(seeds)), points, 0.0067, True, answer, **further)


@pytest.mark.parametrize(
    ("first", "most", "counts"),
    [
        (3, 20, (3, 4, 5, 6, 8, 10, 13, 16, 20)),
        (3, 18, (3, 4, 5, 6, 8, 10, 13, 16, 18)),
        (5, 5, (5,)),
        (8, 30, (8, 10, 13, 16, 20, 25, 30)),
    ],
)
def test_the_numbers_of_seeds_at_the_looks(first: int, most: int, counts: tuple[int, ...]) -> None:
    assert SequentialSeeds(first=first, most=most).counts == counts


def test_a_table_puts_the_first_seeds_and_points_in_play() -> None:
    made = study(SEEDS, POINTS)
    assert made.seeds == (0, 1, 2)
    assert made.sweep.points == FIRST
    assert made.sequential == SequentialSeeds(first=3, most=20)
    assert made.sweep.adaptive is not None
    assert made.sweep.adaptive.most == 5


@pytest.mark.parametrize("points", [FIRST, POINTS])
@pytest.mark.parametrize("seeds", [5, SEEDS])
def test_a_study_in_play_reads_back_from_its_record(seeds: Any, points: Any) -> None:
    made = study(seeds, points)
    grown = made.staged((0, 1, 2, 3), (0, 10, 25, 40))
    for one in (made, grown):
        again = Study.read(json.loads(json.dumps(one.model_dump(mode="json"))), "record")
        assert again == one == pickle.loads(pickle.dumps(one))
        assert (again.seeds, again.sweep.points) == (one.seeds, one.sweep.points)
        assert again.sequential == one.sequential
        assert again.sweep.adaptive == one.sweep.adaptive
    assert grown != made


def test_a_study_that_fixes_both_is_written_as_before() -> None:
    plain = study().model_dump(mode="json")
    assert plain["seeds"] == [0, 1, 2, 3, 4]
    assert plain["sweep"]["at"] == [*FIRST]
    assert "closing_width" not in plain["statistics"]
    assert in_play(study(), [look(3)]) == study()


def test_seeds_are_added_until_the_answer_is_decided() -> None:
    made = study(SEEDS)
    assert len(in_play(made, []).seeds) == 3
    assert len(in_play(made, [look(3)]).seeds) == 4
    assert len(in_play(made, [look(3), look(4)]).seeds) == 5
    assert len(in_play(made, [look(3), look(4, "present")]).seeds) == 4
    assert len(in_play(made, [look(3), look(4, "damage_only")]).seeds) == 4
    assert len(in_play(made, [look(3), look(4, "absent")]).seeds) == 4
    assert len(in_play(made, [look(20)]).seeds) == 20, "the budget is spent"
    assert len(in_play(made, [look(4, more_seeds=False)]).seeds) == 4, "more seeds do not help"


def test_seeds_of_an_earlier_design_are_kept() -> None:
    assert len(in_play(study(SEEDS), [look(7)]).seeds) == 8
    assert len(in_play(study({"first": 3, "most": 6}), [look(7)]).seeds) == 3, "more than the study allows"
    elsewhere = look(5)._replace(seeds=(10, 11, 12, 13, 14))
    assert len(in_play(study(SEEDS), [elsewhere]).seeds) == 3


def test_points_are_added_until_the_closing_is_narrow() -> None:
    made = study(5, POINTS, closing_width=3)
    present = look(5, "present", place=25, width=None)
    assert in_play(made, []).sweep.points == FIRST
    assert in_play(made, [present]).sweep.points == (0, 10, 25, 40)
    later = look(5, "present", (0, 10, 25, 40), place=17, width=4.0)
    assert in_play(made, [present, later]).sweep.points == (0, 10, 17, 25, 40)
    assert in_play(made, [present, later._replace(width=3.0)]).sweep.points == (0, 10, 25, 40), "narrow enough"
    assert in_play(made, [present, later._replace(place=None)]).sweep.points == (0, 10, 25, 40), "no place is left"
    full = look(5, "present", (0, 10, 17, 25, 40), place=13, width=4.0)
    assert in_play(made, [present, later, full]).sweep.points == (0, 10, 17, 25, 40), "the budget is spent"


def test_a_smaller_budget_of_points_goes_back_to_the_last_look_within_it() -> None:
    made = study(5, POINTS, closing_width=3)
    looks = [
        look(5, "present", at, place=2, width=9.0)
        for at in (FIRST, (0, 10, 25, 40), (0, 10, 17, 25, 40), (0, 10, 17, 25, 30, 40))
    ]
    assert in_play(made, looks).sweep.points == (0, 10, 17, 25, 40)
    assert in_play(study(5, {**POINTS, "most": 4}), looks).sweep.points == (0, 10, 25, 40)
    assert in_play(study(5, {**POINTS, "most": 7}), looks).sweep.points == (0, 2, 10, 17, 25, 30, 40)
    other = study(5, {"first": [0, 20, 40], "most": 5})
    assert in_play(other, looks).sweep.points == (0, 20, 40), "no look had these points"


def test_seeds_come_before_points_and_may_come_after_them() -> None:
    made = study(SEEDS, POINTS)
    undecided = look(3, place=25)
    assert (len(in_play(made, [undecided]).seeds), in_play(made, [undecided]).sweep.points) == (4, FIRST)
    present = look(4, "present", place=25)
    assert in_play(made, [undecided, present]).sweep.points == (0, 10, 25, 40)
    again = look(4, "undecided", (0, 10, 25, 40))
    following = in_play(made, [undecided, present, again])
    assert (len(following.seeds), following.sweep.points) == (5, (0, 10, 25, 40))


def test_a_look_is_named_by_what_it_judges() -> None:
    made = study(SEEDS, POINTS)
    assert judged(made) == judged(study(3)), "the design does not matter, the runs do"
    others = [made.staged((0, 1, 2, 3), FIRST), made.staged((0, 1, 2), (0, 10, 25, 40)), study(3, smallest_damage=0.02)]
    assert len({judged(one) for one in (made, *others)}) == 4


def test_so_far_must_fit() -> None:
    with pytest.raises(StudyError, match=r"seeds\.so_far: received 2; must be from 3"):
        study({**SEEDS, "so_far": 2})
    with pytest.raises(StudyError, match=r"sweep\.at\.so_far: received \[0, 40\]; must hold all first points"):
        study(5, {**POINTS, "so_far": [0, 40]})
