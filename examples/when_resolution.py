"""When should a small network on CIFAR-10 see whole images, instead of small augmented ones?

Training begins at 16 x 16 pixels, at a quarter of the cost; the test is at 32 x 32. The data are in ``$CRITLAB_DATA``.
"""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, pad

import critlab
from critlab.data import load as load_images
from critlab.data.spec import DataSpec

DATA = DataSpec(name="cifar10", train=10_000, test=2_000)
TOTAL, STEPS, BATCH, WIDTH = 16, 20, 64, 16
Training = dict[str, Any]


@cache
def data() -> list[Tensor]:
    found = load_images(DATA)
    images = [torch.as_tensor(part).float() / 127.5 - 1 for part in (found.train_images, found.test_images)]
    return [*images, torch.as_tensor(found.train_labels), torch.as_tensor(found.test_labels)]


def make(seed: int) -> Training:
    layers = list[nn.Module]()
    for inner, outer, stride in ((3, WIDTH, 1), (WIDTH, 2 * WIDTH, 2), (2 * WIDTH, 4 * WIDTH, 2)):
        layers += [nn.Conv2d(inner, outer, 3, stride, 1), nn.BatchNorm2d(outer), nn.ReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * WIDTH, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    return {"model": model, "optimizer": optimizer, "whole": False}


def advance(training: Training, epoch: int) -> None:
    training["optimizer"].param_groups[0]["lr"] = 0.05 * (1 + math.cos(math.pi * epoch / TOTAL))
    training["model"].train()
    for _ in range(STEPS):
        chosen = torch.randint(len(data()[0]), (BATCH,))
        images, labels = data()[0][chosen], data()[2][chosen]
        if not training["whole"]:
            images = images.flip(-1) if torch.rand(()) < 0.5 else images
            left, up = (int(shift) for shift in torch.randint(9, (2,)))
            images = avg_pool2d(pad(images, (4, 4, 4, 4))[..., up : up + 32, left : left + 32], 2)
        training["optimizer"].zero_grad()
        cross_entropy(training["model"](images), labels).backward()
        training["optimizer"].step()


@torch.no_grad()
def evaluate(training: Training) -> float:
    guesses = torch.cat([training["model"].eval()(part).argmax(1) for part in data()[1].split(100)])
    return float((guesses == data()[3]).float().mean())


def save(training: Training) -> Training:
    return {**training, **{name: training[name].state_dict() for name in ("model", "optimizer")}}


def load(saved: Training) -> Training:
    training = {**make(0), "whole": saved["whole"]}
    for name in ("model", "optimizer"):
        training[name].load_state_dict(saved[name])
    return training


def run(store: str = "critlab-store", **options: Any) -> Any:
    words = critlab.WhenOptions(metric="accuracy", fraction=True, switch_name="whole images", name="resolution")
    given = {"version": "1", "seeds": 8, "tolerance": 0.01, "present": 14, "cost": lambda _, on: 4 if on else 1}
    given |= {"save": save, "load": load, "switch": lambda training, on: training.update(whole=on), **options}
    return critlab.when(make, advance, evaluate, total=TOTAL, store=store, options=words, **given)


if __name__ == "__main__":
    print(run())
