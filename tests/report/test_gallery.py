"""The gallery and the pictures of the concepts are what critlab's own components and runs say."""

from __future__ import annotations

import runpy

from critlab.deficits import DEFICITS
from critlab.measures import MEASURES
from critlab.papers.registry import FIGURES
from paths import DOCS

GALLERY = DOCS / "gallery"


def test_the_committed_pages_are_what_the_registries_say() -> None:
    made = runpy.run_path(str(DOCS / "gallery.py"))
    for name, page in made["PAGES"].items():
        assert (GALLERY / name).read_text("utf-8") == page(), "run python docs/gallery.py pages"
    for name, rows in (("deficits", DEFICITS), ("figures", FIGURES), ("measures", MEASURES)):
        text = (GALLERY / f"{name}.md").read_text("utf-8")
        assert not [row for row in rows.rows if f"`{row}`" not in text]
    assert not [
        name for name in DEFICITS.rows if made["pictured"](name) and not (GALLERY / f"deficit_{name}.png").exists()
    ]


def test_the_pictures_of_the_concepts_can_be_drawn() -> None:
    made = runpy.run_path(str(DOCS / "concepts" / "pictures.py"))
    for name, draw in made["PICTURES"].items():
        assert draw().spec["data"]["values"]
        assert (DOCS / "concepts" / f"{name}.svg").is_file()
    bars = made["removal"]().spec["data"]["values"]
    assert [(row["run"], row["stop"]) for row in bars if row["phase"] == "deficit"] == [
        ("removal at 5", 5),
        ("removal at 10", 10),
        ("removal at 20", 20),
    ]
    assert {row["stop"] - row["start"] for row in bars if row["phase"] == "clean"} == {20}
