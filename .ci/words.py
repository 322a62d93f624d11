"""Check the words of everything that a person reads: documents, help texts, messages, docstrings and comments.

Usage: python .ci/words.py [--update]. ``words_allowed.json`` counts the rejected words that each file still has. The
check fails where a file has more. ``--update`` writes the smaller counts; it refuses larger ones.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = Path(__file__).with_name("words_allowed.json")

INSTEAD = {
    r"likewise": "also, in the same way",
    r"alike": "equally, in the same way, both",
    r"anew": "again, new in each step",
    r"besides?": "in addition to, next to, compared with",
    r"mend(s|ed|ing)?": "repair, restore, remove the damage",
    r"dearer": "more expensive",
    r"suffer(s|ed|ing)?": "the deficit is applied to",
    r"told|tells?": "report, show, receive, distinguish",
    r"somebody|nobody|anybody": "a user, another process, no one by name",
    r"of its own accord": "automatically",
    r"as it stands": "as printed, unchanged",
    r"(is|are) asked for": "is requested, the threshold is",
    r"what no": "unused",
    r"whatever happens": "if anything interrupts the run",
    r"the protocol, section \w+|DESIGN, \w+": "cite the paper, section and equation",
}
PATTERN = {re.compile(rf"\b(?:{word})\b", re.IGNORECASE): instead for word, instead in INSTEAD.items()}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of everything in a file that a person reads."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        prose = re.sub(r"```.*?```|`[^`\n]*`", lambda found: "\n" * found[0].count("\n"), content, flags=re.DOTALL)
        yield from enumerate(prose.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def findings() -> Iterator[tuple[str, int, str, str]]:
    """Yield the file, the line, the rejected word and what to write instead."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "src").rglob("*.py"))]
    for path in files:
        for line, text in texts(path):
            for pattern, instead in PATTERN.items():
                for found in pattern.finditer(text):
                    yield str(path.relative_to(ROOT)), line, found[0], instead


def main(arguments: list[str]) -> int:
    """Print every finding above the allowed count of its file; return 1 if there is one."""
    found = list(findings())
    counts = dict(sorted(Counter(place for place, *_ in found).items()))
    allowed: dict[str, int] = json.loads(ALLOWED.read_text(encoding="utf-8"))
    above = {place for place, count in counts.items() if count > allowed.get(place, 0)}
    for place, line, word, instead in found:
        if place in above:
            print(f"{place}:{line}: {word!r}: write instead: {instead}")
    if above:
        return 1
    if "--update" in arguments:
        ALLOWED.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
