"""Some epochs of a training ran on corrupted labels. After a few good epochs, is there still damage?

critlab trains on from the checkpoints before and after them, in several orders of the data, and compares the ends.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import nn

import critlab
from critlab.data import load as load_images
from critlab.data.spec import DataSpec
from critlab.hooks.own_loop.lasting_damage import shrink_and_perturb

TRAIN, TEST, BEFORE, BAD, RECOVERY, REPEATS = 2000, 1000, 2, 3, 4, 3

images = load_images(DataSpec(name="sample", train=TRAIN, test=TEST))
x, test_x = (torch.from_numpy(part).float() / 255 for part in (images.train_images, images.test_images))
y, test_y = (torch.from_numpy(part) for part in (images.train_labels, images.test_labels))


class Training:
    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)


def advance(training: Training, epoch: int, deprive: Any) -> dict[str, float]:
    losses = right = 0.0
    for places in torch.randperm(len(x)).split(64):
        inputs, labels = deprive(x[places], y[places])
        logits = training.model(inputs)
        loss = nn.functional.cross_entropy(logits, labels)
        training.optimizer.zero_grad()
        loss.backward()
        training.optimizer.step()
        losses, right = losses + float(loss.detach()) * len(places), right + int((logits.argmax(1) == labels).sum())
    return {"train_loss": losses / len(x), "train_accuracy": right / len(x)}


@torch.no_grad()
def evaluate(training: Training) -> float:
    return float((training.model(test_x).argmax(1) == test_y).float().mean())


def saved(training: Training) -> dict[str, Any]:
    clone = {name: value.clone() for name, value in training.model.state_dict().items()}
    return {"model": clone, "optimizer": training.optimizer.state_dict()}


def load(state: dict[str, Any]) -> Training:
    training = Training()
    training.model.load_state_dict(state["model"])
    training.optimizer.load_state_dict(state["optimizer"])
    return training


def shuffled(inputs: Any, labels: Any) -> Any:
    return inputs, labels[torch.randperm(len(labels))]


def run() -> Any:
    training, states = Training(), []
    for epoch in range(BEFORE + BAD):  # your own training, which went wrong in its last epochs
        states += [saved(training)] if epoch == BEFORE else []
        advance(training, epoch, shuffled if epoch >= BEFORE else lambda inputs, labels: (inputs, labels))
    remedies = {"shrink and perturb": lambda training: shrink_and_perturb(training.model, Training().model)}
    given = {"epoch": BEFORE, "stretch": BAD, "recovery": RECOVERY, "repeats": REPEATS, "remedies": remedies}
    return critlab.lasting_damage(states[0], saved(training), advance=advance, evaluate=evaluate, load=load, **given)


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    print(run().sentence)
