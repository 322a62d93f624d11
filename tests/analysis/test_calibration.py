"""Calibration: contrasts of simulated runs, truths and false answers by hand, and rates on small simulations."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import critlab
from critlab._core.errors import StudyError
from critlab.analysis.calibration.calibrate import calibrate, false_answers
from critlab.analysis.calibration.design import Design, design_of
from critlab.analysis.calibration.judging import CALM, Law, judge, outcome, simulate
from critlab.analysis.calibration.noise import NOISES, NORMAL
from critlab.analysis.calibration.results import Calibration, CoverageRow, Rate, pooled
from critlab.analysis.calibration.truths import Truth, nulls
from critlab.papers.ours.standard_designs import standard_designs
from critlab.report.text.calibration import calibration_text
from paths import EVIDENCE

SMALLEST = 0.01


@pytest.fixture(scope="module")
def designs() -> tuple[Design, ...]:
    return tuple(design_of(study) for study in standard_designs())


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def true_damages(design: Design, truth: Truth) -> dict[tuple[str, float], float]:
    damages = simulate(design, Law(truth, NORMAL), 1, 3, random()).truth
    return {(one.name, float(one.at)): float(value) for one, value in zip(design.contrasts, damages, strict=True)}


def test_the_contrasts_are_sums_of_runs(designs: tuple[Design, ...]) -> None:
    design = designs[0]
    simulated = simulate(design, Law(Truth("nothing"), NORMAL), 4, 3, random())
    runs = 0.01 * NORMAL.draw(design.parts, 4, 3, random())
    place = {run.name: index for index, run in enumerate(design.runs)}
    for index, contrast in enumerate(design.contrasts):
        by_hand = sum(sign * runs[:, place[name]] for sign, name in contrast.terms)
        assert simulated.damages[:, index] == pytest.approx(by_hand)


def test_pure_delay_has_no_harm_and_nothing_beyond_delay(designs: tuple[Design, ...]) -> None:
    found = true_damages(designs[0], Truth("delay", delay=0.1))
    assert found["lasting_damage", 20] == pytest.approx(0.1)
    assert found["delay", 20] == pytest.approx(0.1)
    assert found["harm", 20] == pytest.approx(0)
    assert found["beyond_delay", 20] == pytest.approx(0)


def test_longer_training_hides_damage_from_the_newborn_alone(designs: tuple[Design, ...]) -> None:
    found = true_damages(designs[1], Truth("longer", length=0.05))
    assert found["harm", 20] == pytest.approx(-0.015)
    assert found["equal_total", 20] == pytest.approx(0.035)


def test_timing_is_planted_at_the_first_onset(designs: tuple[Design, ...]) -> None:
    found = true_damages(designs[2], Truth("planted", harm=0.04, shape="last"))
    assert found["timing", 0] == pytest.approx(0.04)
    assert found["lasting_damage", 0] == pytest.approx(0.04)
    assert found["lasting_damage", 16] == pytest.approx(0)


def test_which_answers_are_false(designs: tuple[Design, ...]) -> None:
    def false(truth: Truth) -> tuple[str, ...]:
        return false_answers(simulate(designs[0], Law(truth, NORMAL), 1, 3, random()), SMALLEST)

    assert false(Truth("nothing")) == ("present", "damage_only")
    assert false(Truth("delay", delay=0.1)) == ("present", "absent")
    assert false(Truth("longer", length=0.05)) == ("present", "absent", "damage_only")
    assert false(Truth("planted", harm=0.04)) == ("absent", "damage_only")
    assert false(nulls(SMALLEST)[4]) == ("present", "absent", "damage_only")
    assert false(nulls(SMALLEST)[-1]) == ("present", "absent", "damage_only")


@pytest.mark.parametrize("noise", NOISES, ids=[noise.name for noise in NOISES])
def test_noise_has_mean_zero_and_its_variance(noise, designs: tuple[Design, ...]) -> None:  # type: ignore[no-untyped-def]
    parts = designs[0].parts
    drawn = noise.draw(parts, 20000, 2, random())
    assert drawn.mean((0, 2)) == pytest.approx(0, abs=0.06)
    expected = [noise.variance.get(part, 1.0) + noise.images**2 for part in parts]
    assert drawn.var((0, 2)) == pytest.approx(expected, rel=0.1)


def test_a_fixed_design_is_one_look_and_the_first_decision_counts(designs: tuple[Design, ...]) -> None:
    simulated = simulate(designs[0], Law(Truth("planted", harm=0.04), NORMAL), 200, 6, random())
    once = outcome(simulated, (6,))
    assert (once.answer == judge(simulated).answer).all()
    looks = outcome(simulated, (3, 6))
    early = outcome(simulated.first(3), (3,)).answer
    assert set(looks.seeds) <= {3, 6}
    assert (looks.seeds == 3).mean() < np.mean(early != "undecided")


def test_absent_is_reachable_and_false_where_damage_hides(designs: tuple[Design, ...]) -> None:
    def absent(truth: Truth) -> float:
        found = outcome(simulate(designs[1], Law(truth, NORMAL, CALM), 300, 10, random()), (10,))
        return float(np.mean(found.answer == "absent"))

    assert absent(Truth("nothing")) > 0.9
    assert absent(Truth("longer", length=0.05)) == 0


def test_rates() -> None:
    assert Rate(0.25, 300).stderr == pytest.approx(0.025)
    assert Rate(0.0, 100).stderr == pytest.approx(0.00995, abs=1e-4)
    both = pooled([Rate(0.1, 100), Rate(0.4, 200)])
    assert both.value == pytest.approx(0.3)
    assert both.studies == 300


@pytest.mark.slow
def test_few_intervals_are_not_the_worst_coverage_by_chance() -> None:
    few = CoverageRow("d", "closing", "step", "normal", 3, Rate(0.6, 5))
    poor = CoverageRow("d", "closing", "plateau", "normal", 3, Rate(0.9, 400))
    good = CoverageRow("d", "closing", "smooth", "normal", 3, Rate(0.96, 400))

    def worst(*rows: CoverageRow) -> float | None:
        found = Calibration(400, 0, ("d",), {}, (), 0.025, (), (), rows, ()).worst_coverage(("closing",))
        return None if found is None else found.value

    assert worst(few, poor, good) == 0.9
    assert worst(few) == 0.6
    assert worst() is None


def test_a_calibration_has_its_keys_and_repeats() -> None:
    study = standard_designs()[0]
    found = calibrate([study], [4], 60, seed=3, sequential=(3, 5))
    document = found.document()
    for key in ("false_present", "false_absent"):
        assert document[key]["value"] <= 0.025 + 4 * document[key]["stderr"]
        assert document[key]["rows"]
    assert document["coverage"]["damages"]["value"] > 0.85
    assert document["coverage"]["closing"]["stderr"] > 0
    assert {row["place"] for row in document["power"]} == {"nowhere", "last", "step", "smooth"}
    assert all(row["stderr"] > 0 for row in document["power"])
    assert calibrate([study], [4], 60, seed=3, sequential=(3, 5)) == found
    text = calibration_text(found)
    assert "removal decaying rate: power by seeds" in text
    assert "n = 3-5" in text


def test_a_single_seed_has_no_interval_that_could_cover() -> None:
    found = calibrate([standard_designs()[0]], [1], 2, sequential=(3,))
    assert {row.seeds for row in found.coverage} == {3}
    assert {row.seeds for row in found.power} == {1, 3}


def test_a_design_of_one_look_is_simulated_once() -> None:
    found = calibrate([standard_designs()[0]], [3], 2, sequential=(3,))
    assert {row.seeds for row in found.power} == {3}
    assert len(found.nulls) == len(set(found.nulls))
    assert "n = 3" in calibration_text(found)


def test_the_table_of_several_designs_is_that_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(EVIDENCE), *sys.path])
    from calibration import together

    found = [calibrate([study], [3], 1, sequential=(3,)) for study in standard_designs()[:2]]
    text = calibration_text(together(found))
    assert all(f"{one.designs[0]}: power by seeds" in text for one in found)


def test_bad_input_is_refused_in_one_line() -> None:
    with pytest.raises(StudyError, match="studies: received 0; must be a whole number, at least 1"):
        critlab.calibrate(studies=0)
    with pytest.raises(StudyError, match="seed: received -1; must be a whole number, at least 0"):
        critlab.calibrate(seed=-1)
