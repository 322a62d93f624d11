"""Findings on two sources in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from critlab.analysis.sources.ignored_source import SourceBalance, SourceShare
from critlab.analysis.sources.prime_window import RULE, SOURCE, PrimeWindow
from critlab.analysis.sources.source_windows import PrimeWindows, RunWindows
from critlab.report.text.numbers import changed, count, listing, percent


def balance_text(found: SourceBalance) -> str:
    """Which source is ignored, and by how many units, without the place."""
    held = "the controls" if found.background else "clean runs"
    said = f"no source is ignored more than in {held}."
    if found.ignored is not None:
        since = "" if found.since is None else f", since epoch {found.since} at the latest"
        said = f"source {found.ignored} is ignored{since}."
    control = "the control" if found.background else "the clean run"
    shares = listing([_share(source, share, control) for source, share in found.shares.items()])
    balance = f"The balance, A minus B, changes by {changed(found.effect)}."
    return f"{said} Share of the units that respond to one source alone: {shares}. {balance}"


def _share(source: str, share: SourceShare, control: str) -> str:
    against = "" if share.change is None else f" ({changed(share.change)}, compared with {control})"
    return f"{percent(share.value.mean)} to {source}{against}"


def windows_text(found: PrimeWindows) -> str:
    """Until when each source's window was open."""
    runs = "; ".join(_run(one) for one in found.runs)
    return f"Prime learning window of each source ({RULE}; {SOURCE}). {runs}."


def _run(one: RunWindows) -> str:
    name = "control" if one.run.role == "control" else f"{one.run.arm} at {one.run.at}"
    sources = (f"source {source} {_source(by_seed.values())}" for source, by_seed in one.windows.items())
    return f"{name}: {', '.join(sources)}"


def _source(windows: Iterable[PrimeWindow]) -> str:
    """As ``closed by epoch 8 (4 to 12) in 2 of 3 seeds and open at the end in 1 of 3 seeds``."""
    known = list(windows)
    closed = [window.since for window in known if not window.open and window.since is not None]
    of = f"of {count(len(known), 'seed')}"
    parts = []
    if closed:
        spread = f" ({min(closed):g} to {max(closed):g})" if min(closed) < max(closed) else ""
        parts.append(f"closed by epoch {statistics.median(closed):g}{spread} in {len(closed)} {of}")
    if len(closed) < len(known):
        parts.append(f"open at the end in {len(known) - len(closed)} {of}")
    return " and ".join(parts)
