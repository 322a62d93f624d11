"""A verdict for a terminal: the answer, a short table that wraps at words, and the next command in the last line."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from critlab._core.terminal.text import printable
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.verdict import Answer, Verdict
from critlab.analysis.tables.results import Results
from critlab.report.text.judgement.confounds import confound_names, share_label
from critlab.report.text.judgement.damages import damage_name, damage_p, damage_place, shown
from critlab.report.text.judgement.verdict import ANSWERS, answer_text, closing_text
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import capital
from critlab.report.text.notes import note_lines
from critlab.report.text.study.so_far import curve_lines, progress_line

PLAIN_WIDTH = 100
"""Letters of a line where standard output is not a terminal."""

STYLES: Mapping[Answer, str] = {
    "present": "bold red",
    "damage_only": "bold yellow",
    "absent": "bold blue",
    "undecided": "bold magenta",
    "running": "bold cyan",
}


def verdict_table(results: Results, following: str = "", width: int | None = None) -> str:
    """The verdict of ``results`` as text.

    Args:
        results: of a study, finished or not.
        following: the command to give next, for the last line; empty for none.
        width: of the terminal, for which the text is coloured; None for plain text.
    """
    colours = "standard" if width else None
    out = io.StringIO()
    console = Console(
        file=out,
        width=width or PLAIN_WIDTH,
        force_terminal=bool(width),
        color_system=colours,  # type: ignore[arg-type]
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    verdict = results.verdict()
    console.print(_headline(results, verdict))
    for part in _parts(results, verdict):
        console.print(part)
    if following:
        console.print(Text.assemble(("Next: ", "bold"), printable(following)), soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _headline(results: Results, verdict: Verdict) -> Text:
    label = ANSWERS[verdict.answer].capitalize()
    said = progress_line(results, verdict) + "." if verdict.answer == "running" else answer_text(verdict)
    return Text.assemble((label, STYLES[verdict.answer]), f": {printable(said)}")


def _parts(results: Results, verdict: Verdict) -> Iterator[Table | Padding]:
    if verdict.answer == "running":
        lines = list(curve_lines(results.curve()))
        if lines:
            yield _indented("\n".join(["The curve so far:", *lines]))
        return
    damages = shown(verdict)
    if damages:
        yield _damages(verdict, damages)
    if verdict.confounds:
        yield _explanations(verdict)
    for line in filter(None, [closing_text(verdict), *note_lines(verdict)]):
        yield _indented(line)


def _damages(verdict: Verdict, damages: list[Damage]) -> Table:
    words = MetricWords(verdict.metric)
    table = _table("Damage", "At", capital(words.of), "n", "p")
    for one in damages:
        style = "bold" if one in verdict.evidence else ""
        value = f"{words.number(one.estimate)} {words.interval(one.low, one.high)}"
        cells = (damage_name(one), damage_place(one, verdict.sweep), value, str(one.n), damage_p(one))
        table.add_row(*(Text(printable(cell), style) for cell in cells))
    return table


def _explanations(verdict: Verdict) -> Table:
    table = _table("Other explanation", "Share of the damage")
    for name, one in zip(confound_names(verdict), verdict.confounds, strict=True):
        table.add_row(Text(printable(name)), Text(share_label(one)))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    table.columns[0].header = Text(f"{columns[0]}")
    return table


def _indented(text: str) -> Padding:
    return Padding(Text(printable(text)), (0, 0, 0, 2))
