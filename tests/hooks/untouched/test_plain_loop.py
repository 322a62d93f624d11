"""A loop of one's own in bfloat16, with accumulation, a cosine schedule, averaged weights and dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from critlab.deficits import FeatureDropout
from critlab.hooks.watch import Watch
from watched_trainings import always
from whole_trainings import CLASSES, assert_looked, assert_same, examples, fork_plan, left, off, seeded

EPOCHS, BATCHES, ACCUMULATED = 3, 8, 2


@dataclass
class Training:
    """What the loop changes."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Any
    averaged: AveragedModel

    def parts(self) -> dict[str, Any]:
        return {
            "weights": self.model.state_dict(),
            "moments": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "averaged": self.averaged.state_dict(),
        }


def make() -> Training:
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, CLASSES))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * BATCHES // ACCUMULATED)
    return Training(model, optimizer, schedule, AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9)))


def load(saved: Any) -> Training:
    made = make()
    for part, state in zip((made.model, made.optimizer, made.schedule, made.averaged), saved.values(), strict=True):
        part.load_state_dict(state)
    return made


def epoch(training: Training, loader: Any, watch: Watch | None = None, deprive: Any = None) -> list[Tensor]:
    training.model.train()
    losses = []
    for place, (inputs, labels) in enumerate(loader):
        given = inputs if deprive is None else deprive(inputs, labels)[0]
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(training.model(given), labels)
        (loss / ACCUMULATED).backward()
        losses.append(loss.detach())
        if place % ACCUMULATED == ACCUMULATED - 1:
            nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
            training.optimizer.step()
            training.schedule.step()
            training.averaged.update_parameters(training.model)
            if watch:
                watch.step(inputs, loss)
            training.optimizer.zero_grad()
    return losses


def accuracy(training: Training) -> float:
    training.averaged.eval()
    inputs, labels = (torch.stack(part) for part in zip(*examples(), strict=True))
    with torch.no_grad():
        return float((training.averaged(inputs).argmax(1) == labels).float().mean())


def trained(watched: bool) -> tuple[dict[str, Any], Watch | None]:
    seeded()
    training = make()
    loader: Any = torch.utils.data.DataLoader(examples(), batch_size=32 // BATCHES, shuffle=True)  # type: ignore[arg-type]
    inside, watch = loader, None
    if watched:

        def advance(state: Training, number: int, deprive: Any) -> dict[str, float]:
            return {"train_loss": float(torch.stack(epoch(state, inside, deprive=deprive)).mean())}

        functions = {"advance": advance, "save": lambda state: state.parts(), "load": load}
        plan = fork_plan(accuracy, total=EPOCHS, **functions)
        watch = always(Watch(training.model, budget=1.0, optimizer=training.optimizer, forks=plan))
        loader = off(loader, FeatureDropout(share=0.5))
    losses = []
    for number in range(EPOCHS):
        if watch:
            watch.fork_if_due(training, number)
        losses += epoch(training, loader, watch)
    if watch:
        watch.close()
    return left(**training.parts(), losses=losses), watch


@pytest.mark.slow
def test_it_ends_with_the_same_bits() -> None:
    torch.set_num_threads(1)
    (plain, _), (seen, watch) = trained(False), trained(True)
    assert_same(plain, seen)
    assert_looked(watch, steps=EPOCHS * BATCHES // ACCUMULATED, forked=True)
