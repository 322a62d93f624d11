"""What the README shows is run as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from critlab.study import Study
from paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found, f"the README has no {language}"
    return found.group(1)


def test_the_study_file_is_a_study() -> None:
    study = Study.read(tomllib.loads(block("toml")), "README.md")
    assert study.epochs() > 0


@pytest.mark.slow
def test_ones_own_model_in_ten_lines(tmp_path: Path) -> None:
    code = block("python")
    (tmp_path / "mine.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"Present|Damage only|Absent|Undecided", done.stdout)
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_every_command_that_it_names_exists() -> None:
    named = set(re.findall(r"critlab ([a-z]+)", " ".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))))
    done = subprocess.run(
        [sys.executable, "-m", "critlab.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert named
    assert not [command for command in named if not re.search(rf"\b{command}\b", done)]
