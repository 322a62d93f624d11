"""Which tasks take recorded steps, as docs/speed.md says: those that count right answers alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from critlab.data import load
from critlab.study import read_study
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipes
from critlab.training.learner import NetworkLearner
from task_files import STUDIES, write_files

RECORDED = {
    "scenes": ("ignored = 255", 'ignored = 255\nmetric = "accuracy"'),
    "text": ('task = "language_modelling"\n', 'task = { name = "language_modelling", metric = "accuracy" }\n'),
}


def learners(text: str) -> tuple[NetworkLearner, NetworkLearner]:
    """Of the study in a file: one with ordinary steps, and one that records where it can."""
    Path("study.toml").write_text(text)
    study = read_study("study.toml")
    images = load(study.data, None, study.task.targets)
    return NetworkLearner(study, images, Numerics(), recorded=False), NetworkLearner(
        study, images, Numerics(), recorded=True
    )


@pytest.mark.parametrize("name", RECORDED)
def test_right_pixels_and_tokens_are_counted_in_recorded_steps(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files()
    before, after = RECORDED[name]
    assert before in STUDIES[name]
    plain, recorded = learners(STUDIES[name].replace(before, after))
    study = read_study("study.toml")
    (recipe, *_) = recipes(next(run for run in study.runs if run.clean), study)
    assert (plain._records(recipe), recorded._records(recipe)) == (False, True)
    scores = [one.advance(one.start({"seed": 0}), recipe, 0) for one in (plain, recorded)]
    assert scores[0] is not None
    assert scores[1] is not None
    assert scores[0]["train_accuracy"] == scores[1]["train_accuracy"]
    assert scores[0]["train_loss"] == pytest.approx(scores[1]["train_loss"], rel=1e-5)


@pytest.mark.parametrize("name", ["ill", "rare", "findings", "houses", "scenes", "text"])
def test_other_metrics_take_ordinary_steps(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_files()
    _, recorded = learners(STUDIES[name])
    assert not recorded._can_be_recorded
