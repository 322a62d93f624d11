"""What several test files need: the command line, called inside the test's own process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("critlab", deadline=None, print_blob=True)
settings.load_profile("critlab")


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    status: int
    out: str
    err: str


@pytest.fixture
def critlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The ``critlab`` command, as in a new folder; what it does to the import path is undone."""
    from critlab import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRITLAB_STORE", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["critlab", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return Answer(int(end.value.code or 0), told.out, told.err)

    return call


Command = Callable[..., Answer]
