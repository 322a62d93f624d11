"""Write each text notebook of ``docs/learn`` as an ``.ipynb`` file next to its page, to be downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def _write(app: Any, error: Exception | None) -> None:
    import nbformat
    from myst_nb.core.read import read_myst_markdown_notebook

    if error is not None:
        return
    for page in sorted((Path(app.srcdir) / "learn").glob("*.md")):
        text = page.read_text("utf-8")
        if text.startswith("---\nfile_format: mystnb\n"):
            notebook = read_myst_markdown_notebook(text, path=page)
            nbformat.write(notebook, Path(app.outdir) / "learn" / f"{page.stem}.ipynb")


def setup(app: Any) -> dict[str, Any]:
    """Write the notebooks when everything else has been written."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True}
