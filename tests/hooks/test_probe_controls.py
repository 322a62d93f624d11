"""The controls of a user's own loop: frozen epochs call nothing, a restarted recovery is a newborn's."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from critlab._core.errors import StudyError
from critlab.analysis.tables.results import Results
from critlab.deficits import WhiteNoise
from critlab.hooks.own_loop.options import ProbeOptions
from critlab.hooks.own_loop.probe import probe
from critlab.study.runs.estimands import named_contrasts
from critlab.study.runs.missing_contrasts import missing_contrasts

STOP, RECOVERY, RATE = 3, 2, 0.5
Call = tuple[str, int, bool, float, float]
"""Which training, the epoch that it was told, whether with the deficit, and what two global generators gave."""


class Loop:
    """A training that notes its calls; its learning rate follows from the epoch."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, bool, float, float]] = []
        self.lives: dict[tuple[int, ...], float] = {}

    def make(self, seed: int) -> dict[str, Any]:
        return {"seed": seed, "log": torch.zeros(0), "weight": torch.rand(())}

    def advance(self, state: dict[str, Any], epoch: int, deprive: Any) -> dict[str, float]:
        deprive(torch.rand(2, 1, 2, 2), torch.zeros(2))
        drawn = torch.rand(()), random.random()
        state["weight"] += RATE**epoch * drawn[0] + (deprive.deficit is not None)
        entry = [float(epoch), float(deprive.deficit is not None), float(drawn[0]), drawn[1]]
        state["log"] = torch.cat([state["log"], torch.tensor(entry)])
        self.calls.append((state["seed"], epoch, deprive.deficit is not None, float(drawn[0]), drawn[1]))
        return {"train_loss": 0.0, "train_accuracy": 0.0}

    def evaluate(self, state: dict[str, Any]) -> float:
        self.lives[tuple(state["log"].tolist())] = float(state["weight"])
        return float(state["weight"])

    @staticmethod
    def save(state: dict[str, Any]) -> dict[str, Any]:
        return {"seed": state["seed"], "log": state["log"].clone(), "weight": state["weight"].clone()}

    @staticmethod
    def load(saved: dict[str, Any]) -> dict[str, Any]:
        return {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in saved.items()}


def probed(loop: Loop, store: Path, **changes: Any) -> Results:
    options: dict[str, Any] = {"at": [0, STOP], "recovery": RECOVERY, "seeds": 1, "version": "1", "store": store}
    functions = (loop.make, loop.advance, loop.evaluate)
    made = {**options, "check": False, **changes}
    return probe(*functions, save=loop.save, load=loop.load, deficit=WhiteNoise(), **made)


def lived(loop: Loop, results: Results, name: str) -> list[tuple[float, ...]]:
    """What ``advance`` was told and drew in each epoch of a run, found by the run's last score."""
    rows = results.by_run[f"{name}-seed0"]
    last = next(row.value for row in reversed(rows) if row.quantity == "test_accuracy")
    log = next(log for log, score in loop.lives.items() if score == last)
    return [log[place : place + 4] for place in range(0, len(log), 4)]


def test_a_frozen_epoch_calls_nothing_and_a_restarted_recovery_is_a_newborns(tmp_path: Path) -> None:
    loop = Loop()
    results = probed(loop, tmp_path / "s")
    newborn = lived(loop, results, "control-of-2")
    assert [epoch for epoch, *_ in newborn] == [0, 1]
    frozen = lived(loop, results, "delay-0-3-of-5")
    assert [(epoch, deprived) for epoch, deprived, *_ in frozen] == [(3, 0), (4, 0)], "no call in the frozen epochs"
    deprived = lived(loop, results, "noise-0-3-of-5")
    assert [(epoch, on) for epoch, on, *_ in deprived] == [(0, 1), (1, 1), (2, 1), (3, 0), (4, 0)]
    assert frozen == deprived[STOP:], "the same epochs, with the same random numbers"
    restarted = lived(loop, results, "noise-since_removal-0-3-of-5")
    assert restarted[:STOP] == deprived[:STOP]
    assert restarted[STOP:] == newborn, "the epochs and the random numbers of a newborn"
    twin = lived(loop, results, "control-restarted-3-of-5")
    assert twin[STOP:] == newborn


def test_a_frozen_run_is_the_untrained_network_trained_from_then_on(tmp_path: Path) -> None:
    loop = Loop()
    results = probed(loop, tmp_path / "s")
    torch.manual_seed(0)
    start = {row.value for row in results.by_run["delay-0-3-of-5-seed0"]}
    (log,) = [log for log in loop.lives if len(log) == 8 and log[0] == STOP]
    frozen = lived(loop, results, "delay-0-3-of-5")
    newborn = lived(loop, results, "control-of-2")
    untrained = loop.lives[log] - sum(RATE ** int(epoch) * draw for epoch, _, draw, _ in frozen)
    final = next(row.value for row in reversed(results.by_run["control-of-2-seed0"]) if row.quantity == "test_accuracy")
    assert final - sum(RATE ** int(epoch) * draw for epoch, _, draw, _ in newborn) == pytest.approx(untrained, abs=1e-6)
    assert len(start) > 1


def test_a_finished_probe_trains_only_its_missing_controls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loop = Loop()
    before = probed(loop, tmp_path / "s", options=ProbeOptions(delay=False, restart=False))
    assert {one.name for one in missing_contrasts(before.study)} == {"harm", "beyond_delay"}
    calls = len(loop.calls)
    after = probed(loop, tmp_path / "s")
    said = capsys.readouterr().err
    assert (
        "training only the missing controls: control-restarted-3-of-5, noise-since_removal-0-3-of-5, delay-0-3" in said
    )
    # the clean run goes on for an epoch; then it, the deprived and the frozen one have a recovery each
    assert len(loop.calls) - calls == 1 + 3 * RECOVERY
    assert missing_contrasts(after.study) == ()
    assert {one.name for one in named_contrasts(after.study)} == {
        "lasting_damage",
        "delay",
        "beyond_delay",
        "harm",
        "lost_to_schedule",
        "missed_learning",
    }


def test_the_missing_controls_are_named_where_epochs_must_be_replayed_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = Loop()
    probed(loop, tmp_path / "s", options=ProbeOptions(delay=False, restart=False))
    for state in (tmp_path / "s" / "checkpoints").rglob("*.safetensors"):
        state.unlink()
    calls = len(loop.calls)
    probed(loop, tmp_path / "s")
    assert "training only the missing controls: control-restarted-3-of-5, noise-since" in capsys.readouterr().err
    assert len(loop.calls) - calls > 1 + 3 * RECOVERY, "states that were lost are computed again"


def test_a_schedule_in_the_state_cannot_be_frozen_or_restarted(tmp_path: Path) -> None:
    class Scheduled(Loop):
        @staticmethod
        def save(state: dict[str, Any]) -> dict[str, Any]:
            optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
            return {**Loop.save(state), "schedule": torch.optim.lr_scheduler.StepLR(optimizer, 2).state_dict()}

    with pytest.raises(StudyError, match=r"save\(state\)\['schedule'\] holds a learning-rate scheduler.*delay=False"):
        probed(Scheduled(), tmp_path / "s", check=True)
    assert not list((tmp_path / "s").rglob("epochs/*/*.json"))
    with pytest.raises(StudyError, match="holds a learning-rate scheduler"):
        probed(Scheduled(), tmp_path / "s", check=True, restart=False)
    probed(Scheduled(), tmp_path / "s", check=True, delay=False, restart=False, at=[0, 1])


def test_options_are_given_as_a_value_or_by_name(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"no option 'delai' \(allowed: onsets, "):
        probed(Loop(), tmp_path / "s", delai=True)
    chosen = ProbeOptions(length=2).changed({"classes": 3, "total": 9})
    assert (chosen.length, chosen.total, chosen.knowledge.classes) == (2, 9, 3)
    both = ProbeOptions(knowledge=chosen.knowledge).changed({"all_labels": [0, 1]})
    assert (both.knowledge.classes, both.knowledge.labels) == (3, [0, 1])
