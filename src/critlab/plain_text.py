"""Text from elsewhere on its way to a terminal."""

from __future__ import annotations

MOST_CHARACTERS = 10_000
"""How long a text may be before its middle is left out."""


def printable(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""Return ``text`` without anything that could steer a terminal or that no encoding can hold.

    Line breaks stay. Other control characters, invisible format characters and surrogates are written as escapes such
    as ``\x1b``; the middle of a text of more than ``most`` characters is left out.
    """
    if len(text) > most:
        left_out = len(text) - most
        text = f"{text[: most // 2]} [{left_out:,} characters left out] {text[-(most - most // 2) :]}"
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return "".join(character if _harmless(character) else _escaped(character) for character in text)


def one_line(text: str, most: int = 1000) -> str:
    """Return ``text`` as :func:`printable` does, with line breaks escaped too."""
    return printable(text, most).replace("\n", "\\n")


def _harmless(character: str) -> bool:
    return character == "\n" or character.isprintable()


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
