"""What an epoch, a step, a start and a checkpoint cost on this machine, as remembered from the last run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from critlab._core.digest import digest
from critlab.data.data_set import OwnDataSet
from critlab.engine.planning.processors import abilities
from critlab.engine.records.provenance import provenance
from critlab.store.disk import atomic
from critlab.study.runs.origin import Numerics
from critlab.study.study import Setup


def _remembered() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("critlab") / "timings.json"


def _machine() -> list[Any]:
    known = provenance()
    return [known["processor"], known["cores"], known["torch"], abilities()]


def _key(base: Setup, numerics: Numerics) -> str:
    parts = Setup.model_fields.keys()
    return digest("timing", base.model_dump(mode="json", include=set(parts)), numerics.model_dump(), _machine())


def _steps_key(base: Setup, device: str) -> str:
    """Of what makes a step dear: two studies that differ in nothing else are computed in the same way."""
    plain = base.model_dump(mode="json")
    parts = [plain["data"]["name"], plain["data"]["pad"], plain["model"], plain["augment"]]
    if isinstance(base.data.options, OwnDataSet):  # they decide how large an example is
        parts.append(base.data.options.special())
    return digest("step", parts, base.optimizer.name, base.optimizer.batch, device, _machine())


def recall(base: Setup, numerics: Numerics) -> float | None:
    """Worker-seconds of one epoch with its measures, as last seen on this machine; None where it was never seen."""
    seconds = _known().get(_key(base, numerics))
    return float(seconds) if isinstance(seconds, int | float) else None


def remember(base: Setup, numerics: Numerics, seconds: float) -> None:
    """Keeps the worker-seconds of one epoch for :func:`recall`; a cache folder that cannot be written is no error."""
    _keep(_key(base, numerics), seconds)


def recall_steps(base: Setup, device: str) -> dict[str, float] | None:
    """Seconds of a step by precision, as once timed on this machine; None where they never were."""
    found = _known().get(_steps_key(base, device))
    if not isinstance(found, dict) or found.keys() != {"float32", "bfloat16"}:
        return None
    return found if all(isinstance(value, float) and value > 0 for value in found.values()) else None


def remember_steps(base: Setup, device: str, seconds: Mapping[str, float]) -> None:
    """Keep the result of :func:`recall_steps`, so that a study has the same precision in each run under any load."""
    _keep(_steps_key(base, device), dict(seconds))


class Start(NamedTuple):
    """What comes before the first step: seconds until the command has the data, and until its workers are ready."""

    command: float
    workers: float


def recall_start(base: Setup) -> Start | None:
    """How long studies of these data took to start, as last measured on this machine; None where it never was."""
    found = _known().get(_start_key(base))
    return Start(*found) if isinstance(found, list) and len(found) == len(Start._fields) else None


def remember_start(base: Setup, start: Start) -> None:
    """Keeps what :func:`recall_start` gives."""
    _keep(_start_key(base), list(start))


def _start_key(base: Setup) -> str:
    return digest("start", base.data.model_dump(mode="json"), _machine())


def recall_state_bytes(base: Setup) -> int | None:
    """Bytes of a checkpoint, as once counted on the built model; None where it never was built by ``plan``."""
    size = _known().get(_state_key(base))
    return size if isinstance(size, int) and size > 0 else None


def remember_state_bytes(base: Setup, size: int) -> None:
    """Keep the result of :func:`recall_state_bytes`, for models and data that only a user's code knows."""
    _keep(_state_key(base), size)


def _state_key(base: Setup) -> str:
    """Of what makes the size: the data, the model and the optimiser, a user's own code by its digest."""
    averaged = base.evaluation.ema is not None
    return digest("state", base.data.identity(), base.model.identity(), base.optimizer.named(), averaged)


def _known() -> dict[str, Any]:
    try:
        known = json.loads(_remembered().read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _keep(key: str, value: Any) -> None:
    try:
        atomic.write(_remembered(), json.dumps({**_known(), key: value}, indent=1).encode())
    except OSError:
        return
