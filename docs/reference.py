"""Write docs/reference.md, the tables of every component, from the rows of the registries.

Usage: python docs/reference.py. A test fails where the committed page is not what this script writes.
"""

from __future__ import annotations

from pathlib import Path

from critlab.cli.catalogue import TABLES, catalogue
from critlab.measures import MEASURES
from critlab.papers.registry import FIGURES

PAGE = Path(__file__).with_name("reference.md")
HEAD = """# Reference: every component

`python docs/reference.py` writes this page from the classes. `critlab list` shows the same, and the components of
installed packages. [The study file](study_file.md) says where a study uses these names, and
[how to add a component](contributing.md) shows how to write your own.
"""


def reference() -> str:
    """Return the page: one table for each kind of component, one row for each component."""
    return "\n".join([HEAD, *(_section(kind) for kind in (*TABLES, "figures"))])


def _section(kind: str) -> str:
    own = FIGURES.rows if kind == "figures" else TABLES[kind].rows  # type: ignore[attr-defined]
    rows = [row for row in catalogue(kind) if row["name"] in own]
    columns = {
        "about": "",
        "quantities": "quantities",
        "options": "options",
        "published": "published",
        "source": "source",
    }
    if kind == "measures":
        rows = [{**row, "quantities": _quantities(row["name"])} for row in rows]
    present = [key for key in columns if any(key in row for row in rows)]
    lines = [
        f"## {kind.capitalize()}",
        "",
        " | ".join(["| name", *(columns[key] for key in present)]) + " |",
        "|" + "---|" * (len(present) + 1),
        *(" | ".join([f"| `{row['name']}`", *(_cell(row.get(key, "")) for key in present)]) + " |" for row in rows),
        "",
    ]
    also = rows[0].get("also")
    return "\n".join([*lines, f"{also.splitlines()[0].capitalize()}:\n\n{_items(also)}\n"] if also else lines)


def _quantities(name: str) -> str:
    return "\n".join(f"`{one.name}`: {one.axis}" for one in MEASURES[name].quantities)


def _items(also: str) -> str:
    return "\n".join(f"- {line.strip()}" for line in also.splitlines()[1:])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", "<br>")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
