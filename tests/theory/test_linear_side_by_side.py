"""Stretches of descent in processes: as in turn, whatever their number; a killed process is one clear message."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from critlab._core.errors import CritlabError
from critlab.theory.linear import complete_matrix
from critlab.theory.linear.completion import side_by_side
from critlab.theory.linear.completion.process import DescentProcess
from critlab.theory.linear.completion.side_by_side import Descent

SWEEP: dict[str, Any] = {
    "ranks": (2, 1),
    "observed": 60,
    "depths": (1, 3, 2),
    "removals": (0, 7, 25),
    "onsets": (0, 5),
    "seeds": (1, 4, 2),
    "recovery": 40,
    "learning_rate": 1.0,
    "init_scale": 0.05,
}


def drawn(seed: int, **more: Any) -> Descent:
    random, given = np.random.default_rng(seed), {"parent": None, "updates": 20, "left": 20, **more}
    layers, targets, weights = random.random((3, 2, 9, 9)), random.random((2, 9, 9)), random.random((2, 9, 9)) / 1e3
    return Descent(layers=layers, targets=targets, weights=weights, **given)


@pytest.mark.slow
def test_processes_do_what_one_does_in_turn() -> None:
    tree = [drawn(0, left=50), drawn(1), drawn(2, parent=0, left=30), drawn(3, parent=2), drawn(4, parent=0)]
    alone = dict(side_by_side.trained(tree))
    for processes in (1, 2):
        together = dict(side_by_side.trained(tree, processes))
        assert sorted(together) == sorted(alone) == [0, 1, 2, 3, 4]
        for place, layers in alone.items():
            np.testing.assert_allclose(together[place], layers, rtol=1e-12)


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    [(_, whole)] = side_by_side.trained([drawn(0)])
    monkeypatch.setattr(side_by_side, "AT_ONCE", 1.0)
    [(_, pieces)] = side_by_side.trained([drawn(0)], 1)
    np.testing.assert_allclose(pieces, whole, rtol=1e-12)


@pytest.mark.slow
def test_a_sweep_is_the_same_in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    here = complete_matrix(9, **SWEEP, record_every=10)
    monkeypatch.setattr("critlab.theory.linear.completion.sweep.HERE_UP_TO", 0)
    there = complete_matrix(9, **SWEEP, record_every=10)
    assert len(here.states) == len(there.states) > len(here.finals) == 54
    for one, other in zip(here.states, there.states, strict=True):
        assert (one.depth, one.seed, one.onset, one.removal, one.update) == (
            other.depth, other.seed, other.onset, other.removal, other.update,
        )  # fmt: skip
        assert other.error == pytest.approx(one.error, rel=1e-5)
        assert other.singular_values == pytest.approx(one.singular_values, rel=1e-4, abs=1e-6)


def test_layers_that_are_given_stay_as_they_are() -> None:
    one = drawn(0)
    before, process = one.layers.copy(), DescentProcess()
    try:
        after = process.descend(one.layers, one.targets, one.weights, 3)
    finally:
        process.close()
    assert np.array_equal(one.layers, before)
    assert not np.array_equal(after, before)


def test_a_killed_process_is_one_clear_message() -> None:
    one, process = drawn(0), DescentProcess()
    try:
        process.descend(one.layers, one.targets, one.weights, 1)
        os.kill(process.number, signal.SIGKILL)
        with pytest.raises(CritlabError, match=r"ended with status -9: was it killed\? Nothing is lost"):
            process.descend(one.layers, one.targets, one.weights, 1)
    finally:
        process.close()


@pytest.mark.slow
def test_a_process_ends_when_nobody_asks_any_more() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "critlab.theory.linear.completion.process"], input=b"", capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.slow
def test_it_starts_without_torch() -> None:
    code = "import critlab.theory.linear.completion.process, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
