"""The files and studies of docs/how_to/tasks.md: a tiny one of every task, learned within seconds on one core."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from paths import DOCS

TEXT = (DOCS / "how_to/tasks.md").read_text(encoding="utf-8")
STUDIES = {
    re.findall(r'name = "(\w+)"', block)[0]: block for block in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
}
"""Study files by their name: ill, rare, findings, houses, scenes, text and prices."""


def write_files() -> None:
    """The files that the page makes, in the working folder."""
    for program in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        named = re.match(r"# (\w+\.py)\n", program)
        Path(named[1] if named else "files.py").write_text(program)
    runpy.run_path("files.py")
