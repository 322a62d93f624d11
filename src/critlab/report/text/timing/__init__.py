"""Words for answers about time: when to switch, and how sensitive a training still is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
