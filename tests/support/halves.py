"""A trained store with two seeds, in two halves of one seed each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from critlab.store import Store

SMALL: dict[str, Any] = {"seeds": 2, "measures": {"fisher_trace": {"every": 2, "images": 20}}}
"""What the study of the whole store changes in that of :func:`studies.small`."""


def in_halves(whole: Path, folder: Path) -> list[Store]:
    """The whole store with the files of one seed each; the record of the study does not say that all is there."""
    run_of = {path: body["origin"]["seed"] for path, body in bodies(whole, "epochs")}
    states = {path.stem: seed for path, seed in run_of.items()}
    found = []
    for seed in (0, 1):
        half = Store(shutil.copytree(whole, folder / f"half{seed}"))
        for path in [*half.root.rglob("*.json"), *half.root.rglob("*.safetensors")]:
            if states.get(path.stem, seed) != seed:
                path.unlink()
        for path, body in bodies(half.root, "readings"):
            if states.get(body["state"], seed) != seed:
                path.unlink()
        found.append(half)
    return found


def bodies(root: Path, kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The records of a kind."""
    for path in sorted((root / kind).rglob("*.json")):
        yield path, json.loads(path.read_text())["body"]


def files(root: Path) -> dict[str, bytes]:
    """The bytes of everything that results depend on, by path."""
    kinds = ("epochs", "readings", "checkpoints", "studies", "looks")
    return {f"{path.relative_to(root)}": path.read_bytes() for kind in kinds for path in (root / kind).rglob("*.*")}
