"""A user's own metric: one line for each mistake before the first epoch, and damage with the sign of its direction."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from command import JARGON, Command
from critlab._core.errors import StudyError
from critlab.learning_tasks import Metric
from critlab.learning_tasks.learning_task import NO_VIEW
from critlab.learning_tasks.regression import Regression
from critlab.learning_tasks.tallies.whole import Whole, checked_value
from labelled_files import GOOD, run, write

OWN = """
import numpy as np
import torch

import critlab
from critlab.learning_tasks import Metric, Scoring


def lower(function):
    return critlab.metric(better="lower")(function)


@lower
def raises(outputs, labels):
    raise KeyError("nothing")


@lower
def nan(outputs, labels):
    return float("nan")


@lower
def row(outputs, labels):
    return np.abs(outputs - labels)


@lower
def tensors(outputs, labels):
    return torch.ones(2)


@lower
def text(outputs, labels):
    return "0.5"


@lower
def nothing(outputs, labels):
    pass


@lower
def yes(outputs, labels):
    return True


@critlab.metric(better="higher", least=0.0, most=1.0)
def beyond(outputs, labels):
    return 2.0


@lower
def three(outputs, labels, more):
    return 2.0


@lower
def alone(outputs):
    return 2.0


@critlab.metric(better="lower")
def r2(outputs, labels):
    return 2.0


def bare(outputs, labels):
    return 1.0


number = 3


class NoMetric(Scoring):
    name = "no_metric"

    def tally(self):
        return None


class NoTally(Scoring):
    name, metric = "no_tally", Metric("no_tally")


class OtherTally(Scoring):
    name, metric = "other_tally", Metric("other_tally")

    def tally(self):
        return 3


@critlab.metric(better="lower", unit="mm", smallest_damage=0.01)
def error(outputs, labels):
    return np.abs(outputs - labels).mean()


@critlab.metric(better="higher", unit="mm", smallest_damage=0.01)
def closeness(outputs, labels):
    return torch.tensor(-np.abs(outputs - labels).mean())
"""

MISTAKES: dict[str, tuple[str, ...]] = {
    "raises": ("own:raises", "KeyError", "nothing", r"own\.py, line 15"),
    "nan": ("own:nan", "returned nan", "finite number"),
    "row": ("own:row", r"an array of shape \(14,\)", "one number"),
    "tensors": ("own:tensors", r"an array of shape \(2,\)", "one number"),
    "text": ("own:text", "returned str", "one number"),
    "nothing": ("own:nothing", "returned NoneType", "one number"),
    "yes": ("own:yes", "returned bool", "one number"),
    "beyond": ("own:beyond", "returned 2", "from 0 to 1", "least and most"),
    "three": ("own:three", r"\(outputs, labels\)"),
    "alone": ("own:alone", r"\(outputs, labels\)"),
    "r2": ("own:r2", "another name"),
    "bare": ("own:bare", "unit and direction", r"@critlab\.metric"),
    "number": ("own:number", "unit and direction"),
    "NoMetric": ("own:NoMetric", "set metric"),
    "NoTally": ("own:NoTally", "tally"),
    "OtherTally": ("own:OtherTally", "returned int", "MetricTally"),
    "absent": ("own:absent", "has no 'absent'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_metric_is_one_line_before_the_first_epoch(
    name: str, critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("critlab.training.learner.train_epoch", None)  # no epoch can be trained
    refused(critlab, tmp_path, f"own:{name}", *MISTAKES[name])


@pytest.mark.parametrize("path", ["absent:error", "own.deep:error"])
def test_a_metric_that_cannot_be_imported(path: str, critlab: Command, tmp_path: Path) -> None:
    refused(critlab, tmp_path, path, "cannot be imported", path)


def refused(critlab: Command, folder: Path, metric: str, *phrases: str) -> None:
    """One message, with those phrases, status 2, and no store."""
    (folder / "own.py").write_text(OWN)
    write("regression", GOOD["regression"](), f'metric = "{metric}"')
    answer = run(critlab)
    assert (answer.status, answer.out) == (2, ""), answer
    begun, *rest = answer.problem.splitlines()
    assert rest == [] or begun.startswith("hostile: "), "what the study is, and the message"
    problem = (rest or [begun])[0]
    assert len(rest) <= 1
    assert problem.startswith("critlab: ")
    assert not JARGON.search(problem)
    for phrase in phrases:
        assert re.search(phrase, problem), (phrase, problem)
    assert not (folder / "store").exists()


@pytest.mark.slow
def test_lower_is_better_and_its_negative_have_the_same_damage(critlab: Command, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    found = {}
    for name in ("error", "closeness"):
        write("regression", GOOD["regression"](), f'metric = "own:{name}"')
        study = Path("study.toml")
        text = study.read_text().replace("seeds = 1", "seeds = 2").replace("at = [0]", "at = [0, 2]")
        study.write_text(text.replace("lr = 0.01", "lr = 0.1"))
        answer = critlab("run", "study.toml", "--store", "store", "--engine", "inline", "--device", "cpu", "--json")
        assert answer.status == 0, answer.err
        damages = json.loads(answer.out)["damages"]
        found[name] = next(one["estimate"] for one in damages if one["name"] == "lasting_damage")
    table = critlab("export", "study.toml", "--store", "store", "--format", "csv").out.splitlines()
    values = {
        run: [float(row.split(",")[-2]) for row in table if ",test_closeness," in row and row.startswith(run)][-1]
        for run in {row.split(",")[0] for row in table[1:]}
    }
    ends = {
        side: np.mean([value for run, value in values.items() if run.startswith("control") == side])
        for side in (True, False)
    }
    assert found["error"] == found["closeness"] == pytest.approx(ends[True] - ends[False])
    assert found["error"] != 0


def test_values_in_every_form_of_one_number() -> None:
    facts = Metric("m", least=0.0, most=1.0)
    for one in (0.5, np.float32(0.5), np.array(0.5), torch.tensor(0.5, requires_grad=True), np.float64(0.5)):
        assert checked_value(one, "own:m", facts) == 0.5
    assert checked_value(1, "own:m", facts) == 1.0
    assert checked_value(1 + 1e-9, "own:m", facts) == 1.0
    for wrong in (1.1, -0.1, math.inf, 1j, [0.5], np.ones(1), torch.ones(1), "1", None, True, np.bool_(True)):
        with pytest.raises(StudyError, match="own:m"):
            checked_value(wrong, "own:m", facts)


def test_outputs_that_are_not_finite_are_not_the_fault_of_the_metric() -> None:
    """The test has a value that is not finite, so the run is recorded as diverged."""
    tally = Whole(lambda outputs, labels: 1 / 0, "own:m", Metric("m"))
    outputs = torch.tensor([0.0, math.nan])
    tally.add(Regression().answers(outputs, torch.zeros(2), NO_VIEW))
    value = tally.value()
    assert value is not None
    assert math.isnan(value)
