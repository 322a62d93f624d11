"""An executor of a user's own."""

from __future__ import annotations

from critlab.engine.executors.inline import InlineExecutor


class Elsewhere(InlineExecutor):
    """One task at a time in this process; errors are events, as of another process."""

    name = "elsewhere"
