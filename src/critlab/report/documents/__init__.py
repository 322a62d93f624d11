"""Results as text that programs read: JSON documents, a study's TOML, short forms for a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
