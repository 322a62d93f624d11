"""The slider over the points of a sweep, and how a specification takes part in it."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.report.chart import Slider
from critlab.report.charts.encoding import JSON
from critlab.report.charts.shared.filters import CHOSEN
from critlab.report.text.names import capital
from critlab.study import Study
from critlab.study.types import Place


def point_slider(study: Study, at: Sequence[Place], start: int) -> Slider:
    """The slider over the points ``at``, of which the one at ``start`` is drawn first."""
    return Slider(CHOSEN, capital(study.sweep.words.point), tuple(map(str, at)), start)


def with_slider(spec: JSON, slider: Slider) -> JSON:
    """``spec`` with the slider's parameter, on the rows of its point and on those of none."""
    keep = {"filter": f"!isValid(datum.at) || datum.at === {CHOSEN}"}
    params = [*spec.get("params", ()), {"name": CHOSEN, "value": slider.values[slider.start]}]
    return {**spec, "params": params, "transform": [*spec.get("transform", ()), keep]}


def only_chosen(part: str) -> list[JSON]:
    """The transform that keeps one part of the rows, at the chosen point."""
    return [{"filter": f"datum.part === '{part}' && datum.place === {CHOSEN}"}]
