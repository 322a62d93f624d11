"""The pages of the Python API: every public name has one, with an example that runs."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from paths import DOCS


def directive() -> ModuleType:
    """The module of the directive ``public``, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("public_names", DOCS / "_extensions" / "public_names.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages() -> list[Path]:
    """The pages; that of the frameworks' callbacks only where the frameworks are installed."""
    found = sorted((DOCS / "reference" / "api").glob("*.md"))
    return [page for page in found if page.stem != "frameworks" or directive().frameworks()]


PAGES = pages()


def examples(page: Path) -> str:
    """All examples of a page, in order, as one session."""
    blocks = re.findall(
        r"^```(?:pycon|\{public\} [\w.]+)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return "\n".join(blocks)


def test_every_public_name_has_a_page_and_an_example() -> None:
    public = directive()
    uses = [use for page in PAGES for use in public.BLOCK.finditer(page.read_text("utf-8"))]
    assert not [use["name"] for use in uses if not use["example"].startswith(">>> ")]
    documented = {id(public.found(use["name"])) for use in uses}
    missing = [path for path, value in public.public_names() if id(value) not in documented]
    assert not missing, "add ```{public} NAME with an example to a page of docs/reference/api"
    assert len(uses) == len(documented), "a name is documented twice"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:sample_kernels")
@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = doctest.DocTestParser().get_doctest(examples(page), {"__name__": "api_page"}, page.stem, str(page), 0)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    found = runner.run(session, out=said.append)
    assert not found.failed, "".join(said)
