"""Networks of a user's own that cannot be trained on images of 28 x 28 with 10 classes, or not well."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

PIXELS = 28 * 28


class Mistaken(nn.Module):
    """A linear map whose ``forward`` is wrong."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(PIXELS, classes)

    def forward(self, images: Tensor) -> Any:
        return self.linear(images.flatten(1)[:, :10])


class Detached(Mistaken):
    def forward(self, images: Tensor) -> Any:
        return self.linear(images.flatten(1)).detach()


class OnlyTrains(Mistaken):
    def forward(self, images: Tensor) -> Any:
        if not self.training:
            raise ValueError("no test")
        return self.linear(images.flatten(1))


class InATuple(Mistaken):
    def forward(self, images: Tensor) -> Any:
        return (self.linear(images.flatten(1)),)


def build(example_shape: tuple[int, ...], classes: int, kind: str) -> Any:
    """The network called ``kind``."""
    flat = nn.Flatten()
    made: dict[str, Callable[[], Any]] = {
        "wrong_size": lambda: nn.Sequential(flat, nn.Linear(10, classes)),
        "mistaken": lambda: Mistaken(classes),
        "detached": lambda: Detached(classes),
        "only_trains": lambda: OnlyTrains(classes),
        "in_a_tuple": lambda: InATuple(classes),
        "few_outputs": lambda: nn.Sequential(flat, nn.Linear(PIXELS, classes - 3)),
        "many_outputs": lambda: nn.Sequential(flat, nn.Linear(PIXELS, classes + 3)),
        "softmax": lambda: nn.Sequential(flat, nn.Linear(PIXELS, classes), nn.Softmax(-1)),
        "double": lambda: nn.Sequential(flat, nn.Linear(PIXELS, classes)).double(),
        "no_batch": lambda: nn.Sequential(nn.Flatten(0), nn.Linear(PIXELS, classes)),
        "meta": lambda: nn.Sequential(flat, nn.Linear(PIXELS, classes, device="meta")),
        "nothing_to_train": lambda: flat,
        "frozen": lambda: nn.Sequential(flat, nn.Linear(PIXELS, classes)).requires_grad_(False),
        "ends_python": lambda: sys.exit(3),
        "sound": lambda: nn.Sequential(flat, nn.Linear(PIXELS, classes)),
        "nothing": lambda: None,
        "raises": lambda: [][0],
    }
    return made[kind]()
