"""When should the reference manual be mixed into the Python code that a byte-level decoder learns?

The switch takes half of each batch from the manual, ``pydoc_data.topics``. Held-out text is measured in bits per byte.
"""

import math
from functools import cache
from pathlib import Path
from pydoc_data import topics as manual
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import critlab

TOTAL, STEPS, BATCH, LENGTH, WIDTH = 16, 20, 32, 48, 64
MODULES = ("argparse", "ast", "datetime", "difflib", "doctest", "inspect", "tarfile", "typing", "turtle")
Training = dict[str, Any]


@cache
def corpora() -> dict[str, tuple[Tensor, Tensor]]:
    files = [Path(manual.__file__).parents[1] / f"{name}.py" for name in MODULES]
    texts = {"code": "".join(file.read_text() for file in files), "manual": "".join(manual.topics.values())}
    whole = {name: torch.tensor(list(text.encode()[:400_000])) for name, text in texts.items()}
    return {name: (part[: -len(part) // 10], part[-len(part) // 10 :]) for name, part in whole.items()}


def loss(model: nn.ModuleDict, text: Tensor) -> Tensor:
    guesses = model["write"](model["read"](model["embed"](text[:, :-1]))[0])
    return cross_entropy(guesses.flatten(0, 1), text[:, 1:].flatten())


def make(seed: int) -> Training:
    recurrent = nn.GRU(WIDTH, WIDTH, batch_first=True)
    model = nn.ModuleDict({"embed": nn.Embedding(256, WIDTH), "read": recurrent, "write": nn.Linear(WIDTH, 256)})
    return {"model": model, "optimizer": torch.optim.AdamW(model.parameters()), "mixed": False}


def advance(training: Training, epoch: int) -> None:
    training["optimizer"].param_groups[0]["lr"] = 0.004 * (1 + math.cos(math.pi * epoch / TOTAL))
    for _ in range(STEPS):
        names = ["code", "manual"] if training["mixed"] else ["code"]
        parts = [corpora()[name][0].unfold(0, LENGTH + 1, 1) for name in names]
        drawn = [part[torch.randint(len(part), (BATCH // len(names),))] for part in parts]
        training["optimizer"].zero_grad()
        loss(training["model"], torch.cat(drawn)).backward()
        training["optimizer"].step()


@torch.no_grad()
def evaluate(training: Training) -> dict[str, float]:
    held = {name: test.unfold(0, LENGTH + 1, LENGTH + 1)[:400] for name, (_, test) in corpora().items()}
    bits = {name: float(loss(training["model"], text)) / math.log(2) for name, text in held.items()}
    return {"both": sum(bits.values()) / 2, **bits}


def save(training: Training) -> Training:
    return {**training, **{name: training[name].state_dict() for name in ("model", "optimizer")}}


def load(saved: Training) -> Training:
    training = {**make(0), "mixed": saved["mixed"]}
    for name in ("model", "optimizer"):
        training[name].load_state_dict(saved[name])
    return training


def run(store: str = "critlab-store", **options: Any) -> Any:
    goal = dict.fromkeys(("both", "code", "manual"), "min")
    given = {"goal": goal, "seeds": 8, "tolerance": 0.03, "present": 8, "version": "1", "name": "mixture"}
    given |= {"save": save, "load": load, "switch": lambda training, on: training.update(mixed=on), **options}
    return critlab.when(make, advance, evaluate, total=TOTAL, store=store, **given)


if __name__ == "__main__":
    print(run())
