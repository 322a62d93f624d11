"""Words about a study as a whole: methods, facts, citations, what is there so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
