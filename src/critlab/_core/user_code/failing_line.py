"""Where in a user's own files an error arose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from critlab._core.user_code.modules import installed


def failing_line(error: BaseException) -> str:
    """``" (file, line 12)"``: the innermost line of the user's own that led to ``error``; empty where none did.

    A module of torch that a user only configures, such as ``nn.Linear``, fails inside torch, without such a line.
    """
    lines = [(file, line) for file, name, line in _frames(error.__traceback__) if not installed(name.partition(".")[0])]
    return f" ({lines[-1][0]}, line {lines[-1][1]})" if lines else ""


def inside_a_module(error: BaseException) -> bool:
    """Whether ``error`` arose in the call of a network or a layer."""
    return any(name == "torch.nn.modules.module" for _, name, _ in _frames(error.__traceback__))


def inside_torch(error: BaseException) -> bool:
    """Whether torch itself raised ``error``, such as a loss for outputs that it cannot take."""
    names = [name for _, name, _ in _frames(error.__traceback__)]
    return bool(names) and names[-1].partition(".")[0] == "torch"


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, str, int]]:
    """File, module and line of each call, outermost first."""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        file = trace.tb_frame.f_code.co_filename
        # code without a file, such as that of a dataclass, has no line that a person could open
        if name and Path(file).suffix:
            yield file, name, trace.tb_lineno
        trace = trace.tb_next
