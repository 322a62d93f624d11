"""A user's training as one class, such as other processes import; it draws from global generators only."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn

from critlab.hooks.deprivation import BatchDeficit

CLASSES, LENGTH = 3, 6


class SmallLoop:
    """A linear network on noisy sequences whose class is where they rise."""

    def __init__(self) -> None:
        g = torch.Generator().manual_seed(5)
        self.labels = torch.randint(CLASSES, (60,), generator=g)
        rises = nn.functional.one_hot(self.labels, LENGTH).float().cumsum(1) / 2
        self.inputs = (rises + 0.3 * torch.rand(60, LENGTH, generator=g)).clamp(0, 1)

    def make(self, seed: int) -> dict[str, Any]:
        model = nn.Sequential(nn.Linear(LENGTH, 8), nn.ReLU(), nn.Linear(8, CLASSES))
        return {"model": model, "optimizer": torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)}

    def advance(self, state: dict[str, Any], epoch: int, deprive: BatchDeficit) -> dict[str, float]:
        order = torch.randperm(40)
        total, right = 0.0, 0
        for begin in range(0, 40, 20):
            places = order[begin : begin + 20]
            inputs, labels = deprive(self.inputs[places], self.labels[places])
            logits: Tensor = state["model"](inputs)
            loss = nn.functional.cross_entropy(logits, labels)
            state["optimizer"].zero_grad()
            loss.backward()
            state["optimizer"].step()
            total, right = total + loss.item() / 2, right + int((logits.argmax(1) == labels).sum())
        return {"train_loss": total, "train_accuracy": right / 40}

    @torch.no_grad()
    def evaluate(self, state: dict[str, Any]) -> dict[str, Any]:
        return {"test_correct": state["model"](self.inputs[40:]).argmax(1) == self.labels[40:]}

    def save(self, state: dict[str, Any]) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in state.items()}

    def load(self, saved: dict[str, Any]) -> dict[str, Any]:
        state = self.make(0)
        for name, part in state.items():
            part.load_state_dict(saved[name])
        return state


class SwitchedLoop(SmallLoop):
    """The same with a switch: another learning rate."""

    def advance(self, state: dict[str, Any], epoch: int, deprive: Any = lambda inputs, labels: (inputs, labels)) -> Any:
        return super().advance(state, epoch, deprive)

    def evaluate(self, state: dict[str, Any]) -> Any:
        return float((state["model"](self.inputs[40:]).argmax(1) == self.labels[40:]).float().mean())

    def switch(self, state: dict[str, Any], on: bool) -> None:
        for group in state["optimizer"].param_groups:
            group["lr"] = 0.3 if on else 0.1


class DeviceLoop(SmallLoop):
    """One that is told where to compute."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device
        assert device in ("cpu", "cuda")


class BrokenLoop(SmallLoop):
    """One whose second seed cannot be trained."""

    def advance(self, state: dict[str, Any], epoch: int, deprive: BatchDeficit) -> dict[str, float]:
        if deprive.seed == 1 and epoch == 1:
            raise ValueError("the second epoch of seed 1")
        return super().advance(state, epoch, deprive)


class UnmadeLoop(SmallLoop):
    """One that needs something to be made."""

    def __init__(self, folder: str) -> None:
        raise AssertionError(folder)


class PartialLoop:
    """One that cannot be saved."""

    def make(self, seed: int) -> int:
        return seed

    def advance(self, state: int, epoch: int, deprive: BatchDeficit) -> dict[str, float]:
        return {}

    def evaluate(self, state: int) -> float:
        return 0.5


class ForkedLoop(SmallLoop):
    """The same whose score is a number."""

    @torch.no_grad()
    def evaluate(self, state: dict[str, Any]) -> Any:
        loss = nn.functional.cross_entropy(state["model"](self.inputs[40:]), self.labels[40:])
        return -float(loss)


class DyingLoop(ForkedLoop):
    """One whose process dies in the middle of the first epoch that it trains, unless another one has died before."""

    def advance(self, state: dict[str, Any], epoch: int, deprive: BatchDeficit) -> dict[str, float]:
        if "CRITLAB_WORKER" in os.environ:
            try:
                os.close(os.open(os.environ["DIED"], os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os._exit(9)
        return super().advance(state, epoch, deprive)


def zeros(inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A deficit as a function that other processes import."""
    return torch.zeros_like(inputs), labels


def forget(state: dict[str, Any]) -> None:
    """A remedy: the optimiser's memory is empty again."""
    state["optimizer"].state.clear()
