"""Judging rules on trainings whose truth is known, and every way in which a rule can be wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from critlab._core.errors import StudyError
from critlab.bench.answers import Answer
from critlab.bench.judging import groups, judged
from critlab.bench.records import Records, records
from critlab.bench.rules import RULES
from critlab.bench.scoring import Scores, partial_spearman, scores, spearman, threshold
from critlab.bench.table import bench_table
from critlab.bench.trainings import SMALLEST, BenchTraining
from planted_bench import planted_training


@pytest.fixture(scope="module")
def planted() -> list[BenchTraining]:
    return [planted_training(number) for number in range(9)]


def scored(rule: Any, planted: list[BenchTraining]) -> Scores:
    return scores(judged(rule, planted), draws=40)


def forked(seen: Records) -> dict[str, float]:
    return {name: float(seen.fork(name, 4, 1).mean()) for name in seen.deficits}


def test_a_rule_that_knows_scores_high_and_one_that_does_not_scores_nothing(planted: list[BenchTraining]) -> None:
    good = scored(forked, planted)
    assert good.pooled.value > 0.97
    assert good.matched.value > 0.97
    assert good.r2.value > 0.9
    assert good.kept.value >= 0.95
    assert good.worst < 0.03
    assert 0.1 < good.closed.value < 0.6
    assert good.null_open.value == 0
    poor = scored(lambda seen: float(seen.signals["train_loss"][-1]), planted)
    assert abs(poor.pooled.value) < 0.2
    assert poor.r2.value < 0.1
    assert poor.closed.value < 0.1
    assert poor.pooled.low < poor.pooled.value < poor.pooled.high


def test_the_cost_is_of_the_forks_that_were_looked_at(planted: list[BenchTraining]) -> None:
    assert scored(forked, planted).spent == pytest.approx(3 * 5 / 16)
    assert scored(lambda seen: 1.0, planted).spent == 0

    def twice(seen: Records) -> float:
        seen.fork("blur", 4, 1)
        seen.fork("blur", 4, 3)
        return 1.0

    assert scored(twice, planted).spent == pytest.approx(3 * 7 / 16 / 4)


def test_damage_is_of_the_seeds_that_the_rule_was_not_shown(planted: list[BenchTraining]) -> None:
    found = judged(forked, planted[:1])
    first = planted[0].lasting("blur")[0]
    assert found.damage[0] == pytest.approx(first[3:].mean())
    assert found.rows[0].stderr == pytest.approx(first[3:].std(ddof=1) / 7**0.5)
    assert groups(10, 3) == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]
    with pytest.raises(StudyError, match=r"--repeats: received 6; must be from 1 to 5"):
        groups(10, 6)


def test_states_and_intervals_of_a_rule_are_its_own(planted: list[BenchTraining]) -> None:
    def says(seen: Records) -> dict[str, Answer]:
        half = {name: value / 2 for name, value in forked(seen).items()}
        return {
            name: Answer(value, "closed" if value < SMALLEST else "open", value - 0.01, value + 0.01)
            for name, value in half.items()
        }

    found = scored(says, planted)
    assert found.own_states
    assert found.coverage.value > 0.9
    assert found.r2.value > 0.97
    assert math.isnan(scored(forked, planted).coverage.value)
    always = scored(lambda seen: True, planted)
    assert always.closed.value == 1
    assert always.worst > 0.1
    assert scored(lambda seen: False, planted).null_open.value == 1


def test_a_threshold_is_learned_on_the_trainings_that_are_not_held_out(planted: list[BenchTraining]) -> None:
    found = judged(forked, planted)
    limit = threshold(found.of(~found.held_out))
    rows = found.of(~found.held_out & ~found.null)
    assert (rows.damage[rows.sensitivity <= limit] < SMALLEST).mean() >= 0.95
    assert threshold(judged(lambda seen: 1.0, planted)) == -math.inf


def test_rank_correlations_agree_with_scipy_and_with_what_is_held() -> None:
    random = np.random.default_rng(0)
    one, held = random.integers(0, 5, 200).astype(float), random.normal(size=200)
    other = one + 2 * random.normal(size=200)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other)[0])
    assert spearman(np.ones(5), np.arange(5.0)) == 0
    assert abs(partial_spearman(held + 0.1 * random.normal(size=200), held + 0.1 * other, held)) < 0.3
    assert partial_spearman(one, other, held) == pytest.approx(spearman(one, other), abs=0.1)
    assert partial_spearman(held, other, held) == 0


def test_a_rule_sees_nothing_later_than_now(planted: list[BenchTraining]) -> None:
    seen = records(planted[0], 3, (2, 5))
    assert all(len(values) == 4 for values in seen.signals.values())
    assert seen.signals["fisher"].shape == (4, 2)
    assert seen.fork("noise", 2, 3).shape == (2, 3)
    for values in seen.signals.values():
        assert values.base is None
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1
    with pytest.raises(StudyError, match=r"--rule: later failed at epoch \d+: IndexError.*nothing later"):
        judged(lambda seen: float(seen.signals["train_loss"][seen.epoch + 1]), planted[:1], "later")


def raises(seen: Records) -> float:
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (raises, r"--rule: mine failed at epoch \d+: KeyError: 'no such thing'"),
        (lambda seen: None, r"--rule: mine answered .*; must answer with a finite number"),
        (lambda seen: math.nan, r"--rule: mine answered .*nan.*; must answer with a finite number"),
        (lambda seen: [1.0, 2.0], r"--rule: mine answered .*; must answer with a finite number"),
        (lambda seen: {"blur": 1.0}, r"answered for blur, not for noise, random_labels, identity"),
        (lambda seen: Answer(1.0, "shut"), r"mine: state: received 'shut'"),  # type: ignore[arg-type]
        (lambda seen: float(seen.fork("fog").mean()), r"fork: deficit: received 'fog'.*blur"),
        (lambda seen: float(seen.fork("blur", 3).mean()), r"fork: deprived: received 3; must be one of 1, 2, 4"),
        (lambda seen: float(seen.fork("blur", 4, 9).mean()), r"fork: clean: received 9; must be from 1 to 3"),
    ],
)
def test_a_wrong_rule_gets_one_clear_line(planted: list[BenchTraining], rule: Any, words: str) -> None:
    with pytest.raises(StudyError, match=words) as caught:
        judged(rule, planted[:1], "mine")
    assert "\n" not in str(caught.value)


def test_a_rule_that_remembers_is_refused(planted: list[BenchTraining]) -> None:
    asked: list[int] = []

    def remembers(seen: Records) -> float:
        asked.append(seen.epoch)
        return float(len(asked))

    with pytest.raises(StudyError, match="answered differently when it was asked again"):
        judged(remembers, planted[:1], "mine")


@pytest.mark.slow
def test_every_rule_of_the_table_answers(planted: list[BenchTraining]) -> None:
    rules = {name: (row.title, row.citation, row.answer) for name, row in RULES.items() if "forecast" not in name}
    table = bench_table(rules, planted, draws=3)
    assert [row.name for row in table.rows] == list(rules)
    document = table.document()
    assert document["windows"] == 3 * 3 * 7 * 3
    by_name = {row.name: row.scores for row in table.rows}
    assert by_name["fork_4_1"].pooled.value > 0.95
    assert by_name["clock"].pooled.value < 0.5
