"""Small studies for the tests, as plain values and as TOML."""

from __future__ import annotations

import json
from datetime import date, time
from pathlib import Path
from typing import Any

from critlab.study import Study

TOML = """
name = "small"
seeds = 2
precision = "float32"

[data]
name = "sample"
train = 120
test = 60

[model]
name = "mlp"
hidden = [16]

[optimizer]
name = "sgd"
lr = 0.05
lr_decay = 0.9
momentum = 0.9
weight_decay = 0.001
batch = 40

[augment]
flip = true
shift = 2

[deficit]
name = "blur"
factor = 7

[sweep]
kind = "removal"
at = [0, 1, 3]
recovery = 2

[controls]
delay = false
clocks = []

[measures]
fisher_trace = { every = 2, images = 40 }
"""


def small(**changes: Any) -> Study:
    """A study of seconds; ``changes`` replace whole top-level fields."""
    import tomllib

    return Study.read({**tomllib.loads(TOML), **changes}, "small")


def written(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The small study as a file, with parts of its text replaced."""
    text = TOML
    for old, new in replacements:
        assert old in text, f"{old!r} is not in the small study"
        text = text.replace(old, new)
    path = folder / "study.toml"
    path.write_text(text)
    return path


def toml(value: Any) -> str:
    """A plain value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, date | time):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, str | bool) else repr(value)
