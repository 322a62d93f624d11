"""``critlab.when`` in a process that is killed at random moments: the same answer, and no epoch is trained twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # starts processes

SCRIPT = """
import json, os, signal, sys, threading, time
import torch
import critlab

store, log, delay = sys.argv[1], sys.argv[2], float(sys.argv[3])
timer = threading.Timer(delay, lambda: os.kill(os.getpid(), signal.SIGKILL))


def make(seed):
    return {"weight": torch.randn(4), "on": False}


def advance(training, epoch):
    if delay and not timer.is_alive():
        timer.start()
    time.sleep(0.003)
    training["weight"] = 0.9 * training["weight"] + 0.1 * torch.randn(4)
    if training["on"]:
        training["weight"] += 0.2 if epoch >= 3 else -0.2
    with open(log, "a") as file:
        file.write(f"{training['weight'].tolist()}\\n")


answer = critlab.when(
    make, advance, lambda training: float(training["weight"].mean()), save=dict, load=dict,
    switch=lambda training, on: training.update(on=on), total=6, seeds=4, tolerance=0.05, store=store, version="1",
    check=False,
)
print(json.dumps([answer.document(), sorted(map(str, answer.cells.items()))]))
"""


def run(folder: Path, name: str, delay: float = 0.0) -> tuple[int, str]:
    (folder / "script.py").write_text(SCRIPT)
    arguments = [sys.executable, "script.py", name, f"{name}.log", f"{delay}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout or done.stderr


def test_killed_at_random_it_ends_with_the_same_answer_and_trains_nothing_twice(tmp_path: Path) -> None:
    status, whole = run(tmp_path, "whole")
    assert status == 0, whole
    kills, drawn = 0, random.Random(0)
    while True:
        status, printed = run(tmp_path, "killed", drawn.uniform(0.05, 0.5) if kills < 2 else 0.0)
        if status != -signal.SIGKILL:
            break
        kills += 1
    assert status == 0, printed
    assert kills
    assert printed == whole
    trained = (tmp_path / "killed.log").read_text().splitlines()
    # a kill can lose the epoch in progress, and no other
    assert len(trained) <= json.loads(whole)[0]["spent"] + kills
    assert set(trained) == set((tmp_path / "whole.log").read_text().splitlines())
