"""docs/how_to/own_data.md: every study runs as printed, from its file to the verdict and the page."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from command import Command
from paths import DOCS

TEXT = (DOCS / "how_to/own_data.md").read_text(encoding="utf-8")
STUDIES = {
    re.findall(r'name = "(\w+)"', block)[0]: block for block in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
}
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def written(folder: Path) -> None:
    """The files that the page makes, in ``folder``, which is the working folder."""
    for program in PROGRAMS:
        named = re.match(r"# (\w+\.py)\n", program)
        (folder / (named[1] if named else "files.py")).write_text(program)
    runpy.run_path("files.py")


def test_the_page_has_each_kind_of_data() -> None:
    kinds = [re.findall(r'\[data\]\nname = "(\w+)"', block)[0] for block in STUDIES.values()]
    assert kinds == ["image_folder", "image_folder", "arrays", "table", "tokens", "spectrograms", "dataset"]


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_of_the_page_runs(name: str, critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    monkeypatch.setenv("CRITLAB_CACHE", str(tmp_path / "cache"))
    written(tmp_path)
    Path("study.toml").write_text(STUDIES[name])
    planned = json.loads(critlab("plan", "study.toml", "--json").out)
    assert ("classes" in planned) == (name not in ("digits", "lesions")), "what is known without reading all examples"
    told = critlab("run", "study.toml", "--engine", "inline", "--json")
    assert told.status == 0, told.err
    assert json.loads(told.out)["answer"] in ("present", "damage_only", "absent", "undecided")
    page = critlab("report", "study.toml", "--out", "page.html")
    assert page.status == 0, page.err
    assert Path("page.html").stat().st_size > 10_000
