"""A sweep that says less than it seems to: nothing learned, still learning, a gain, a p value of another point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import critlab
from critlab._core.errors import DataError
from critlab.analysis.judgement.guards import AtChance, Constant, Unconverged
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Row
from critlab.data.checks import Split
from critlab.data.image_set import ImageSet
from critlab.deficits import Blur
from critlab.report.charts import charts
from critlab.report.page import page
from critlab.study.ingredients.measurement import TEST, scheduled_measures
from critlab.study.runs.tree import build
from synthetic import synthetic_results
from verdict_cases import trained_epochs


def reshaped(results: Results, accuracy: Callable[[Row], float]) -> Results:
    """The results with other test accuracies."""
    rows = (replace(row, value=accuracy(row)) if row.quantity == "test_accuracy" else row for row in results.rows)
    return replace(results, rows=tuple(rows))


def flat(row: Row) -> float:
    return 0.1


def never(at: int) -> float:
    return 0.0


def test_a_control_at_chance_is_named() -> None:
    verdict = reshaped(synthetic_results(3), flat).verdict()
    assert verdict.answer == "undecided"
    (guard,) = verdict.guards
    assert isinstance(guard, AtChance)
    assert guard.chance == pytest.approx(0.1)
    assert guard.score.mean == pytest.approx(0.1)


def test_a_control_that_is_not_surely_above_chance_is_named() -> None:
    noisy = (0.08, 0.17, 0.1, 0.16)
    verdict = reshaped(synthetic_results(4), lambda row: noisy[row.seed]).verdict()
    assert verdict.answer == "undecided"
    (guard,) = verdict.guards
    assert isinstance(guard, AtChance)
    assert guard.score.low is not None
    assert guard.score.low < guard.chance < guard.score.mean


def test_chance_is_the_share_of_the_most_frequent_label() -> None:
    results = reshaped(synthetic_results(3), lambda row: 0.9)
    assert results.verdict().guards == ()
    assert replace(results, chance=0.9).verdict().answer == "undecided"
    (guard,) = replace(results, chance=1.0).verdict().guards
    assert isinstance(guard, AtChance)
    assert guard.chance == 1.0


def test_a_control_barely_above_chance_leaves_no_room_for_damage() -> None:
    verdict = reshaped(synthetic_results(3), lambda row: 0.105 + 0.0001 * row.seed).verdict()
    (guard,) = verdict.guards
    assert isinstance(guard, AtChance)
    assert guard.score.low is not None
    assert guard.score.low > guard.chance
    assert guard.score.mean - guard.chance < guard.needed


def test_labels_without_loss_and_heads_count_rightly() -> None:
    def chance(labels: Any) -> float:
        split = Split(np.zeros((len(labels), 1, 2, 2), np.uint8), np.array(labels, np.int64))
        return ImageSet.of(split, split, 3).chance

    assert chance([0, 1, 1, 2]) == 0.5
    assert chance([0, -1, -1, 1]) == 0.5
    assert chance([[0, 1], [1, 1], [2, 1], [0, 0]]) == pytest.approx(5 / 8)
    assert chance([2, 2]) == 1.0


class Dead(nn.Module):
    """Gives the same answer whatever it sees."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.used = nn.Linear(inputs, classes)

    def forward(self, x: Any) -> Any:
        return self.used(x.flatten(1)) * 0.0


def dead(shape: tuple[int, ...], classes: int) -> nn.Module:
    return Dead(int(np.prod(shape)), classes)


def skewed() -> Any:
    """Two thirds of the test images bear one label."""
    random = np.random.default_rng(0)
    train, test = (random.integers(256, size=(n, 1, 4, 4)).astype(np.uint8) for n in (60, 30))
    return (train, np.arange(60) % 3), (test, np.arange(30) % 3 * (np.arange(30) % 2))


def one_class() -> Any:
    images = np.random.default_rng(0).integers(256, size=(40, 1, 4, 4)).astype(np.uint8)
    return (images, np.zeros(40, np.int64)), (images[:20], np.zeros(20, np.int64))


def trained(tmp_path: Path, data: str) -> Results:
    base = critlab.Setup(
        data={"name": f"test_guards:{data}"},  # type: ignore[arg-type]
        model={"name": "test_guards:dead"},  # type: ignore[arg-type]
        optimizer={"name": "sgd", "lr": 0.05, "batch": 20},  # type: ignore[arg-type]
    )
    study = critlab.removal_sweep(Blur(factor=2), at=[0, 1], recovery=1, seeds=3, setup=base, precision="float32")
    return critlab.run(study, tmp_path / "store", engine="inline", device="cpu")


@pytest.mark.slow
def test_a_network_that_learns_nothing_is_undecided(tmp_path: Path) -> None:
    results = trained(tmp_path, "skewed")
    assert results.chance == pytest.approx(2 / 3)
    verdict = results.verdict()
    assert verdict.answer == "undecided"
    assert "chance is 66.7 %" in verdict.lines()[0]


@pytest.mark.slow
def test_a_single_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a single class; there must be at least 2"):
        trained(tmp_path, "one_class")
    assert not (tmp_path / "store").exists()


def test_a_score_that_never_moves_is_named_where_chance_is_unknown() -> None:
    results = reshaped(synthetic_results(3), flat)
    unknown = replace(results, study=results.study.model_copy(update={"data": _Unknown.of(results)}))
    (guard,) = unknown.verdict().guards
    assert guard == Constant(0.1)


class _Unknown:
    """Data of which nothing is known before it is read."""

    name = "mine"
    epoch: int | None = None

    @classmethod
    def of(cls, results: Results) -> Any:
        return cls()

    def sizes(self) -> None:
        return None


def rising(row: Row) -> float:
    """Longer training is all that matters: a deficit that helps by what a longer run gains."""
    return 0.3 + 0.02 * trained_epochs(row) + 0.0005 * row.seed


def test_a_control_that_still_learns_is_said() -> None:
    verdict = reshaped(synthetic_results(4), rising).verdict()
    guard = next(guard for guard in verdict.guards if isinstance(guard, Unconverged))
    assert (guard.start, guard.end, guard.longer) == (6, 8, True)
    assert guard.rise.mean == pytest.approx(0.04)
    assert verdict.answer == "undecided"
    assert verdict.reasons == ("length",)
    assert guard in verdict.notes
    assert not guard.has_equal_total


def thinned(results: Results, every: int) -> Results:
    """As if the study had been tested every so many epochs, and when a test is due for other reasons."""
    evaluation = results.study.evaluation.model_copy(update={"every": every})
    study = results.study.model_copy(update={"evaluation": evaluation})
    tree = build(study)
    due = {
        (run.identifier(seed), tree.nodes[path].epoch)
        for run in study.runs
        for path in tree.paths(run.name)
        if TEST in scheduled_measures(study, tree.nodes[path])
        for seed in study.seeds
    }
    rows = (row for row in results.rows if row.quantity != "test_accuracy" or (row.run, row.epoch) in due)
    return replace(results, study=study, rows=tuple(rows))


@pytest.mark.slow
@pytest.mark.parametrize("every", [2, 5, 100])
def test_sparse_tests_change_no_verdict(every: int) -> None:
    for whole in (reshaped(synthetic_results(4), rising), synthetic_results(4)):
        sparse = thinned(whole, every)
        assert len(sparse.rows) < len(whole.rows)
        (dense, thin) = (one.verdict() for one in (whole, sparse))
        assert (thin.answer, thin.reasons, len(thin.guards)) == (dense.answer, dense.reasons, len(dense.guards))
        assert sparse.final_scores == whole.final_scores
        guards = [guard for guard in thin.guards if isinstance(guard, Unconverged)]
        assert all((guard.start, guard.end) == (6, 8) for guard in guards)


def test_the_rise_of_a_sparsely_tested_control_counts_what_was_tested() -> None:
    results = thinned(reshaped(synthetic_results(4), rising), 100)
    guard = next(guard for guard in results.verdict().guards if isinstance(guard, Unconverged))
    # the last two epochs, less the one at which the last third begins
    assert guard.rise.mean == pytest.approx(0.02 * (7.5 - 6))


def test_a_converged_control_is_not_accused() -> None:
    for verdict in (synthetic_results().verdict(), synthetic_results(damage=never, noise=0.001).verdict()):
        assert verdict.guards == ()
        assert not any("converged" in line for line in verdict.lines())


def test_runs_of_one_length_may_be_absent_though_the_control_still_learns() -> None:
    parts = {"sweep": {"kind": "removal", "at": [0, 5, 10], "total": 20}}
    verdict = reshaped(synthetic_results(4, parts=parts), rising).verdict()
    assert verdict.answer == "absent"
    assert [note.longer for note in verdict.notes if isinstance(note, Unconverged)] == [False]


def helped_by_length(row: Row) -> float:
    """Longer runs end higher, and each epoch under the deficit costs more than it brings."""
    lost = 0.025 * (row.stop - row.start) if row.deficit == "blur" else 0.0
    return 0.3 + 0.03 * trained_epochs(row) - lost + 0.001 * row.seed


def test_the_headline_takes_runs_of_equal_length_into_account() -> None:
    controls = {"clocks": ["since_removal"], "delay": True, "equal_total": True}
    verdict = reshaped(synthetic_results(4, (0, 4, 8), controls=controls), helped_by_length).verdict()
    assert verdict.answer == "damage_only"
    assert "costs -" not in "".join(verdict.lines())
    assert verdict.largest is not None
    assert verdict.largest.at == 4
    assert verdict.largest.estimate == pytest.approx(-0.02)
    equal = {one.at: round(one.estimate or 0.0, 6) for one in verdict.damages if one.name == "equal_total"}
    assert equal == {4: 0.1, 8: 0.2}


def test_absent_holds_against_runs_of_equal_length_too() -> None:
    controls = {"clocks": ["since_removal"], "delay": True, "equal_total": True}
    verdict = synthetic_results(damage=never, noise=0.001, controls=controls).verdict()
    assert verdict.answer == "absent"
    assert [one.at for one in verdict.damages if one.name == "equal_total"] == [5, 10, 20, 40]


def test_the_curve_against_runs_of_equal_length_is_drawn() -> None:
    results = synthetic_results(controls={"equal_total": True})
    damage = next(chart for chart in charts(results) if chart.key == "damage")
    name = "blur (factor 7), against clean runs of equal length"
    drawn = {row["arm"] for row in damage.panels[0].spec["data"]["values"] if "arm" in row}
    assert any(arm.endswith("against clean runs of equal length") for arm in drawn), name
    assert {row[0] for row in damage.rows} >= {arm for arm in drawn if "equal length" in arm}
    without = next(chart for chart in charts(synthetic_results(controls={})) if chart.key == "damage")
    assert "equal length" not in without.to_csv()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["removal", "window"])
def test_no_damage_is_negative(kind: Any) -> None:
    results = synthetic_results(damage=lambda at: -0.03, negative=lambda at: -0.02, kind=kind)
    lines = results.verdict().lines()
    assert not [line for line in lines if "costs -" in line or "costs \N{MINUS SIGN}" in line]
    assert "raises accuracy by" in lines[0]
    shown = page(results)
    assert "costs -" not in shown
    assert "no point has damage in the mean" in shown
