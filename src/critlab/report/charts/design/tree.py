"""The tree of runs as a picture: trunk and forks, as wide as the work that runs share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts.design import DESIGN
from critlab.report.charts.design.states import FROZEN, Design
from critlab.report.charts.encoding import JSON, only, quantity, specification, tip
from critlab.report.text.numbers import count
from critlab.study import Run
from critlab.study.runs.tree import ROOT, Tree, build

MOST_LANES = 60
"""How many branches the picture shows."""

LETTERS = 30
"""Of a line of the name of a run."""

STEP = 19
"""Pixels from branch to branch, where names have one line."""

LINE = 10
"""Pixels of a further line."""

COLUMNS = ("start", "end", "epochs", "runs that share it", "what is on", "runs that end there")


@dataclass
class _Segment:
    """Epochs ``start`` to ``stop`` of a branch, in which the same runs have the same on.

    Args:
        start: epochs before it.
        stop: epochs after it.
        lane: which branch, from the top.
        runs: how many kinds of run pass through it.
        state: what is on.
        ends: the kinds of run that end with it.
        above: the branch that it leaves.
    """

    start: int
    stop: int
    lane: int
    runs: int
    state: str
    ends: list[str] = field(default_factory=list)
    above: int = 0


def tree_charts(results: Results) -> Iterator[Chart]:
    """The picture of one seed's tree; none of a study whose runs are not there."""
    design = Design.of(results)
    shown, left = _shown(results.study.runs)
    tree = build(results.study)
    segments = list(_Layout(design, tree, shown).segments())
    if len(segments) < 2:
        return
    whole = sum(run.total - run.frozen_epochs for run in results.study.runs)
    more = f" The picture shows {len(shown)} of {count(left + len(shown), 'kind')} of run." if left else ""
    yield Chart(
        key=DESIGN[1],
        title="The tree of runs",
        caption=f"Each line is a stretch of training, as wide as the number of runs that share it. Each seed trains "
        f"{tree.epochs:,} epochs; without sharing it would train {whole:,}. Dots are the ends of runs.{more}",
        alt="The tree of runs as a picture. Its stretches follow in a table.",
        panels=(_panel(design, segments),),
        columns=COLUMNS,
        rows=tuple(
            (one.start, one.stop, one.stop - one.start, one.runs, one.state, ", ".join(one.ends)) for one in segments
        ),
    )


def _shown(runs: Sequence[Run]) -> tuple[list[Run], int]:
    """The runs in the picture, evenly thinned where there are many, and how many are left out."""
    if len(runs) <= MOST_LANES:
        return list(runs), 0
    last = len(runs) - 1
    kept = {round(place * last / (MOST_LANES - 1)) for place in range(MOST_LANES)}
    return [run for place, run in enumerate(runs) if place in kept], len(runs) - len(kept)


class _Layout:
    """Where each stretch of a tree stands.

    The branch with the longest way to go continues; the others leave it below, the latest one next to it, so that no
    branch crosses another.
    """

    def __init__(self, design: Design, tree: Tree, runs: Sequence[Run]) -> None:
        self.design, self.tree = design, tree
        self.through: dict[str, list[Run]] = {}
        self.ending: dict[str, list[Run]] = {}
        for run in runs:
            self.ending.setdefault(tree.ends[run.name], []).append(run)
            for path in tree.upwards(tree.ends[run.name]):
                self.through.setdefault(path, []).append(run)
        self.last = {path: max(run.total for run in there) for path, there in self.through.items()}
        self.lanes = 0

    def segments(self) -> Iterator[_Segment]:
        """Every stretch, branch by branch."""
        yield from self._below(ROOT, -1, 0)

    def _below(self, path: str, lane: int, epoch: int) -> Iterator[_Segment]:
        """The branches that leave the state ``path`` on ``lane``; the first of them stays there."""
        children = [child for child in self.tree.nodes[path].children if child in self.through]
        children.sort(key=lambda child: (-self.last[child], -len(self.through[child])))
        for place, child in enumerate(children):
            if place or lane < 0:
                self.lanes += 1
            yield from self._branch(child, self.lanes - 1 if place or lane < 0 else lane, lane, epoch)

    def _branch(self, first: str, lane: int, above: int, epoch: int) -> Iterator[_Segment]:
        """The branch that begins with ``first``, then what leaves it."""
        start, path, chain = epoch, first, [first]
        while len(here := self._children(path)) == 1 and path not in self.ending:
            path = here[0]
            chain.append(path)
        segment: _Segment | None = None
        for one in chain:
            node, run = self.tree.nodes[one], self.through[one][0]
            if node.frozen:
                yield _Segment(start, node.epoch - 1, lane, len(self.through[one]), FROZEN, above=above)
                start, above = node.epoch - 1, lane
            state = self.design.state(run, node.epoch - 1)
            if segment is None or segment.state != state:
                if segment is not None:
                    yield segment
                segment = _Segment(start, node.epoch, lane, len(self.through[one]), state, above=above)
                above = lane
            segment.stop, start = node.epoch, node.epoch
        assert segment is not None, "a branch has an epoch"
        segment.ends = [self.design.words(run) for run in self.ending.get(path, ())]
        yield segment
        yield from self._below(path, lane, start)

    def _children(self, path: str) -> list[str]:
        return [child for child in self.tree.nodes[path].children if child in self.through]


def _panel(design: Design, segments: Sequence[_Segment]) -> Panel:
    most = max(one.runs for one in segments)
    rows: list[JSON] = []
    for one in segments:
        shown = {"state": one.state, "runs": one.runs, "start": one.start, "stop": one.stop}
        rows.append({"part": "stretch", "lane": one.lane, **shown, "width": 2 + 7 * (one.runs - 1) / max(most - 1, 1)})
        if one.above >= 0 and one.above != one.lane:
            rows.append({"part": "fork", "start": one.start, "lane": one.above, "to": one.lane})
        if one.ends:
            rows.append({"part": "end", "stop": one.stop, "lane": one.lane, "run": ", ".join(one.ends)})
    last = {row["lane"]: row for row in rows if row["part"] == "end"}
    rows += [
        {**row, "part": "label", "run": textwrap.fill(row["run"].split(" and ")[0], LETTERS)} for row in last.values()
    ]
    step = STEP + LINE * max((row["run"].count("\n") for row in rows if row["part"] == "label"), default=0)
    states = design.coloured(one.state for one in segments)
    lanes = max(one.lane for one in segments)
    x = quantity(
        "start", "Epoch", scale={"nice": False, "zero": True, "padding": 6}, axis={"tickMinStep": 1, "tickCount": 8}
    )
    y = quantity("lane", None, axis=None, scale={"domain": [lanes + 0.6, -0.6], "nice": False, "zero": False})
    scale = {"domain": list(states), "range": list(states.values())}
    colour = {"field": "state", "type": "nominal", "title": "What is on", "scale": scale}
    width = quantity("width", None, scale=None, legend=None)
    told = [
        tip("state", "What is on"),
        tip("start", "From epoch"),
        tip("stop", "To epoch"),
        tip("runs", "Kinds of run"),
    ]
    layers: list[JSON] = [
        {
            "transform": only("fork"),
            "mark": {"type": "rule", "color": "$soft", "strokeWidth": 1.25},
            "encoding": {"x": x, "y": y, "y2": {"field": "to"}},
        },
        {
            "transform": only("stretch"),
            "mark": {"type": "rule", "strokeCap": "butt"},
            "encoding": {
                "x": x,
                "x2": {"field": "stop"},
                "y": y,
                "color": colour,
                "strokeWidth": width,
                "tooltip": told,
            },
        },
        {
            "transform": only("end"),
            "mark": {"type": "point", "filled": True, "size": 40, "color": "$ink", "stroke": "$paper"},
            "encoding": {"x": {**x, "field": "stop"}, "y": y, "tooltip": [tip("run", "Ends here")]},
        },
        {
            "transform": only("label"),
            "mark": {
                "type": "text",
                "align": "left",
                "baseline": "middle",
                "dx": 8,
                "color": "$ink",
                "fontSize": 10,
                "lineBreak": "\n",
            },
            "encoding": {"x": {**x, "field": "stop"}, "y": y, "text": {"field": "run"}},
        },
    ]
    return Panel("", specification(rows, layers), max(map(len, states)), 30 + step * (lanes + 1))
