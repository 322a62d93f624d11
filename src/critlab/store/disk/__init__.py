"""Files of a store: bounded reads, atomic writes, locks, a trash folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
