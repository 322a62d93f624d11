"""Error rates, power and coverage of a study's own design. Simulated studies are judged as real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
