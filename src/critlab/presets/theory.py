"""A theory's figure: computed once, kept in the store by digest, drawn and compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from critlab.digest import digest
from critlab.engine.writing import provenance
from critlab.entry import imported
from critlab.report.chart import Chart
from critlab.report.findings import Comparison, Findings
from critlab.store import Store

Tables = dict[str, list[dict[str, Any]]]
"""What a figure is computed to: tables by name, each a list of plain JSON rows."""


@dataclass(frozen=True)
class Theory:
    """A figure of papers 3 and 4, which has no runs.

    Args:
        module: where its functions lie: ``compute(scale) -> Tables``, ``charts(tables) -> [Chart]`` and
            ``compare(tables) -> [Comparison]``, each followed by the figure's name in lower case and underscores.
        question: what it asks.
        source: paper and figure.
        published: the published numbers, in words; empty where there are none.
        costs: what each scale costs, in words; the first is the default.
        version: raised whenever its tables change.
    """

    module: str
    question: str
    source: str
    published: str
    costs: dict[str, str]
    version: int = 1

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales that it has, the first one by default."""
        return tuple(self.costs)

    def found(self, name: str, scale: str, store: Store) -> Findings:
        """The figure ``name`` at ``scale``: its tables from ``store``, or computed and kept there."""
        key = digest("figure", name, scale, self.version)
        body = store.read("figures", key)
        if body is None:
            began = time.perf_counter()
            tables: Tables = self._function("compute", name)(scale)
            seconds = time.perf_counter() - began
            body = {"figure": name, "scale": scale, "tables": tables, "seconds": seconds, **provenance()}
            store.write("figures", key, body)
        charts: Sequence[Chart] = self._function("charts", name)(body["tables"])
        comparisons: Sequence[Comparison] = self._function("compare", name)(body["tables"])
        made = {"scale": scale, **{k: v for k, v in body.items() if k not in ("tables", "figure", "scale")}}
        command = f"critlab reproduce {name} --scale {scale}"
        return Findings(name, self.question, self.source, charts, comparisons, made, command)

    def _function(self, what: str, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = imported(f"{self.module}:{what}_{name.replace('-', '_')}")
        return function
