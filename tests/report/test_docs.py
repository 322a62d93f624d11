"""What the documentation shows is run as it stands, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from paths import DOCS

PAGES = sorted(DOCS.rglob("*.md"))
FRAMEWORKS = ("lightning", "transformers")
"""What a page may need that the set-up of the tests does not install."""


def name(page: Path) -> str:
    """A page's path under docs/, without the ending."""
    return page.relative_to(DOCS).with_suffix("").as_posix()


def code(page: Path) -> str:
    """All Python of a page, in order, as one program."""
    return "\n".join(re.findall(r"```(?:python|\{code-cell\} ipython3)\n(.*?)```", page.read_text("utf-8"), re.DOTALL))


HERE = [
    DOCS / f"{page}.md"
    for page in (
        *("learn/first_study", "learn/switch_time", "learn/deep_linear", "start/own_loop", "how_to/own_loop"),
        *("how_to/own_data", "how_to/own_deficit", "how_to/tasks", "findings/bench_closing", "measures", "study_file"),
    )
]
"""Pages that need no process of their own: they run in this one."""


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if code(page) and page not in HERE], ids=name)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    program = code(page)
    compile(program, str(page), "exec")
    lacking = [name for name in FRAMEWORKS if f"import {name}" in program or f"from {name}" in program]
    lacking = [name for name in lacking if importlib.util.find_spec(name) is None]
    if lacking:
        pytest.skip(f"{page.name} needs {', '.join(lacking)}")
    # as printed, on torch's own number of threads, as a reader runs it; threads that wait leave the cores to others
    (tmp_path / "page.py").write_text(program)
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment["OMP_WAIT_POLICY"] = "passive"
    asked = [sys.executable, "page.py"]
    done = subprocess.run(
        asked, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    if page.parent.name == "learn":
        made = re.findall(r'"(\w+\.(?:html|jsonl))"', program)
        assert made
        assert all((tmp_path / name).stat().st_size for name in made)


@pytest.mark.slow
@pytest.mark.parametrize("page", HERE, ids=name)
def test_the_code_of_a_page_runs_in_this_process(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code(page), str(page), "exec"), {"__name__": "notebook"})


def test_links_between_pages_lead_somewhere() -> None:
    lost = [
        f"{name(page)} links to {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not target.startswith(("http:", "https:", "mailto:")) and not (page.parent / target).exists()
    ]
    assert lost == []


def test_every_page_is_in_the_sites_contents() -> None:
    listed = {DOCS / "index.md"}
    for page in PAGES:
        for tree in re.findall(r"```{toctree}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for entry in re.findall(r"^(?:[^:\n].*<)?([\w./*]+)>?$", tree, re.MULTILINE):
                listed |= {found.resolve() for found in page.parent.glob(f"{entry}.md")}
    assert set(PAGES) == listed, "add the page to the contents of its folder's index.md"
