"""A page to play with: the reduced dynamics of two pathways, integrated in the page as sliders move."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from critlab.errors import StudyError
from critlab.spec import nearest


@dataclass(frozen=True)
class Slider:
    """A slider: its name in the page, its title, its range and where it stands at first."""

    name: str
    title: str
    least: float
    most: float
    step: float
    value: float


@dataclass(frozen=True)
class Play:
    """What a page integrates.

    Args:
        title: of the page.
        strengths: S of the modes.
        step: dt.
        steps: states.
        sliders: by name ``depth, window_start, window_length, log_start, ratio, invariant``.
    """

    title: str
    strengths: tuple[float, ...]
    step: float
    steps: int
    sliders: tuple[Slider, ...]


def _sliders(
    depth: int, window: tuple[int, int], steps: int, log_start: float, ratio: float, c: float
) -> tuple[Slider, ...]:
    return (
        Slider("depth", "depth D", 2, 13, 1, depth),
        Slider("window_start", "start of the window", 0, steps, max(1, steps // 200), window[0]),
        Slider("window_length", "length of the window", 0, steps, max(1, steps // 200), window[1]),
        Slider("log_start", "initial scale", -4, 0, 0.05, log_start),
        Slider("ratio", "start of b, as a multiple of a's", 0.5, 1.5, 0.01, ratio),
        Slider("invariant", "c = q² − p²", 0, 2, 0.05, c),
    )


PLAYS = {
    "phase": Play("Depth sharpens the competition", (10.0,), 0.001, 400, _sliders(5, (0, 16), 400, -2.0, 1.0, 1.0)),
    "pathways": Play(
        "When a pathway is gated decides which modes it learns",
        (15**0.5, 7**0.5, 3**0.5, 1.0),
        0.01,
        1000,
        _sliders(4, (0, 150), 1000, -1.95, 1.0, 0.0),
    ),
}
"""The pages by the name of the figure they belong to."""


def play_page(name: str) -> str:
    """The page as one HTML document that loads nothing.

    Args:
        name: ``"phase"`` or ``"pathways"``.

    Raises:
        StudyError: there is no such page.

    Error: the page's trajectory agrees with :func:`critlab.linear.pathway_flow` to 1e-6, at every slider (a test moves
    them in a browser).
    """
    if name not in PLAYS:
        raise StudyError(f"page: received {name!r}{nearest(name, PLAYS)}")
    play = PLAYS[name]
    setting: dict[str, Any] = {key: value for key, value in asdict(play).items() if key != "title"}
    text = resources.files("critlab.presets").joinpath("deep_linear_play.html").read_text(encoding="utf-8")
    # inside a script "<" could end it; in JSON it may be written as an escape
    return text.replace("__TITLE__", html.escape(play.title)).replace(
        "__SETTING__", json.dumps(setting, ensure_ascii=False).replace("<", "\\u003c")
    )
