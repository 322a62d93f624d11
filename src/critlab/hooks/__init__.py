"""critlab in a user's own training: watch it, apply a deficit, fork it, measure lasting damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
