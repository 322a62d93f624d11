"""A progress bar in a notebook, by the display that IPython has; nothing else is needed there."""

from __future__ import annotations

import sys
from html import escape
from typing import Any


class NotebookBar:
    """One bar in the output of the cell that is being executed, changed in place.

    Args:
        display: ``IPython.display``.
    """

    def __init__(self, display: Any) -> None:
        self.display, self.handle = display, None

    def show(self, title: str, done: int, total: int, pace: str) -> None:
        """Draw the bar: ``done`` of ``total`` epochs, and the pace in words."""
        bar = self.display.HTML(
            f'<progress value="{done}" max="{max(total, 1)}" style="width: 40%; vertical-align: middle"></progress> '
            f"{escape(title)}: {done:,} of {total:,} epochs · {escape(pace)}"
        )
        if self.handle is None:
            self.handle = self.display.display(bar, display_id=True)
        else:
            self.handle.update(bar)


def notebook_bar() -> NotebookBar | None:
    """A bar where a notebook's kernel runs this process; None elsewhere, as in IPython in a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython import display

    return NotebookBar(display)
