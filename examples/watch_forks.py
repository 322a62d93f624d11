"""Watch a training, and fork it now and then to find out until when blurred images would leave damage.

Forks take the share FORK_BUDGET of the training's cost and leave it unchanged. Numbers mark what your own loop needs.
"""

from __future__ import annotations

import argparse
import copy
from typing import Any

import torch
from torch import nn

import critlab
from critlab.data import load as load_images
from critlab.data.spec import DataSpec
from critlab.deficits import Blur

TRAIN, TEST, EPOCHS, FORK_BUDGET = 2000, 1000, 30, 0.8

images = load_images(DataSpec(name="sample", train=TRAIN, test=TEST))
x, test_x = (torch.from_numpy(part).float() / 255 for part in (images.train_images, images.test_images))
y, test_y = (torch.from_numpy(part) for part in (images.train_labels, images.test_labels))


class Training:
    def __init__(self) -> None:
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)


def advance(training: Training, epoch: int, deprive: Any, watch: Any = None) -> None:
    for places in torch.randperm(len(x)).split(64):
        inputs, labels = deprive(x[places], y[places])
        loss = nn.functional.cross_entropy(training.model(inputs), labels)
        training.optimizer.zero_grad()
        loss.backward()
        training.optimizer.step()
        if watch:
            watch.step(inputs, loss)  # 3


@torch.no_grad()
def evaluate(training: Training) -> float:
    return float((training.model(test_x).argmax(1) == test_y).float().mean())


def save(training: Training) -> dict[str, Any]:
    return copy.deepcopy({"model": training.model.state_dict(), "optimizer": training.optimizer.state_dict()})


def load(state: dict[str, Any]) -> Training:
    training = Training()
    training.model.load_state_dict(state["model"])
    training.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
    return training


def run(page: str = "watch.html") -> critlab.Watch:
    torch.manual_seed(0)
    training = Training()
    functions = {"advance": advance, "evaluate": evaluate, "save": save, "load": load}
    plan = critlab.ForkPlan({"blur": Blur(factor=7)}, total=EPOCHS, fork_budget=FORK_BUDGET, **functions)  # 1
    watch = critlab.Watch(training.model, budget=0.3, forks=plan, optimizer=training.optimizer)  # 2
    for epoch in range(EPOCHS):
        watch.fork_if_due(training, epoch)  # 4
        advance(training, epoch, lambda inputs, labels: (inputs, labels), watch)
    watch.close()
    watch.report(page)
    return watch


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    found = run()
    for row in found.course.rows():
        print(f"after epoch {row['epoch']}: {row['deficit']} is {row['answer']}, damage now {row['damage_now']:.3f}")
    print(f"{found.fork_epochs} epochs of forks for {EPOCHS} of training; the page is watch.html")
