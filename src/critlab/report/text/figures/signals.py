"""The signals of a watched training in words."""

from __future__ import annotations

from collections.abc import Mapping

from critlab.analysis.sources.prime_window import PrimeWindow
from critlab.report.text.numbers import significant


def signals_sentence(step: int, said: Mapping[str, str]) -> str:
    """The latest signals by label, such as ``At step 400: training loss 0.31 ± 0.02, fell since step 200 (0.5).``."""
    return f"At step {step:,}: {'; '.join(f'{label.lower()} {text}' for label, text in said.items())}."


def signal_text(
    value: float, margin: float | None, unit: str, moved: str, since: int | None, before: float | None
) -> str:
    """A signal with its 95 % margin and unit, and how it has moved.

    Args:
        value: the latest.
        margin: half of its 95 % interval; None where that is not known.
        unit: empty for a number without one.
        moved: such as ``fell``.
        since: the step from which on it has; None where no earlier one was read.
        before: the value there.
    """
    text = significant(value, 4)
    if margin is not None:
        text += f" ± {significant(margin, 2)}"
    text += f" {unit}" if unit else ""
    if before is None or since is None or moved == "unknown":
        return text
    text += f", {moved} since step {since:,}"
    return text if moved == "unchanged" else f"{text} ({significant(before, 4)})"


def prime_windows_sentence(windows: Mapping[str, PrimeWindow]) -> str:
    """The prime learning window of each group of modules; at least one."""
    told = [
        f"of {name} it is {window.name}" + ("" if window.since is None else f" since step {round(window.since):,}")
        for name, window in windows.items()
    ]
    return f"The prime learning window: {', '.join(told)}."
