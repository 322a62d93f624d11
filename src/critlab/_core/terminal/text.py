"""Text from elsewhere on its way to a terminal."""

from __future__ import annotations

MOST_CHARACTERS = 1000
"""How long a line from elsewhere may be before its middle is left out."""


def printable(text: str) -> str:
    r"""Return ``text`` without anything that could steer a terminal or that no encoding can hold.

    Line breaks and tabs stay. Other control characters, invisible format characters and surrogates are written as
    escapes such as ``\x1b``.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(character if _harmless(character) else _escaped(character) for character in text)


def one_line(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return ``text`` as :func:`printable` does, in one line, and without the middle of more than ``most`` characters.

    What a store or another program says can then never pass for a line of critlab's own.
    """
    if len(text) > most:
        text = f"{text[: most // 2]} [{len(text) - most:,} characters left out] {text[most // 2 - most :]}"
    return "".join(_escaped(character) if character in "\n\t" else character for character in printable(text))


def say(text: str) -> None:
    """Writes a line for a person to standard error."""
    from rich.console import Console

    Console(stderr=True).print(printable(text), markup=False, highlight=False, soft_wrap=True)


def _harmless(character: str) -> bool:
    return character in "\n\t" or character.isprintable()


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
