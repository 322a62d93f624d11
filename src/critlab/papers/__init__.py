"""The figures of the four papers, each one file: what it asks, what is trained or computed, and what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.loading.lazy import submodules
from critlab.papers.critical_periods.setup import all_cnn_cifar10 as all_cnn_cifar10
from critlab.papers.figure import Figure as Figure
from critlab.papers.figure import Published as Published
from critlab.papers.registry import FIGURES as FIGURES
from critlab.papers.registry import find_study as find_study

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
