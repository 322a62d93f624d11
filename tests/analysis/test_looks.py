"""The level of a look, what unplanned looks add up to, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from critlab.analysis.judgement.looks import Looks, looks
from critlab.analysis.statistics.sequential import look_level
from critlab.analysis.tables.results import Results
from critlab.report.text.judgement.looks import growth_text, look_lines
from critlab.study.runs.sequential import SequentialSeeds
from critlab.study.runs.stages import Look
from synthetic import synthetic_results

PLAN = SequentialSeeds(first=3, most=20)
LEVEL = look_level(PLAN.counts)


def results(seeds: int, made: tuple[Look, ...] = (), plan: SequentialSeeds | None = None) -> Results:
    found = synthetic_results(seeds, (0, 10, 40))
    study = found.study
    if plan is not None:
        plain = {**study.model_dump(mode="json"), "seeds": {**plan.model_dump(), "so_far": seeds}}
        study = type(study).read(plain, "test")
    return replace(found, study=study, looks=made)


def look(seeds: int, level: float = LEVEL, planned: bool = True, answer: str = "undecided") -> Look:
    return Look(f"{seeds}", tuple(range(seeds)), (0, 10, 40), level, planned, answer)


def test_the_first_look_at_a_study_that_fixes_its_seeds() -> None:
    found = looks(results(5))
    assert (found.level, found.planned, found.number, found.most) == (0.025, True, 1, None)
    assert found.false_present == pytest.approx(0.025, abs=1e-4)
    assert not list(look_lines(found))
    assert looks(results(5, (look(5, 0.025),))) == found, "the same look, recorded"


def test_added_seeds_are_a_look_that_nobody_planned() -> None:
    found = looks(results(8, (look(5, 0.025),)))
    assert (found.planned, found.number, found.unplanned) == (False, 2, 1)
    assert found.level == LEVEL < 0.025
    assert 0.025 < found.false_present < 0.032, "more than one look, and less than the sum of both"
    (line,) = look_lines(found)
    assert "5 and 8 seeds" in line
    assert "1 of these 2 looks was not planned" in line
    assert "2.7 %" in line


@pytest.mark.slow
def test_a_second_view_of_the_same_seeds_is_no_look() -> None:
    made = (look(5, 0.025), look(8, LEVEL, planned=False))
    assert looks(results(8, made)) == looks(results(8, made[:1]))
    assert looks(results(5, made)).false_present == pytest.approx(0.025, abs=1e-4), "as it was then"
    more_points = made[1]._replace(points=(0, 10, 25, 40))
    assert looks(results(8, (*made, more_points))).number == 2


@pytest.mark.slow
def test_the_looks_of_a_sequential_design_keep_their_level_together() -> None:
    made: tuple[Look, ...] = ()
    for count in PLAN.counts:
        found = looks(results(count, made, PLAN))
        assert (found.level, found.planned, found.most) == (LEVEL, True, 20)
        made = (*made, look(count))
    assert found.false_present == pytest.approx(0.025, abs=2e-4)
    (line,) = look_lines(found)
    assert "look 9, with 20 of at most 20 seeds" in line


def test_a_changed_design_is_not_the_planned_one() -> None:
    short = SequentialSeeds(first=3, most=5)
    level = look_level(short.counts)
    made = tuple(look(count, level) for count in short.counts)
    found = looks(results(6, made, PLAN))
    assert not found.planned
    assert found.level == LEVEL
    assert found.false_present > 0.025
    assert not looks(results(5, (look(3),), PLAN)).planned, "the look at 4 seeds was left out"


def test_other_seeds_add_up() -> None:
    other = Look("x", (10, 11, 12, 13, 14), (0, 10, 40), 0.025, True, "absent")
    assert looks(results(5, (other,))).false_present == pytest.approx(0.025 + LEVEL)


def test_why_a_study_goes_on() -> None:
    first = results(3, (), PLAN).study
    text = growth_text(look(3), first, first.staged((0, 1, 2, 3), first.sweep.points))
    assert text.endswith("3 seeds: undecided; continuing with 4 seeds (at most 20)")


def test_a_look_is_a_value() -> None:
    found = looks(results(5))
    assert isinstance(found, Looks)
    assert hash(found) == hash(looks(results(5)))
