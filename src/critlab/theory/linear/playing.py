"""A page to play with: the reduced dynamics of two pathways, computed in the page as its sliders move."""

from __future__ import annotations

from importlib import resources
from typing import Literal, get_args

from critlab.theory.linear.checks import one_of

Kind = Literal["phase", "pathways"]


def playing_page(kind: Kind) -> str:
    """One self-contained HTML document that loads nothing, with sliders for depth, window, initial scale and c.

    The page integrates the equations of :func:`critlab.theory.linear.pathway_flow` by the same Euler steps, in double
    precision. Its script offers ``critlab.settings()``, the arguments of that function for what is shown, and
    ``critlab.trajectory()``, what it gives: ``a`` and ``b``, lists ``[state][mode]``.

    Args:
        kind: ``"phase"``: the plane of both pathways' strengths for one mode of strength 10, with the flow field;
            ``"pathways"``: the strengths of the hierarchy's four different modes over time.

    Raises:
        StudyError: another kind.

    Source: Kleinman et al. 2023 (arXiv 2308.12221), the reduced dynamics; the page is ours.
    """
    one_of("kind", kind, get_args(Kind))
    folder = resources.files("critlab.theory.linear")
    parts = {name: (folder / f"playing.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
    filled = parts["html"].replace("/* style */", parts["css"]).replace("/* script */", parts["js"])
    return filled.replace("KIND", kind)
