"""What other clocks, interventions and switches say in the verdict, from results with a known damage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.confounds.learning_rate import ConstantRate, OtherSchedule
from critlab.analysis.effects.intervention import InterventionEffect
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.tables.results import Results
from critlab.report.charts.sweep import sweep_charts
from critlab.report.sections import section
from critlab.report.text.names import question
from critlab.study import Intervention
from synthetic import saturating, synthetic_results

CLOCKS = ["since_removal", "constant", "cosine_restart"]
NAMES = ["learning rate", "learning rate (constant)", "learning rate (half a cosine)"]


def named(verdict: Verdict, name: str) -> Confound:
    return next(confound for confound in verdict.confounds if confound.name == name)


def limits(verdict: Verdict, name: str) -> tuple[float, float]:
    """The interval of the share of a confound."""
    share = named(verdict, name).share
    assert share is not None
    return share.low, share.high


def effects(results: Results) -> list[InterventionEffect]:
    return [note for note in results.verdict().notes if isinstance(note, InterventionEffect)]


def none(at: int) -> float:
    return 0.0


@pytest.mark.slow
def test_each_clock_speaks_for_itself() -> None:
    verdict = synthetic_results(controls={"clocks": CLOCKS}, restarted=saturating()).verdict()
    assert all(low < 0 < high < 0.5 for low, high in (limits(verdict, name) for name in NAMES))
    mended = synthetic_results(controls={"clocks": CLOCKS}, restarted=none).verdict()
    assert all(0.7 < low < high < 1.5 for low, high in (limits(mended, name) for name in NAMES))
    cosine, constant = named(mended, NAMES[2]), named(mended, NAMES[1])
    assert isinstance(cosine, OtherSchedule)
    assert isinstance(constant, OtherSchedule)
    assert (cosine.clock, cosine.twin is None) == ("cosine_restart", False)
    assert (constant.clock, constant.twin is None) == ("constant", True)


def test_a_constant_clock_is_counted_from_its_own_clean_run() -> None:
    """A clean run without annealing is worse too; only against it is the damage of the deficit itself."""
    results = synthetic_results(controls={"clocks": ["constant"]}, restarted=lambda at: 0.2, noise=0.002)
    fallen = {run.name: 0.2 for run in results.study.runs if run.role == "same_clock_control"}
    rows = [
        replace(row, value=row.value - fallen.get(row.run.rsplit("-seed", 1)[0], 0.0))
        if row.quantity == "test_accuracy"
        else row
        for row in results.rows
    ]
    against_own = Results(results.study, tuple(rows), results.outcomes, results.provenance)
    assert results.curve("blur constant", "plain").tested[-1].damage.value == pytest.approx(0.2, abs=0.01)
    assert against_own.curve("blur constant", "same_clock").tested[-1].damage.value == pytest.approx(0, abs=0.01)
    assert limits(against_own.verdict(), NAMES[1])[0] > 0.5


@pytest.mark.parametrize("clock", ["constant", "cosine_restart"])
def test_a_study_under_another_clock(clock: str) -> None:
    verdict = synthetic_results(optimizer={"clock": clock}, controls={}).verdict()
    assert verdict.answer == "present"
    name = "learning rate" if clock == "constant" else NAMES[2]
    assert named(verdict, name).share is None
    assert isinstance(named(verdict, name), ConstantRate) == (clock == "constant")
    flat = synthetic_results(optimizer={"clock": clock, "lr_decay": 1.0}, controls={}).verdict()
    assert any(isinstance(confound, ConstantRate) for confound in flat.confounds) == (clock == "constant")


def test_a_constant_clock_leaves_no_doubt_about_the_onset() -> None:
    results = synthetic_results(kind="window", at=(0, 4, 8), optimizer={"clock": "constant"}, controls={})
    assert "learning rate at the onset" not in [confound.name for confound in results.verdict().confounds]


@pytest.mark.slow
def test_what_an_intervention_mends_is_a_note() -> None:
    controls = {"interventions": [{"shrink": 0.4, "perturb": 0.1}, {"optimizer": "dropped"}], "at": [20, 40]}
    results = synthetic_results(controls=controls, mended=lambda at: 0.02)
    first, second = effects(results)
    assert first.intervention == Intervention(shrink=0.4, perturb=0.1)
    assert second.intervention == Intervention(optimizer="dropped")
    assert first.at == (20, 40)
    assert first.effect.mean == pytest.approx(0.02, abs=0.005)
    assert first.against_intervened is not None
    assert first.removed is not None
    assert first.removed.mean == pytest.approx(0.031, abs=0.005)
    own = synthetic_results(parts={"intervention": {"shrink": 0.4}}, controls={"interventions": [{}]})
    assert [found.intervention for found in effects(own)] == [Intervention(shrink=0.4), None]
    assert effects(own)[0].removed is None
    assert effects(synthetic_results()) == []


def test_a_switch_is_what_the_curve_is_of() -> None:
    switch = {"weight_decay": 0.5, "augment": {"flip": True}, "lr_factor": 2.0}
    results = synthetic_results(parts={"deficit": None, "switch": switch}, controls={})
    words = "switch(weight_decay=0.5, lr_factor=2.0, augment=(flip=True))"
    assert results.curve().arm == words
    verdict = results.verdict()
    assert verdict.arm == words
    assert verdict.answer == "undecided"
    assert "leave out the switch" in verdict.lines()[0], "no frozen network can be its control"
    assert {row.deficit for row in results.rows} == {"", words}
    assert "Does weight decay 0.5, learning rate times 2, augmentation by flips, present" in question(results.study)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [{}, {"switch": {"weight_decay": 0.5}, "intervention": {"perturb": 0.2}}])
def test_the_page_shows_every_arm(parts: dict[str, Any]) -> None:
    controls = {
        "deficits": [{"name": "vertical_flip", "classes": [1], "batches": 0.5}],
        "clocks": CLOCKS,
        "interventions": [{"shrink": 0.4}, {"reset_layers": ["block1", "head"]}],
    }
    results = synthetic_results(parts=parts, controls=controls, at=(0, 5, 10, "never"))
    shown = section(results, "study-1")
    assert shown["charts"]
    arms = {row[0] for chart in sweep_charts(results) for row in chart.rows}
    assert len(arms) == 1 + 1 + 3 + 2
    named_in_legend = {
        row["arm"]
        for chart in sweep_charts(results)
        for p in chart.panels
        for row in p.spec["data"]["values"]
        if "arm" in row
    }
    assert len(named_in_legend) == len(arms), "no two curves go by one name"


def test_without_training_accuracy_there_is_still_a_curve() -> None:
    results = synthetic_results(controls={})
    rows = tuple(row for row in results.rows if row.quantity != "train_accuracy")
    blind = Results(results.study, rows, results.outcomes, results.provenance)
    assert [p.damage for p in blind.curve()] == [p.damage for p in results.curve()]
    assert {p.train_accuracy for p in blind.curve()} == {None}
    assert {row["train_accuracy"] for row in blind.curve().rows()} == {None}
    verdict = blind.verdict()
    assert [one.seeds for one in verdict.damages] == [one.seeds for one in results.verdict().damages]
    assert named(verdict, "training accuracy").share is None
