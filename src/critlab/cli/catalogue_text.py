"""The rows of ``critlab list`` as a person reads them; apart from ``report``, whose import would cost half a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from textwrap import wrap


def catalogue_text(rows: Iterable[Mapping[str, str]]) -> str:
    """A list of what there is, one component a line, everything else that is known of it below."""
    rows = list(rows)
    width = max((len(row["name"]) for row in rows), default=0)
    lines: list[str] = []
    for row in rows:
        details = [row["about"], *row.get("options", "").splitlines(), row["source"]]
        details += [f"{key}: {line}" for key in ("published", "cost") for line in row.get(key, "").splitlines()]
        lines += [
            f"{name:<{width}}  {line}" for name, line in zip_longest([row["name"]], filter(None, details), fillvalue="")
        ]
    also = dict.fromkeys(row["also"] for row in rows if "also" in row)
    return "\n".join([*lines, *also])


def overview_text(kinds: Mapping[str, Iterable[str]]) -> str:
    """Every kind of component with its names, wrapped at words, and the command that describes one kind."""
    width = max(map(len, kinds))
    below = " " * (width + 2)
    lines = [
        line
        for kind, names in kinds.items()
        for line in wrap(f"{kind + ':':<{width + 1}} {', '.join(names)}", 100, subsequent_indent=below)
    ]
    return "\n".join([*lines, "", "describe one kind, with options and sources: critlab list KIND"])
