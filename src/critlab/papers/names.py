"""How the studies of a figure are called."""

from __future__ import annotations

from critlab.papers.figure import Scale


def study_name(figure: str, scale: Scale, part: str = "") -> str:
    """The name of a study: the figure's at ``paper`` scale, else with the scale behind it."""
    return "-".join(filter(None, [figure, part, "" if scale == "paper" else scale]))
