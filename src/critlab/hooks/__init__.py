"""critlab inside somebody else's training: watch it, give it a deficit, fork it, ask whether it was harmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
