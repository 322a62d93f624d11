"""Examples with and without the deficit, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.analysis.tables.results import Results
from critlab.report.text.names import window_words
from critlab.report.text.numbers import signed

MISSING = (
    "Examples are recorded where the data are read: they need the data, which are not here. Repeat critlab run where "
    "the data are; it trains nothing again."
)
LABELS: Mapping[str, str] = {
    "classes": "its class",
    "multi_hot": "which labels it has",
    "real": "its target",
    "pixels": "which classes its pixels have",
}
"""What stands below an example, by the kind of its labels; nothing where the label is a part of the example."""

OWN = "Examples need the data, which only your own training loop has."


def examples_part(results: Results) -> Mapping[str, Any]:
    """The examples in two rows, one column each; where there are none, why."""
    found = results.examples
    if found is None:
        return {"missing": MISSING if results.study.optimizer.schedule_known else OWN}
    columns = [
        {
            "clean": _shown(found.form, clean, clean),
            "deprived": _shown(found.form, deprived, clean),
            "label": _label(label),
            "deprived_label": _label(other) if other != label else "",
            "withheld": withheld,
        }
        for clean, deprived, label, other, withheld in zip(
            found.clean, found.deprived, found.labels, found.deprived_labels, found.withheld, strict=False
        )
    ]
    return {
        "form": found.form,
        "columns": columns,
        "deficit": window_words(results.study),
        "labels": LABELS.get(results.study.task.targets.kind, ""),
        "changed": any(one["deprived"] != one["clean"] for one in columns) or any(one["withheld"] for one in columns),
        "relabelled": any(one["deprived_label"] for one in columns),
    }


def _shown(form: str, example: Any, clean: Any) -> Any:
    """A picture as its text; tokens and numbers with whether each is other than in the clean example."""
    if form == "images":
        return str(example)
    cells = example if isinstance(example, Sequence) else ()
    beside = clean if isinstance(clean, Sequence) else ()
    pairs = zip(cells, [*beside, *[None] * len(cells)], strict=False)
    return [{"text": signed(f"{cell:g}"), "changed": cell != before} for cell, before in pairs]


def _label(label: Any) -> str:
    if label is None:
        return ""
    if label == []:
        return "none"
    return ", ".join(map(str, label)) if isinstance(label, Sequence) and not isinstance(label, str) else str(label)
