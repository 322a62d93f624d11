"""What several test files need: the command line, called inside the test's own process."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from command import Answer, Command
from seen import CHROMIUM
from trained import TrainedStores

# read when torch is first imported: small tensors gain nothing from threads, and lose a lot beside other processes
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("critlab", deadline=None, print_blob=True)
settings.load_profile("critlab")


class Imports:
    """Keeps the collector of cycles from searching what was imported, again and again, for nothing.

    A search of all of torch takes a third of a second, and the trainer of Transformers asks for several in a training.
    """

    known = 0

    @classmethod
    def left_alone(cls) -> None:
        if len(sys.modules) > cls.known + 100:
            gc.collect()
            gc.freeze()
            cls.known = len(sys.modules)


def pytest_collection() -> None:
    gc.disable()  # modules that are imported hold no garbage


def pytest_collection_finish() -> None:
    Imports.left_alone()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pytest_runtest_call() -> None:
    Imports.left_alone()


@pytest.fixture
def critlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Command]:
    """The ``critlab`` command, called in a new folder with an empty cache.

    Changes of the import path are undone, and modules that were loaded from that folder, or from the one in which the
    test ends, are forgotten: each command of
    a user has a process of its own, in which no module of another folder is loaded.
    """
    from critlab import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRITLAB_STORE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / "cache"))
    monkeypatch.setattr(sys, "path", list(sys.path))

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["critlab", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return Answer(int(end.value.code or 0), told.out, told.err)

    yield call
    folders = tuple(f"{folder}{os.sep}" for folder in (tmp_path, Path.cwd()))
    here = [name for name, module in sys.modules.items() if _file(module).startswith(folders)]
    for name in here:
        del sys.modules[name]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedStores:
    """``trained(study)`` is the store of the finished study; copy it before you change anything in it."""
    return TrainedStores(tmp_path_factory)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for all tests of pages."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on PATH")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def _file(module: object) -> str:
    found = getattr(module, "__file__", None)
    return found if isinstance(found, str) else ""
