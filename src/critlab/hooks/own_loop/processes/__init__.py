"""A user's own loop in other processes: the parts of the work, and how values travel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
