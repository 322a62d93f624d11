"""A tiny study of every task on files of 24 pictures, vectors or sequences, for the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from command import Answer, Command

COUNT = 24
STUDY = """
name = "hostile"
seeds = 1
precision = "float32"

[task]
{task}

[data]
{data}

[model]
{model}

[optimizer]
name = "sgd"
lr = 0.01
batch = 6

[deficit]
{deficit}

[sweep]
kind = "removal"
at = [0]
recovery = 1

[controls]
delay = false
clocks = []
"""
ARRAYS = 'name = "arrays"\ninputs = "data.npz:x"\nlabels = "data.npz:y"\nsplit = { test = 0.5 }\nlayout = "grey"'
APART = (
    'name = "arrays"\ninputs = "data.npz:x"\nlabels = "data.npz:y"\ntest_inputs = "data.npz:x"\n'
    'test_labels = "data.npz:test"\nlayout = "grey"'
)
TOKENS = 'name = "tokens"\ninputs = "data.npz:x"\nsplit = {{ test = 0.5 }}\nvocabulary = {}\n{}'
MLP = 'name = "mlp"\nhidden = [4]\nbatch_norm = false'
DENSE = 'name = "fully_convolutional"\nwidth = 4\nblocks = 1'
WORDS = 'name = "token_transformer"\nwidth = 8\nblocks = 1\nper_token = true\nvocabulary = {}\n{}'

Labels = NDArray[Any]


def chance() -> np.random.Generator:
    return np.random.default_rng(0)


GOOD: dict[str, Callable[[], Labels]] = {
    "classification": lambda: np.arange(COUNT) % 3,
    "binary": lambda: np.arange(COUNT) % 2,
    "multi_label": lambda: chance().integers(0, 2, (COUNT, 3)),
    "regression": lambda: np.linspace(-3.0, 5.0, COUNT, dtype=np.float32),
    "segmentation": lambda: chance().integers(0, 3, (COUNT, 6, 6)),
}


def pictures() -> Labels:
    return chance().random((COUNT, 6, 6), dtype=np.float32)


def write(task: str, labels: Labels, options: str = "", data: str = ARRAYS, test: Labels | None = None) -> None:
    """The study and its data in the working folder."""
    np.savez("data.npz", x=pictures(), y=labels, test=labels if test is None else test)
    model = DENSE if task == "segmentation" else MLP
    told = STUDY.format(task=f'name = "{task}"\n{options}', data=data, model=model, deficit='name = "label_shuffle"')
    Path("study.toml").write_text(told)


def run(critlab: Command, command: str = "run") -> Answer:
    more = {"run": ["--engine", "inline", "--device", "cpu"], "plan": ["--measure"]}[command]
    return critlab(command, "study.toml", "--store", "store", *more)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
