"""Who does the work: tasks, agenda, claims, worker processes, Ray, signals, plan, verify, gc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.lazy import submodules

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
