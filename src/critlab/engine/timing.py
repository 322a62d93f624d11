"""What an epoch costs on this machine: remembered from the last run, or measured now."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from critlab.digest import digest
from critlab.engine.writing import provenance
from critlab.store import atomic
from critlab.study.measurement import TEST, Measurement, options_of
from critlab.study.origin import Numerics
from critlab.study.recipe import recipes
from critlab.study.study import Base, Study

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

TIMED_STEPS = 4


def _remembered() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("critlab") / "timings.json"


def _key(base: Base, numerics: Numerics) -> str:
    known = provenance()
    machine = [known["processor"], known["cores"], known["torch"]]
    parts = Base.model_fields.keys()
    return digest("timing", base.model_dump(mode="json", include=set(parts)), numerics.model_dump(), machine)


def recall(base: Base, numerics: Numerics) -> float | None:
    """Worker-seconds of one epoch with its measures, as last seen on this machine; None where it was never seen."""
    try:
        known = json.loads(_remembered().read_text())
    except (OSError, ValueError):
        return None
    seconds = known.get(_key(base, numerics)) if isinstance(known, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else None


def remember(base: Base, numerics: Numerics, seconds: float) -> None:
    """Keeps the worker-seconds of one epoch for :func:`recall`; a cache folder that cannot be written is no error."""
    path = _remembered()
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    try:
        atomic.write(path, json.dumps({**known, _key(base, numerics): seconds}, indent=1).encode())
    except OSError:
        return


def measure(study: Study, images: ImageSet, numerics: Numerics) -> float:
    """Worker-seconds of one epoch with its measures, from a few timed steps now.

    Args:
        study: whose first deprived run is timed.
        images: the study's images.
        numerics: how numbers are computed.
    """
    import torch

    from critlab.training.learner import NetworkLearner
    from critlab.training.loop import train_epoch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        learner = NetworkLearner(study, images, numerics)
        state = learner.start({"seed": study.seeds[0]})
        recipe = recipes(study.runs[-1], study.optimizer, study.augment)[0]
        batch = study.optimizer.batch

        def steps(count: int) -> float:
            began = time.perf_counter()
            length = min(count * batch, len(images.train_labels))
            train_epoch(
                state.model,
                state.optimizer,
                learner.examples,
                recipe,
                seed=0,
                epoch=0,
                length=length,
                batch=batch,
            )
            return (time.perf_counter() - began) / length

        steps(1)
        seconds = steps(TIMED_STEPS) * learner.length
        return seconds + sum(_reading(learner, state, study, name) for name in (TEST, *study.measures))
    finally:
        torch.set_num_threads(threads)


def _reading(learner: Any, state: Any, study: Study, name: str) -> float:
    options = options_of(study, name)
    began = time.perf_counter()
    learner.measure(state, Measurement(name, options, None))
    return (time.perf_counter() - began) / options.every
