"""What is known: records and checkpoints as files, named by digest; torch-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules
from critlab.store.store import Store as Store

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
