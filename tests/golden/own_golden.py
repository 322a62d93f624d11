"""A user's own model and data for the golden store."""

import numpy as np
from torch import nn

WIDTH = 3


class Net(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.hidden, self.out = nn.Linear(inputs, WIDTH), nn.Linear(WIDTH, classes)

    def forward(self, x):
        return self.out(self.hidden(x.flatten(1)).relu())


def build(shape, classes):
    return Net(shape[0] * shape[1] * shape[2], classes)


def data():
    numbers = np.random.default_rng(0)
    return tuple((numbers.random((n, 1, 4, 4)).astype(np.float32), np.arange(n) % 3) for n in (60, 30))
