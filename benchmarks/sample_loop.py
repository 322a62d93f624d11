"""A training as a user has it: a small convolutional network on the bundled images, as one class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from critlab.data import load
from critlab.data.spec import DataSpec
from critlab.hooks.deprivation import BatchDeficit

BATCH, RATE, DECAY = 50, 0.05, 0.97


class SampleLoop:
    """Momentum and a learning rate that falls from epoch to epoch; nothing of it knows critlab but ``deprive``."""

    def __init__(self) -> None:
        images = load(DataSpec(name="sample", train=2000, test=1000))
        self.train = torch.as_tensor(images.train_images.copy()).float() / 255
        self.test = torch.as_tensor(images.test_images.copy()).float() / 255
        self.train_labels = torch.as_tensor(images.train_labels.copy()).long()
        self.test_labels = torch.as_tensor(images.test_labels.copy()).long()
        self.classes = images.classes

    def make(self, seed: int) -> dict[str, Any]:
        """The untrained network and its optimiser."""
        channels, side = self.train.shape[1], self.train.shape[-1]
        model = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * (side // 4) ** 2, self.classes),
        )
        return {"model": model, "optimizer": torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9)}

    def advance(self, state: dict[str, Any], epoch: int, deprive: BatchDeficit) -> dict[str, float]:
        """One pass over the training images."""
        for group in state["optimizer"].param_groups:
            group["lr"] = RATE * DECAY**epoch
        loss_sum, right = 0.0, 0
        for places in torch.randperm(len(self.train)).split(BATCH):
            images, labels = deprive(self.train[places], self.train_labels[places])
            logits: Tensor = state["model"](images)
            loss = nn.functional.cross_entropy(logits, labels)
            state["optimizer"].zero_grad()
            loss.backward()
            state["optimizer"].step()
            loss_sum += loss.item() * len(places)
            right += int((logits.argmax(1) == labels).sum())
        return {"train_loss": loss_sum / len(self.train), "train_accuracy": right / len(self.train)}

    @torch.no_grad()
    def evaluate(self, state: dict[str, Any]) -> dict[str, Any]:
        """Which test images are classified correctly."""
        return {"test_correct": state["model"](self.test).argmax(1) == self.test_labels}

    def save(self, state: dict[str, Any]) -> dict[str, Any]:
        """Weights and momentum."""
        return {name: part.state_dict() for name, part in state.items()}

    def load(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The state again."""
        state = self.make(0)
        for name, part in state.items():
            part.load_state_dict(saved[name])
        return state
