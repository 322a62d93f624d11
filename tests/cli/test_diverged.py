"""A study in which runs diverge: the exit status, and what is said of the runs that are left."""

from __future__ import annotations

from pathlib import Path

from command import Command
from studies import written

FAST = ("lr = 0.05", "lr = 1e30"), ("hidden = [16]", "hidden = [4]\nbatch_norm = false"), ("seeds = 2", "seeds = 1")


def test_a_run_that_diverged_gives_status_1_also_when_repeated(critlab: Command, tmp_path: Path) -> None:
    command = "run", str(written(tmp_path, *FAST)), "--store", "store", "--engine", "inline"
    first, again = critlab(*command), critlab(*command)
    assert (first.status, again.status) == (1, 1)
    assert "seed 0: diverged, the training loss was not finite in step" in first.err
    for answer in (first, again):
        assert "runs diverged and have no final score: " in answer.err
        assert "therefore" not in answer.out, "there is no mean that could be too high"
    last = [line for line in first.err.splitlines() if " epochs · " in line][-1]
    done, total = last.removeprefix("small: ").partition(" ")[0].split("/")
    assert done == total, "what cannot be trained is not left to train"
    assert "left" not in last
