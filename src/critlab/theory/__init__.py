"""The theories of papers 3 and 4: pure functions over arrays, whole sweeps in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
