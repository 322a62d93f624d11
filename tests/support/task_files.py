"""Tiny files and study files for every task: each is learned within a few epochs on one core."""

from __future__ import annotations

from pathlib import Path

import numpy as np

COMMON = """
seeds = 3
precision = "float32"
sweep = { kind = "removal", at = [0, 2, 4], recovery = 2 }
statistics = { final_epochs = 1 }
evaluation = { every = 10 }
"""
VECTORS = 'inputs = "x.npy", labels = "y.npy", range = "standardised", split = { test = 0.25 }'
IMAGES = 'inputs = "x.npy", labels = "y.npy", layout = "channels_first", split = { test = 0.25 }'
MLP = 'model = { name = "mlp", hidden = [16], batch_norm = false }'
ADAM = 'optimizer = { name = "adam", lr = 0.01, batch = 20, clock = "constant" }'

STUDIES = {
    "binary": f"""
task = "binary"
data = {{ name = "arrays", {VECTORS} }}
{MLP}
{ADAM}
deficit = {{ name = "label_permutation" }}
""",
    "imbalanced": f"""
task = {{ name = "classification", metric = "balanced_accuracy" }}
data = {{ name = "arrays", {VECTORS} }}
{MLP}
{ADAM}
deficit = {{ name = "swap_noise", share = 1.0 }}
""",
    "multi_label": f"""
task = "multi_label"
data = {{ name = "arrays", {VECTORS} }}
{MLP}
{ADAM}
deficit = {{ name = "label_permutation" }}
""",
    "regression": f"""
task = "regression"
data = {{ name = "table", path = "t.csv", label = "y", split = {{ test = 0.25 }} }}
{MLP}
{ADAM}
deficit = {{ name = "label_shuffle" }}
controls = {{ deficits = [{{ name = "swap_noise", share = 0.3 }}] }}
""",
    "segmentation": f"""
task = {{ name = "segmentation", ignored = 255 }}
data = {{ name = "arrays", {IMAGES} }}
model = {{ name = "fully_convolutional", width = 6, blocks = 2 }}
optimizer = {{ name = "adam", lr = 0.02, batch = 20, clock = "constant" }}
augment = {{ flip = true, shift = 1 }}
deficit = {{ name = "blur", factor = 4 }}
""",
    "language_modelling": """
task = "language_modelling"
data = { name = "tokens", inputs = "x.npy", vocabulary = 7, padding = 6, split = { test = 0.25 } }
model = { name = "token_transformer", vocabulary = 7, padding = 6, width = 8, blocks = 1, per_token = true }
optimizer = { name = "adam", lr = 0.03, batch = 20, clock = "constant" }
deficit = { name = "token_shuffle", window = 8 }
""",
}
"""A study of each task, without its name and what all have in common."""


def study_text(task: str) -> str:
    """The study file of one task."""
    return f'name = "{task}"\n{COMMON}{STUDIES[task]}'


def write_files(task: str, folder: Path) -> None:
    """The data and the study file of one task."""
    random = np.random.default_rng(0)
    x = random.standard_normal((120, 4)).astype(np.float32)
    if task in ("binary", "imbalanced"):
        y = (x[:, 0] + 0.5 * x[:, 1] > (0.0 if task == "binary" else 0.9)).astype(np.int64)
    elif task == "multi_label":
        y = (x[:, :3] > 0).astype(np.int64)
    elif task == "regression":
        target = 40 + 10 * x[:, 0] + 5 * x[:, 1]
        rows = [",".join(f"{value:.5f}" for value in (*row, one)) for row, one in zip(x, target, strict=True)]
        (folder / "t.csv").write_text("a,b,c,d,y\n" + "\n".join(rows) + "\n")
    elif task == "segmentation":
        x = random.random((80, 1, 8, 8)).astype(np.float32)
        y = (x[:, 0] > 0.5).astype(np.uint8)
        y[:, 0] = 255
    else:
        first = random.integers(6, size=(80, 1))
        x = (first + np.arange(8)) % 6
        x[::2, 6:] = 6
    if task != "regression":
        np.save(folder / "x.npy", x)
    if task not in ("regression", "language_modelling"):
        np.save(folder / "y.npy", y)
    (folder / "study.toml").write_text(study_text(task))
