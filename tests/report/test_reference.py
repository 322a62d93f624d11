"""docs/reference.md is what the registries say."""

from __future__ import annotations

import runpy

from critlab.cli.catalogue import TABLES
from critlab.papers.registry import FIGURES
from paths import DOCS


def test_the_committed_page_is_what_the_rows_say() -> None:
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(DOCS / "reference.py"))["reference"](), "run python docs/reference.py"
    for name in [*(name for table in TABLES.values() for name in table), *FIGURES]:
        assert f"| `{name}` |" in page, name
