"""The two data sets of the bench, and the deficits of each: small images, and letters of a made-up language."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from critlab.data.formats.idx import read_sample
from critlab.deficits.images.blur import blur

DEFICITS = {"images": ("blur", "noise", "random_labels"), "tokens": ("shuffle", "noise", "random_labels")}
LETTERS, CONTEXT = 16, 8
TRAIN, TEST = 1000, 2000
"""Training examples of each seed, drawn from a pool that all share, and test examples, the same for all."""


@dataclass(frozen=True)
class Data:
    """Examples float ``(examples, rows, columns)``, labels int64 ``(examples,)``.

    Args:
        name: ``images`` or ``tokens``.
        pool, pool_labels: where training sets are drawn from.
        test, test_labels: for tests alone.
        classes: how many.
    """

    name: str
    pool: Tensor
    pool_labels: Tensor
    test: Tensor
    test_labels: Tensor
    classes: int

    @property
    def example(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pool.shape[1], self.pool.shape[2]

    def training_set(self, seed: int) -> NDArray[np.int64]:
        """Places in the pool of the training examples of a seed."""
        return np.random.default_rng((seed, 1)).permutation(len(self.pool))[:TRAIN]


def images() -> Data:
    """The bundled part of Fashion-MNIST, means of 2 x 2 pixels: 14 x 14, standardised."""
    (train, labels), (test, test_labels) = read_sample(None)  # type: ignore[arg-type]

    def small(pixels: NDArray[np.uint8]) -> Tensor:
        halves = pixels[:, 0].reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255
        return torch.tensor((halves - 0.286) / 0.333, dtype=torch.float32)

    return Data(
        "images",
        small(train),
        torch.tensor(labels.astype(np.int64)),
        small(test[:TEST]),
        torch.tensor(test_labels[:TEST].astype(np.int64)),
        10,
    )


def tokens() -> Data:
    """The next letter after eight of a text: 60 words of two to five letters, each followed by one of four others."""
    random = np.random.default_rng(20)
    words = [random.integers(1, LETTERS, random.integers(2, 6)) for _ in range(60)]
    follows = random.integers(0, 60, (60, 4))
    text: list[int] = []
    word = 0
    while len(text) < 60_000:
        text += [*words[word], 0]
        word = int(follows[word, random.choice(4, p=[0.55, 0.25, 0.15, 0.05])])
    windows = np.lib.stride_tricks.sliding_window_view(np.array(text), CONTEXT + 1)
    train, test = windows[:40_000], windows[45_000:]
    train, test = train[random.permutation(len(train))[:10_000]], test[random.permutation(len(test))[:TEST]]
    return Data("tokens", _one_hot(train), *_labels(train), _one_hot(test), *_labels(test), LETTERS)


def _one_hot(windows: NDArray[np.int64]) -> Tensor:
    return torch.tensor(np.eye(LETTERS, dtype=np.float32)[windows[:, :-1]])


def _labels(windows: NDArray[np.int64]) -> tuple[Tensor]:
    return (torch.tensor(windows[:, -1].copy()),)


def deprived(
    data: Data, deficit: str, examples: Tensor, labels: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A batch ``(networks, batch, rows, columns)`` with its labels ``(networks, batch)`` under a deficit.

    ``blur`` leaves 2 x 2 pixels of an image, ``shuffle`` permutes the letters of each context, ``noise`` replaces every
    example by uniform noise (of letters: by random letters), ``random_labels`` every label.
    """
    if deficit == "random_labels":
        return examples, torch.randint(data.classes, labels.shape, generator=random)
    if deficit == "blur":
        return blur(examples, 7), labels
    if deficit == "shuffle":
        order = torch.rand(examples.shape[:3], generator=random).argsort(-1)
        return examples.gather(2, order[..., None].expand_as(examples)), labels
    if deficit == "noise" and data.name == "images":
        return ((torch.rand(examples.shape, generator=random) - 0.286) / 0.333).to(examples), labels
    if deficit == "noise":
        drawn = torch.randint(LETTERS, examples.shape[:3], generator=random)
        return torch.nn.functional.one_hot(drawn, LETTERS).to(examples), labels
    raise ValueError(f"deficit: received {deficit!r}; must be one of {DEFICITS[data.name]}")
