"""The names of everything that one study makes: states and readings of every seed."""

from __future__ import annotations

from typing import Any

from critlab.digest import digest
from critlab.study.measurement import read_with, reading_name
from critlab.study.origin import Numerics, origin, state_name
from critlab.study.study import Base


class Names:
    """Names by seed and path.

    Args:
        base: data, model, optimiser and measures.
        fingerprint: content hash of the images in use.
        numerics: how numbers are computed.
    """

    def __init__(self, base: Base, fingerprint: str, numerics: Numerics) -> None:
        self.base, self.fingerprint, self.numerics = base, fingerprint, numerics
        self._shared = origin(base, 0, fingerprint, numerics)
        self._digests: dict[int, str] = {}

    def origin(self, seed: int) -> dict[str, Any]:
        """Where the runs of ``seed`` start from."""
        return {**self._shared, "seed": seed}

    def origin_digest(self, seed: int) -> str:
        """The name of that origin."""
        if seed not in self._digests:
            self._digests[seed] = digest("origin", self.origin(seed))
        return self._digests[seed]

    def state(self, seed: int, path: str) -> str:
        """The name of the state at ``path``."""
        return state_name(self.origin_digest(seed), path)

    def reading(self, seed: int, path: str, measure: str) -> str:
        """The name of one measure's reading of that state."""
        return reading_name(self.state(seed, path), self.base, measure, self.fingerprint)

    def read_with(self, measure: str) -> tuple[dict[str, Any], str]:
        """What names a measure's readings beside the state: the measure, and the images that it is read on."""
        return read_with(self.base, measure, self.fingerprint)
