"""Versions and machine, as every record carries them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

from critlab._core.terminal.text import one_line
from critlab._core.version import VERSION


@cache
def provenance() -> Mapping[str, str]:
    """What was run on what: versions and machine, as every record carries them."""
    found = {
        "critlab": VERSION,
        "torch": version("torch"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }
    return {name: one_line(value, 200) for name, value in found.items()}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
