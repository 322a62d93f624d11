"""The names of everything that one study makes: states and readings of every seed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from critlab._core.digest import digest
from critlab._core.user_code.identity import NOTHING, renamed
from critlab.study.ingredients.measurement import read_with
from critlab.study.runs.origin import Numerics, origin, state_name
from critlab.study.runs.recipe import Recipe
from critlab.study.study import Setup

PRESENT: Mapping[str, int] = MappingProxyType({})
"""Every measure in its present version."""


class StudyIds:
    """Names by seed and path.

    Args:
        base: data, model, optimiser and measures.
        fingerprint: content hash of the images in use.
        numerics: how numbers are computed.
        adopted: digests of own code, and those by which the store has named it already.
        versions: of the measures whose readings are kept from an earlier version, which.
    """

    def __init__(
        self,
        base: Setup,
        fingerprint: str,
        numerics: Numerics,
        adopted: Mapping[str, str] = NOTHING,
        versions: Mapping[str, int] = PRESENT,
    ) -> None:
        self.base, self.fingerprint, self.numerics = base, fingerprint, numerics
        self.adopted, self.versions = adopted, versions
        self._shared = origin(base, 0, fingerprint, numerics, adopted)
        self._digests: dict[int, str] = {}
        self._read_with: dict[str, tuple[dict[str, Any], str]] = {}

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
        return digest("reading", self.state(seed, path), *self.read_with(measure))

    def read_with(self, measure: str) -> tuple[dict[str, Any], str]:
        """What names a measure's readings in addition to the state: the measure, and the images that it is read on."""
        if measure not in self._read_with:
            spec, probe = read_with(self.base, measure, self.fingerprint, self.versions.get(measure))
            self._read_with[measure] = renamed(spec, self.adopted), probe
        return self._read_with[measure]

    def recipe(self, recipe: Recipe) -> dict[str, Any]:
        """The JSON values that name a recipe."""
        named: dict[str, Any] = renamed(recipe.identity(), self.adopted)
        return named
