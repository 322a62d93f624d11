"""The damage class by class against sums over single test examples, and its coverage of a planted truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from critlab.analysis.effects.class_damage import class_damages
from critlab.analysis.tables.results import Results
from critlab.engine.records.examples_record import ExamplePictures
from critlab.measures.correct_images import CorrectImages
from critlab.report.charts.sliders.classes import MOST_CLASSES, class_charts
from synthetic import synthetic_results

IMAGES, CLASSES = 600, 3
LABELS = np.arange(IMAGES) % CLASSES


def planted(seeds: int, truth: tuple[float, ...], random: np.random.Generator, labels: object = LABELS) -> Results:
    """Results in which a run loses as much of each class as ``truth`` says; test examples differ in difficulty."""
    results = synthetic_results(seeds, at=(0, 5), controls={})
    difficulty = random.uniform(0.6, 1.0, IMAGES)
    correct = {}
    for outcome in results.outcomes:
        lost = np.zeros(IMAGES) if outcome.run.clean else np.asarray(truth)[LABELS]
        right = random.random(IMAGES) < np.clip(difficulty - lost, 0, 1)
        for epoch in outcome.run.final_epochs(results.study.statistics.final_epochs):
            correct[outcome.name, epoch] = CorrectImages.of(right)
    told = None if labels is None else tuple(int(label) for label in np.asarray(labels))
    examples = ExamplePictures("images", (), (), (), (), (), told)
    return replace(results, correct=correct, examples=examples)


def test_estimates_are_the_sums_over_examples() -> None:
    results = planted(3, (0.0, 0.1, 0.3), np.random.default_rng(0))
    found = {one.label: one for one in class_damages(results)}
    study, run = results.study, next(run for run in results.study.runs if run.role == "deficit")
    for label in range(CLASSES):
        sums = []
        for seed in study.seeds:
            names = (run.controls[0].control, run.name)
            right = [
                np.mean([results.correct[results.run_named[name].identifier(seed), epoch].shares()
                         for epoch in results.run_named[name].final_epochs(3)], axis=0)
                for name in names
            ]  # fmt: skip
            sums.append(float((right[0] - right[1])[label == LABELS].mean()))
        assert found[label].estimate == pytest.approx(np.mean(sums), abs=1e-12)
        assert (found[label].n, found[label].images) == (3, IMAGES // CLASSES)
    (chart,) = class_charts(results)
    assert len(chart.rows) == CLASSES
    assert chart.slider is None


def test_intervals_hold_the_planted_damage() -> None:
    truth, random = (0.0, 0.1, 0.3), np.random.default_rng(1)
    held, count = 0, 0
    for _ in range(60):
        for one in class_damages(planted(3, truth, random)):
            held += one.low <= truth[one.label] <= one.high  # type: ignore[operator]
            count += 1
    # 95 % of 180, within three standard errors; small variances of single seeds make intervals conservative at most
    assert held / count > 0.95 - 3 * (0.95 * 0.05 / count) ** 0.5


def test_nothing_is_said_where_labels_are_unknown_or_do_not_fit() -> None:
    random = np.random.default_rng(2)
    assert not list(class_damages(planted(2, (0.0, 0.0, 0.0), random, None)))
    assert not list(class_damages(planted(2, (0.0, 0.0, 0.0), random, LABELS[:-1])))
    assert not list(class_damages(synthetic_results(2)))
    (one,) = [found for found in class_damages(planted(1, (0.0, 0.1, 0.3), random)) if found.label == 2]
    assert (one.low, one.high) == (None, None)


def test_the_most_damaged_of_many_classes_are_drawn() -> None:
    labels = np.arange(IMAGES) % (MOST_CLASSES + 20)
    (chart,) = class_charts(planted(2, (0.0, 0.1, 0.3), np.random.default_rng(3), labels))
    assert len({row["label"] for row in chart.panels[0].spec["data"]["values"]}) == MOST_CLASSES
    assert len(chart.rows) == MOST_CLASSES + 20
    assert f"The {MOST_CLASSES} most damaged of {MOST_CLASSES + 20} classes are drawn." in chart.caption
