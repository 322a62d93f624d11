"""What an epoch and a step cost on this machine: remembered from the last run, or measured now."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from critlab._core.digest import digest
from critlab.engine.planning.processors import abilities
from critlab.engine.records.provenance import provenance
from critlab.store import atomic
from critlab.study.measurement import Measurement, options_of, scheduled_measures
from critlab.study.origin import Numerics
from critlab.study.recipe import Recipe, recipes
from critlab.study.study import Setup, Study
from critlab.study.tree import build

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

TIMED_STEPS = 4


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


def measure(study: Study, images: ImageSet, numerics: Numerics) -> float:
    """Worker-seconds of one epoch with its measures, from a few timed steps now.

    Args:
        study: whose first deprived run is timed.
        images: the study's images.
        numerics: how numbers are computed.
    """
    from critlab._core.threads import one_thread
    from critlab.training.learner import NetworkLearner

    with one_thread():
        learner = NetworkLearner(study, images, numerics)
        whole, state = learner.length, learner.start({"seed": study.seeds[0]})
        recipe = recipes(study.runs[-1], study)[0]

        def an_image(steps: int) -> float:
            learner.length = min(steps * study.optimizer.batch, whole)
            began = time.perf_counter()
            learner.advance(state, recipe, 0)
            return (time.perf_counter() - began) / learner.length

        an_image(1)
        seconds = an_image(TIMED_STEPS) * whole
        learner.length = whole
        often, epochs = _often(study)
        return seconds + sum(_reading(learner, state, study, recipe, name) * often[name] / epochs for name in often)


def _often(study: Study) -> tuple[Counter[str], int]:
    """How often each measure is read in the runs of one seed, and how many epochs these have."""
    tree = build(study)
    return Counter(name for node in tree.nodes.values() for name in scheduled_measures(study, node)), tree.epochs


def _reading(learner: Any, state: Any, study: Study, recipe: Recipe, name: str) -> float:
    began = time.perf_counter()
    learner.measure(state, Measurement(name, options_of(study, name), recipe))
    return time.perf_counter() - began
