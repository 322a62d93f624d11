"""A mixture of machines in words."""

from __future__ import annotations

from collections.abc import Iterator

from critlab.analysis.judgement.mixture import Mixture
from critlab.report.text.numbers import count

MOST_LINES = 20
"""How many arms are listed."""


def mixture_lines(found: Mixture | None) -> Iterator[str]:
    """What a reader must know, one line each; none where everything was made on one kind."""
    if found is None:
        return
    named = {
        words: chr(ord("A") + index) if index < 26 else f"kind {index + 1}" for index, words in enumerate(found.kinds)
    }
    kinds = "; ".join(f"{letter}: {words}" for words, letter in named.items())
    yield (
        f"The numbers come from {len(named)} kinds of machine or versions of torch ({kinds}). The same training may "
        "give other numbers on another kind."
    )
    for arm in found.arms[:MOST_LINES]:
        if arm.records:
            records = ", ".join(f"{count(many, 'record')} on {named[words]}" for words, many in arm.records.items())
            pairs = f"; {arm.mixed} of {arm.pairs} differences from the control mix kinds" if arm.mixed else ""
            yield f"{arm.arm}: {records}{pairs}."
    if len(found.arms) > MOST_LINES:
        yield f"{count(len(found.arms) - MOST_LINES, 'more arm')} not listed."
    if found.mixed:
        advice = "To exclude that, train the study in a new store on one kind."
        yield f"Where a difference mixes kinds, part of it may come from the machine. {advice}"
