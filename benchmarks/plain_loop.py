"""The loop that a study is usually run with: plain PyTorch, every run from scratch, written as well as such loops are.

    python benchmarks/plain_loop.py STUDY.toml [--data FOLDER] [--loader-workers N] [--epochs N]

A DataLoader with one transform an image, float32, two threads, and a test pass after every epoch. It knows of critlab
only what the question is: the runs, their learning rates and windows, the images and the network. It writes one JSON
document: for each run the test accuracy after every epoch, and the seconds of it all. ``--epochs`` stops after so many
epochs of the first run, which is enough for the time of one.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, pad
from torch.utils.data import DataLoader, Dataset

from critlab.data import load
from critlab.data.image_set import ImageSet
from critlab.deficits import Blur
from critlab.study import read_study
from critlab.study.runs.recipe import recipes
from critlab.study.runs.run import Run
from critlab.study.study import Study

TEST_BATCH = 500


class Transformed(Dataset[tuple[Tensor, int]]):
    """Training images, each through its transforms when it is asked for.

    Args:
        images: the training set.
        flip: mirror with probability one half.
        shift: move by up to so many pixels along both axes, the mean colour where nothing is left.
        blur: scale down and up by this factor; 1 for not.
    """

    def __init__(self, images: ImageSet, flip: bool, shift: int, blur: int) -> None:
        self.images, self.labels = images.train_images, images.train_labels
        self.mean = torch.from_numpy(images.mean).reshape(-1, 1, 1)
        self.std = torch.from_numpy(images.std).reshape(-1, 1, 1)
        self.flip, self.shift, self.blur = flip, shift, blur

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = torch.from_numpy(self.images[index]).float().div(255)
        if self.flip and torch.rand(()) < 0.5:
            image = image.flip(-1)
        if self.shift:
            image = self._moved(image)
        if self.blur > 1:
            image = blurred(image, self.blur)
        return (image - self.mean) / self.std, int(self.labels[index])

    def _moved(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        top, left = torch.randint(0, 2 * self.shift + 1, (2,)).tolist()
        wide = pad(image - self.mean, [self.shift] * 4) + self.mean
        return wide[:, top : top + height, left : left + width]


def blurred(image: Tensor, factor: int) -> Tensor:
    """``(channels, height, width)`` scaled down and up, bilinearly with antialiasing."""
    size = image.shape[-2:]
    small = interpolate(image[None], [max(1, side // factor) for side in size], mode="bilinear", antialias=True)
    return interpolate(small, size, mode="bilinear", antialias=True)[0].clamp(0, 1)


class PlainRun:
    """One network from its first epoch to its last."""

    def __init__(self, study: Study, images: ImageSet, loader_workers: int) -> None:
        assert isinstance(study.deficit, Blur), "this loop knows one deficit"
        self.study, self.images = study, images
        flip, shift = (study.augment.flip, study.augment.shift) if study.augment else (False, 0)
        self.loaders = {
            factor: DataLoader(
                Transformed(images, flip, shift, factor),
                batch_size=study.optimizer.batch,
                shuffle=True,
                num_workers=loader_workers,
                persistent_workers=loader_workers > 0,
            )
            for factor in (1, study.deficit.factor)
        }
        mean, std = (torch.from_numpy(value).reshape(-1, 1, 1) for value in (images.mean, images.std))
        self.test_images = (torch.from_numpy(images.test_images).float() / 255 - mean) / std
        self.test_labels = torch.from_numpy(images.test_labels)

    def train(self, run: Run, seed: int, most: int | None) -> list[float]:
        """The test accuracy after every epoch."""
        torch.manual_seed(seed)
        chosen = self.study.optimizer
        model = self.study.model.build(self.images.train_images.shape[1:], self.images.classes)
        optimizer = torch.optim.SGD(
            model.parameters(), chosen.lr, momentum=chosen.momentum or 0.0, weight_decay=chosen.weight_decay
        )
        accuracies = []
        for recipe in recipes(run, self.study)[:most]:
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr
            self._epoch(
                model, optimizer, self.loaders[recipe.deficit.factor if isinstance(recipe.deficit, Blur) else 1]
            )
            accuracies.append(self._accuracy(model))
        return accuracies

    def _epoch(self, model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader[Any]) -> None:
        model.train()
        for images, labels in loader:
            optimizer.zero_grad(set_to_none=True)
            cross_entropy(model(images), labels).backward()
            optimizer.step()

    @torch.no_grad()
    def _accuracy(self, model: nn.Module) -> float:
        model.eval()
        pairs = zip(self.test_images.split(TEST_BATCH), self.test_labels.split(TEST_BATCH), strict=True)
        right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in pairs)
        return right / len(self.test_labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--loader-workers", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    began = time.perf_counter()
    study = read_study(arguments.study)
    loop = PlainRun(study, load(study.data, arguments.data), arguments.loader_workers)
    runs, seeds = (study.runs, study.seeds) if arguments.epochs is None else (study.runs[-1:], study.seeds[:1])
    found = [
        {"at": run.at, "seed": seed, "accuracy": loop.train(run, seed, arguments.epochs)}
        for seed in seeds
        for run in runs
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"runs": found, "seconds": time.perf_counter() - began, "peak_mb": peak / 1024}))


if __name__ == "__main__":
    main()
