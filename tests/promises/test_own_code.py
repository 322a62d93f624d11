"""What names a user's own code: all of it that can change a result, and nothing that cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from critlab._core.errors import StudyError
from critlab._core.loading.imports import imported
from critlab._core.user_code import modules as own_modules
from critlab._core.user_code.identity import own_code, renamed, stated_version
from critlab._core.user_code.source_text import module_text

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes modules of a user's into a folder on the path; what is imported from there is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(own_modules, "_READ", {})

    def call(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__init__', 'INIT').replace('__', '/').replace('INIT', '__init__')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        fresh()

    def fresh() -> None:
        """As another process would find it."""
        for name in set(sys.modules) - before:
            del sys.modules[name]
        own_modules._READ.clear()

    yield call
    fresh()


def named(path: str = "mine:build") -> str:
    return own_code(imported(path), path).digest


MINE = """
from helper import width
RATE = 0.5

class Net:
    depth = 2

def build(shape, classes):
    return Net(), width() * RATE
"""
HELPER = "SIZE = 4\n\ndef width():\n    return SIZE\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("mine", MINE.replace("RATE = 0.5", "RATE = 0.25")),
        ("mine", MINE.replace("depth = 2", "depth = 3")),
        ("helper", HELPER.replace("SIZE = 4", "SIZE = 64")),
    ],
)
def test_every_edit_that_can_change_a_result_changes_the_name(write: Write, file: str, text: str) -> None:
    write(mine=MINE, helper=HELPER)
    before = named()
    assert named() == before
    write(**{file: text})
    assert named() != before


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: f"# a comment\n{text}",
        lambda text: text.replace("RATE = 0.5", "RATE = 0.5  # of what?\n\n\n"),
        lambda text: f'{text}\nif __name__ == "__main__":\n    print(build((1,), 2))\n',
        lambda text: f"import critlab\n{text}\ndef study():\n    return critlab.removal(None, at=[0, 1, 5])\n",
    ],
)
def test_a_comment_a_guarded_call_or_the_question_changes_no_name(write: Write, edit: Callable[[str], str]) -> None:
    first = MINE if "critlab" not in edit("") else edit(MINE).replace("[0, 1, 5]", "[0, 1]")
    write(mine=first, helper=HELPER)
    before = named()
    write(mine=edit(MINE))
    assert named() == before


@pytest.mark.parametrize(
    ("imports", "file"),
    [
        ("import helper", "helper"),
        ("def later():\n    from helper import width", "helper"),
        ("import importlib\nnets = importlib.import_module('helper')", "helper"),
        ("import importlib\nnets = importlib.import_module('help' + 'er')", "helper"),
        ("from pack import part", "pack__part"),
        ("from pack.part import thing", "pack__part"),
        ("from pack.part import thing", "pack____init__"),
        ("from pack import *", "pack__other"),
        ("try:\n    import helper\nexcept ImportError:\n    helper = None", "helper"),
    ],
)
def test_whatever_way_a_module_is_imported_its_edit_counts(write: Write, imports: str, file: str) -> None:
    text = f"{imports}\ndef build(shape, classes): ...\n"
    pack: dict[str, Any] = {
        "pack____init__": "from .other import *\n",
        "pack__part": "thing = 1\n",
        "pack__other": "more = 1\n",
    }
    write(mine=text, helper=HELPER, **pack)
    before = named()
    write(**{file: "from .other import *\nthing = width = lambda: 2\n" if file == "pack____init__" else "thing = 2\n"})
    assert named() != before


def test_what_is_installed_does_not_count(write: Write, tmp_path: Path) -> None:
    place = tmp_path / "site-packages" / "theirs"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("a = 1\n")
    sys.path.insert(0, str(place.parent))
    write(mine="import json, numpy, torch.nn, critlab, theirs\ndef build(shape, classes): ...\n")
    assert list(own_code(imported("mine:build"), "mine:build").modules) == ["mine"]


def test_what_was_read_first_counts_until_it_is_loaded_again(write: Write, tmp_path: Path) -> None:
    write(mine=MINE, helper=HELPER)
    before = named()
    (tmp_path / "mine.py").write_text(MINE.replace("0.5", "0.75"))
    assert named() == before
    import importlib

    importlib.reload(sys.modules["mine"])
    assert named() != before


def test_a_module_that_imports_itself_in_a_circle(write: Write) -> None:
    write(mine="import other\ndef build(shape, classes): ...\n", other="import mine\n")
    assert set(own_code(imported("mine:build"), "mine:build").modules) == {"mine", "other"}


def test_code_that_cannot_be_read_names_the_remedy() -> None:
    space: dict[str, object] = {"__name__": "nowhere"}
    exec("def build(shape, classes): ...\nclass Net: ...", space)
    for code in (space["build"], space["Net"]):
        with pytest.raises(StudyError, match="version ="):
            own_code(code, "nowhere:build")  # type: ignore[arg-type]


def test_a_version_of_the_users() -> None:
    def build() -> None: ...

    assert stated_version(build) is None
    build.version = 3  # type: ignore[attr-defined]
    assert stated_version(build) == "3"
    # an integer of a class has always stood beside the source
    assert stated_version(type("Haze", (), {"version": 2})) is None
    assert stated_version(type("Haze", (), {"version": "2"})) == "2"


def test_values_that_a_function_holds_count_where_it_is_called_in_this_process() -> None:
    def loop(rate: float) -> Callable[[], float]:
        return lambda: rate

    def digest(code: Callable[[], float]) -> str:
        return own_code(code, "advance", here=True).digest

    assert digest(loop(0.5)) == digest(loop(0.5)) != digest(loop(0.25))


def test_text_keeps_strings_that_look_like_comments() -> None:
    text = 'a = "# no comment"\nb = """\n\n# neither\n"""\n'
    assert module_text(text).text == text
    assert module_text("x = (1,  # one\n     2)\n").text == "x = (1,\n     2)\n"
    assert module_text("ä = 'ö'  # ü\n").text == "ä = 'ö'\n"
    assert module_text("not python at all(").text == "not python at all("


def test_adopted_names() -> None:
    plain = {"name": "mine:build", "source": "new", "further": [{"source": "row"}]}
    assert renamed(plain, {}) == plain
    assert renamed(plain, {"new": "old", "row": "unnamed: x"}) == {
        "name": "mine:build",
        "source": "old",
        "further": [{}],
    }


def test_the_module_of_a_test_is_the_users_own() -> None:
    assert isinstance(sys.modules[__name__], ModuleType)
    assert __name__ in own_code(named, f"{__name__}:named").modules
