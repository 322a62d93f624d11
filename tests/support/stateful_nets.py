"""Networks with habits that make a run from a checkpoint another one: held by the checkpoint, or refused by name."""

from __future__ import annotations

import itertools
import os
import random
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

STEPS = 0
SEEN: list[int] = []


class Habit(nn.Module):
    """A linear layer whose logits are multiplied by what :meth:`factor` gives."""

    hidden: Any
    out: Any

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(inputs, 6), nn.Linear(6, classes)
        self.begin()

    def begin(self) -> None: ...

    def factor(self, x: Tensor) -> Any:
        return 1.0

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(torch.relu(self.hidden(x.flatten(1)))) * self.factor(x)
        return logits


class Number(Habit):
    steps = 0

    def factor(self, x: Tensor) -> Any:
        self.steps += self.training
        return min(self.steps / 8, 1.0)


class Late(Number):
    """Matters long after any rehearsal."""

    def factor(self, x: Tensor) -> Any:
        self.steps += self.training
        return 1.0 if self.steps < 7 else 0.5


class Hidden(Habit):
    seen: Tensor

    def begin(self) -> None:
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def factor(self, x: Tensor) -> Any:
        self.seen += self.training
        return (self.seen / 8).clamp(max=1)


class Plain(Habit):
    def begin(self) -> None:
        self.mean = torch.ones(())

    def factor(self, x: Tensor) -> Any:
        self.mean = 0.9 * self.mean + 0.1 * self.out.weight.detach().abs().mean()
        return self.mean


class Lists(Habit):
    def begin(self) -> None:
        self.past: list[float] = []
        self.last: deque[Tensor] = deque(maxlen=3)
        self.by_name: dict[str, Any] = {"counts": {"seen": 0}}
        self.kinds = {0}

    def factor(self, x: Tensor) -> Any:
        self.past.append(float(len(self.past)))
        self.last.append(x.detach().mean())
        self.by_name["counts"]["seen"] += 1
        self.kinds.add(len(self.past))
        assert self.last.maxlen == 3
        return 1 / (1 + len(self.past) + self.by_name["counts"]["seen"] + len(self.kinds) + abs(sum(self.last)))


class Schedule:
    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> float:
        self.at += 1
        return 1 / self.at


class Nested(Habit):
    def begin(self) -> None:
        self.schedule = Schedule()

    def factor(self, x: Tensor) -> Any:
        return self.schedule()


class Generators(Habit):
    def begin(self) -> None:
        self.torch = torch.Generator().manual_seed(1)
        self.numpy, self.old, self.python = np.random.default_rng(1), np.random.RandomState(1), random.Random(1)

    def factor(self, x: Tensor) -> Any:
        drawn = self.numpy.random() + self.old.random_sample() + self.python.random()
        return drawn + float(torch.rand((), generator=self.torch))


class Draws(Habit):
    def factor(self, x: Tensor) -> Any:
        return random.random() + np.random.random() + float(torch.rand(()))


class Tested(Habit):
    """Counts tests too, so that measuring would change training."""

    tests = 0

    def factor(self, x: Tensor) -> Any:
        self.tests += not self.training
        return 1 / (1 + self.tests)


class Freezing(Number):
    def factor(self, x: Tensor) -> Any:
        self.steps += self.training
        self.hidden.requires_grad_(self.steps < 4)
        return 1.0


class Extra(Number):
    def get_extra_state(self) -> Any:
        return {"steps": self.steps, "names": ("a", "b")}

    def set_extra_state(self, state: Any) -> None:
        assert state["names"] == ("a", "b")
        self.steps = state["steps"]


class Tied(Habit):
    def begin(self) -> None:
        self.again = nn.Linear(self.hidden.in_features, 6)
        self.again.weight = self.hidden.weight

    def factor(self, x: Tensor) -> Any:
        return self.again(x.flatten(1)).mean()


class Empty(Habit):
    def begin(self) -> None:
        self.nothing = nn.Parameter(torch.empty(0, 3))
        self.register_buffer("none", None)


class Complex(Habit):
    def begin(self) -> None:
        self.phase = nn.Parameter(torch.randn(6, dtype=torch.complex64))

    def factor(self, x: Tensor) -> Any:
        return self.phase.abs().mean()


class Half(Habit):
    eighth: Tensor

    def begin(self) -> None:
        self.scale = nn.Parameter(torch.ones((), dtype=torch.bfloat16))
        self.register_buffer("eighth", torch.ones(3).to(torch.float8_e4m3fn))

    def factor(self, x: Tensor) -> Any:
        return self.scale.float() * self.eighth.float().mean()


class Normed(Habit):
    def begin(self) -> None:
        self.hidden = parametrizations.spectral_norm(self.hidden)
        self.out = parametrizations.weight_norm(self.out)


class OldNormed(Habit):
    def begin(self) -> None:
        self.hidden = nn.utils.spectral_norm(self.hidden)


class Orthogonal(Habit):
    def begin(self) -> None:
        self.hidden = parametrizations.orthogonal(self.hidden)


class Lazy(Habit):
    def begin(self) -> None:
        self.hidden = nn.LazyLinear(6)
        self.norm = nn.LazyBatchNorm1d()

    def factor(self, x: Tensor) -> Any:
        return self.norm(x.flatten(1)).mean()


class Hooked(Habit):
    def begin(self) -> None:
        self.hooked = 0
        self.register_forward_pre_hook(self._count)

    @staticmethod
    def _count(module: Any, inputs: Any) -> None:
        module.hooked += 1

    def factor(self, x: Tensor) -> Any:
        return 1 / self.hooked


class Recurrent(Habit):
    def begin(self) -> None:
        self.read = nn.GRU(4, 6, batch_first=True)
        self.drop = nn.Dropout(0.3)

    def factor(self, x: Tensor) -> Any:
        return self.drop(self.read(x.flatten(1)[:, :8].reshape(-1, 2, 4))[1][0]).mean()


HELD = (
    Number,
    Late,
    Hidden,
    Plain,
    Lists,
    Nested,
    Generators,
    Draws,
    Tested,
    Freezing,
    Extra,
    Tied,
    Empty,
    Complex,
    Half,
    Normed,
    OldNormed,
    Orthogonal,
    Lazy,
    Hooked,
    Recurrent,
)


class Global(Habit):
    def factor(self, x: Tensor) -> Any:
        global STEPS
        STEPS += 1
        return 1.0


class GlobalList(Habit):
    def factor(self, x: Tensor) -> Any:
        SEEN.append(len(SEEN))
        return 1.0


class OfTheClass(Habit):
    calls = 0

    def factor(self, x: Tensor) -> Any:
        OfTheClass.calls += 1
        return 1.0


class Entropy(Habit):
    def factor(self, x: Tensor) -> Any:
        return int.from_bytes(os.urandom(4), "little") / 2**32


class Unseeded(Habit):
    def begin(self) -> None:
        self.out.bias.data += float(np.random.default_rng().random())


class Iterates(Habit):
    def begin(self) -> None:
        self.turn: Iterator[int] = itertools.count(1)

    def factor(self, x: Tensor) -> Any:
        return 1 / next(self.turn)


class Grows(Habit):
    def factor(self, x: Tensor) -> Any:
        if not hasattr(self, "late"):
            self.late = nn.Parameter(torch.ones(()))
        return self.late


class Sparse(Habit):
    def begin(self) -> None:
        self.register_buffer("table", torch.eye(3).to_sparse())


class Quantised(Habit):
    def begin(self) -> None:
        self.register_buffer("table", torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8))


class Object(Habit):
    def get_extra_state(self) -> Any:
        return Schedule()

    def set_extra_state(self, state: Any) -> None: ...


REFUSED = {
    Global: "stateful_nets.STEPS",
    GlobalList: "stateful_nets.SEEN",
    OfTheClass: "stateful_nets.OfTheClass.calls",
    Entropy: "parameter 'hidden.weight'",
    Unseeded: "parameter 'out.bias'",
    Iterates: "parameter 'hidden.weight'",
    Grows: "late",
    Sparse: "table: is sparse_coo",
    Quantised: "table: is quantised",
    Object: "_extra_state",
}


def build(shape: tuple[int, ...], classes: int, kind: str) -> nn.Module:
    made: nn.Module = globals()[kind](int(np.prod(shape)), classes)
    return made
