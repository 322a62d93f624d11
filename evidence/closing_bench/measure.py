"""Measure the trainings of the bench; each is one file of arrays, and a training whose file exists is not repeated.

    python evidence/closing_bench/measure.py [--first 0] [--count 48] [--out src/critlab/bench/records]

A file holds the clean training's signals, the damage of each deficit's window at each onset on the training's own
schedule and at matched rates, the controls of the named damages, and the readings of forks, for each of ten seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from closing_bench.design import CLEAN, LENGTHS, RECOVERY, SEEDS, WINDOW, Training, trainings
from closing_bench.signals import Looker
from closing_bench.training import Epoch, State, Trainer, joined

Arrays = dict[str, NDArray[np.float32]]
RECORDS = Path(__file__).resolve().parents[2] / "src" / "critlab" / "bench" / "records"


def clean_run(training: Training, trainer: Trainer) -> tuple[list[State], Arrays]:
    """States after 0, 1, ... epochs, and signals ``(epochs + 1, seeds[, layers])``."""
    looker, state = Looker(trainer), trainer.newborn()
    states, looks = [state], [looker.look(state, 0)]
    for epoch in training.clean(0, training.length):
        state = trainer.train(state, epoch, looker.step)
        states.append(state)
        looks.append(looker.look(state, epoch.number + 1))
    empty = torch.full((len(trainer.seeds),), float("nan"))
    names = list(looks[-1])
    return states, {name: np.stack([one.get(name, empty).float().numpy() for one in looks]) for name in names}


def followed(trainer: Trainer, arms: Sequence[State], epochs: Sequence[Epoch], tested: Sequence[int]) -> Tensor:
    """Tests of several arms that go on with the same epochs, ``(arms, tests, 2, seeds)``: accuracy and loss.

    Args:
        trainer: of all.
        arms: their states.
        epochs: what they have in common from here on.
        tested: after how many of these epochs.
    """
    state, found = joined(arms), []
    for done, epoch in enumerate(epochs, 1):
        state = trainer.train(state, epoch)
        if done in tested:
            found.append(torch.stack(trainer.tested(state)).unflatten(1, (len(arms), -1)))
    return torch.stack(found).permute(2, 0, 1, 3)


def forks(training: Training, trainer: Trainer, states: list[State]) -> Arrays:
    """Readings ``(onsets, deficits, lengths, clean epochs, 2, seeds)`` and ends ``(onsets, deficits, 2, seeds)``.

    Deficits are those of the data, then the identity and the frozen network. An end is the mean of the tests after the
    last two epochs.
    """
    names = (*training.deficits, "identity", "frozen")
    readings, ends = [], []
    for onset in training.onsets:
        of_lengths = []
        for length in LENGTHS:
            arms = [trainer.trained(states[onset], training.window(onset, length, name)) for name in names]
            left = training.length - onset - length if length == WINDOW else CLEAN
            epochs = training.clean(onset + length, onset + length + left)
            tests = sorted({*range(1, CLEAN + 1), left - 1, left})
            seen = followed(trainer, arms, epochs, tests)
            of_lengths.append(seen[:, :CLEAN])
        readings.append(torch.stack(of_lengths, 1))
        ends.append(seen[:, -2:].mean(1))
    return {"readings": torch.stack(readings).float().numpy(), "ends": torch.stack(ends).float().numpy()}


def matched(training: Training, trainer: Trainer, states: list[State]) -> Arrays:
    """Ends at matched rates ``(onsets, deficits, 2, seeds)``: the deficits of the data, clean, frozen.

    ``newborn``: initial weights after the recovery alone, ``(2, seeds)``.
    """
    names, found = (*training.deficits, "", "frozen"), []
    for onset in training.onsets:
        arms = [trainer.trained(states[onset], training.matched(onset, name)[:WINDOW]) for name in names]
        recovery = training.matched(onset, "")[WINDOW:]
        found.append(followed(trainer, arms, recovery, [RECOVERY - 1, RECOVERY]).mean(1))
    ends = torch.stack(found).float().numpy()
    return {"matched": ends, "newborn": ends[0, -1]}


def measured(training: Training, seeds: tuple[int, ...] = SEEDS) -> tuple[Arrays, dict[str, object]]:
    """All arrays of a training, and its facts."""
    began, trainer = time.process_time(), training.trainer(seeds)
    states, arrays = clean_run(training, trainer)
    arrays |= forks(training, trainer, states) | matched(training, trainer, states)
    facts = {
        "name": training.name,
        "schedule": training.schedule,
        "length": training.length,
        "kind": training.kind,
        "data": training.data,
        "batch": training.batch,
        "held_out": training.held_out,
        "seeds": list(seeds),
        "onsets": list(training.onsets),
        "deficits": list(training.deficits),
        "window": WINDOW,
        "deprived": list(LENGTHS),
        "clean": CLEAN,
        "recovery": RECOVERY,
        "rates": list(training.rates),
        "layers": len(trainer.network.layers),
        "seconds": round(time.process_time() - began, 1),
    }
    return arrays, facts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=len(trainings()))
    parser.add_argument("--stride", type=int, default=1, help="So that several processes can share the trainings.")
    parser.add_argument("--out", type=Path, default=RECORDS)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for training in trainings()[chosen.first :: chosen.stride][: chosen.count]:
        file = chosen.out / f"{training.name}.npz"
        if file.exists():
            continue
        arrays, facts = measured(training)
        unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
        with unfinished.open("wb") as stream:
            np.savez_compressed(stream, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]
        unfinished.rename(file)
        # nothing of the damage: held-out trainings are only seen as scores
        print(training.name, f"{facts['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
