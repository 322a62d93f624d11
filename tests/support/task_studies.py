"""A tiny study of every task but classification, on 30 examples in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from critlab.study import Study

TASKS: dict[str, Any] = {
    "binary": {"name": "binary"},
    "multi_label": {"name": "multi_label"},
    "regression": {"name": "regression"},
    "vector": {"name": "regression", "learned_variance": True},
    "segmentation": {"name": "segmentation", "ignored": 255},
    "language_modelling": {"name": "language_modelling"},
}


def files(folder: Path, task: str) -> dict[str, Any]:
    """The data of a study of that task: 30 examples."""
    generator = np.random.default_rng(0)
    images = generator.random((30, 1, 6, 6), dtype=np.float32)
    labels: dict[str, Any] = {
        "binary": np.arange(30) % 2,
        "multi_label": generator.integers(0, 2, (30, 3)),
        "regression": images.mean((1, 2, 3)),
        "vector": images[:, 0, 0, :2],
        "segmentation": np.where(images[:, 0] > 0.9, 255, images[:, 0] > 0.5).astype(np.int64),
        "language_modelling": None,
    }
    if task == "language_modelling":
        np.savez(folder / "data.npz", x=generator.integers(1, 5, (30, 6)))
        return {"name": "tokens", "inputs": "data.npz:x", "split": {"test": 0.3}, "vocabulary": 5, "padding": 0}
    np.savez(folder / "data.npz", x=images, y=labels[task])
    return {"name": "arrays", "inputs": "data.npz:x", "labels": "data.npz:y", "split": {"test": 0.3}}


MODELS: dict[str, Any] = {
    "segmentation": {"name": "fully_convolutional", "width": 4, "blocks": 1},
    "language_modelling": {
        "name": "token_transformer",
        "width": 8,
        "blocks": 1,
        "vocabulary": 5,
        "padding": 0,
        "per_token": True,
    },
}


def study(task: str, data: dict[str, Any], parts: dict[str, Any] | None = None, **measures: Any) -> Study:
    model = MODELS.get(task, {"name": "mlp", "hidden": [6]})
    deficit = {"name": "token_shuffle", "window": 2} if task == "language_modelling" else {"name": "noise"}
    return Study.read(
        {
            "name": f"of-{task.replace('_', '-')}",
            "seeds": 1,
            "precision": "float32",
            "data": data,
            "task": TASKS[task],
            "model": model,
            "optimizer": {"name": "sgd", "lr": 0.01, "batch": 10},
            "deficit": deficit,
            "sweep": {"kind": "removal", "at": [0], "recovery": 1},
            "measures": measures,
            **(parts or {}),
        },
        "study",
    )
