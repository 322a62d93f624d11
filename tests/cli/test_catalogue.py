"""What `critlab list` says of components: what they are, what their options allow, where they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from critlab._core.errors import StudyError
from critlab._core.spec import Spec
from critlab.cli.arguments.options_text import options_text
from critlab.cli.catalogue import TABLES, catalogue, overview
from critlab.cli.catalogue_text import catalogue_text, overview_text


class Shared(Spec):
    """What all take."""

    when: Literal["before", "after"] = "after"


class Options(Shared):
    """Options of something."""

    factor: int = Field(ge=2)
    severity: int = Field(ge=1, le=5)
    share: float = Field(default=1.0, gt=0, le=1)
    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    heads: Literal[1, 3] = 1
    flag: bool = False
    widths: tuple[Annotated[int, Field(ge=1)], ...] = (4, 2)
    label: str | None = None
    offset: float = 0.5
    count: int | Literal["all"] = "all"


class Unwritten(Spec):
    """Options that no JSON schema can say."""

    function: Callable[[], int]
    size: int = 3


def test_options_in_words() -> None:
    assert options_text(Options, Shared) == [
        "factor: 2 or more, required",
        "severity: 1 to 5, required",
        "share: above 0 and at most 1, default 1.0",
        "fraction: above 0 and below 1, optional",
        "heads: 1 or 3, default 1",
        "flag: true or false, default false",
        "widths: a list, each 1 or more, default [4, 2]",
        "label: text, optional",
        "offset: a number, default 0.5",
        'count: a whole number or "all", default "all"',
    ]
    assert options_text(Options)[0] == 'when: "before" or "after", default "after"'
    assert options_text(Spec) == []


def test_options_without_a_schema_are_named() -> None:
    assert options_text(Unwritten) == ["function: required", "size: default 3"]


@pytest.mark.parametrize("what", TABLES)
def test_every_component_says_what_it_is_and_all_its_options(what: str) -> None:
    rows: list[dict[str, Any]] = catalogue(what)
    text = catalogue_text(rows)
    for row, (name, entry) in zip(rows, TABLES[what].items(), strict=True):
        assert row["name"] == name
        assert row["about"][:1].isalpha()
        assert row["source"]
        options = getattr(getattr(entry, "options", entry), "model_fields", ())
        said = (row.get("options", "") + "\n" + row.get("also", "")).splitlines()
        assert {line.partition(":")[0].strip() for line in said if ":" in line} == set(options)
        assert all(": ," not in line and not line.endswith(": ") for line in said), "an option without its range"
        for line in [row["about"], *said, row["source"]]:
            assert line in text
    for kind in ("deficit", "sweep"):
        assert text.count(f"every {kind} also takes") == (what == f"{kind}s")
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_a_row_is_aligned_under_its_name() -> None:
    rows = [{"name": "a", "about": "", "options": "x: 1 or more\ny: text", "source": "ours"}]
    rows += [{"name": "long", "about": "What it is.", "source": "theirs", "also": "and more"}]
    assert catalogue_text(rows).splitlines() == [
        "a     x: 1 or more",
        "      y: text",
        "      ours",
        "long  What it is.",
        "      theirs",
        "and more",
    ]


def test_costs_of_figures_are_counted_for_the_scale_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("critlab.papers.cost.cost", lambda figure, scale: asked.append(scale))
    assert not any("cost" in row for row in catalogue("figures"))
    assert asked == []
    catalogue("figures", "demo")
    assert set(asked) == {"demo"}
    with pytest.raises(StudyError, match=r"--scale: received 'demoo'.*did you mean 'demo'"):
        catalogue("figures", "demoo")
    with pytest.raises(StudyError, match="deficits have no scales"):
        catalogue("deficits", "demo")


def test_a_list_without_a_kind_names_everything_that_can_be_listed() -> None:
    kinds = overview()
    assert list(kinds) == [*TABLES, "figures"]
    text = overview_text(kinds)
    assert max(map(len, text.splitlines())) <= 100
    assert set(text.replace(",", " ").split()) >= {name for names in kinds.values() for name in names}
    with pytest.raises(StudyError, match="--scale: received 'small' without a kind"):
        overview("small")
