"""Where a state comes from, and so what it is called: H(origin, path)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab._core.digest import digest
from critlab._core.spec import Spec
from critlab._core.user_code.identity import NOTHING, renamed
from critlab.learning_tasks import CLASSIFICATION, training_identity
from critlab.study.study import Setup

TRAINING_VERSION = 1
"""Raised whenever the training loop's results change."""


WORTH = 1.3
"""How many times faster a step in bfloat16 must be to be chosen; below, its coarser numbers buy too little."""


class Numerics(Spec):
    """How numbers are computed; decided once for each study and store."""

    precision: str = "float32"
    layout: str = "channels_last"
    compile: bool = False
    lanes: int = 1


def origin(
    base: Setup, seed: int, fingerprint: str, numerics: Numerics, adopted: Mapping[str, str] = NOTHING
) -> dict[str, Any]:
    """What a run starts from, as the JSON values that name it.

    Args:
        base: data, model and optimiser.
        seed: the run's seed.
        fingerprint: content hash of the training and test images in use.
        numerics: how numbers are computed.
        adopted: digests of own code, and those by which the store has named it already.
    """
    return {
        "seed": seed,
        "data": {**base.data.identity(), "content": fingerprint},
        "model": renamed(base.model.identity(), adopted),
        "optimizer": renamed(base.optimizer.named(), adopted),
        "numerics": numerics.identity(),
        "training": TRAINING_VERSION,
        **_task(base, adopted),
    }


def _task(base: Setup, adopted: Mapping[str, str]) -> dict[str, Any]:
    """The task without its metric, on which training does not depend; nothing for the one that all studies had once."""
    named = training_identity(base.task)
    return {} if named == training_identity(CLASSIFICATION) else {"task": renamed(named, adopted)}


def state_name(origin_digest: str, path: str) -> str:
    """The name of the state at ``path`` of a run from that origin (64 hexadecimal characters)."""
    return digest("state", origin_digest, path)
