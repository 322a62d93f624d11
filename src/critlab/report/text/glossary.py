"""The glossary of a page: what its words mean, of those that a study uses."""

from __future__ import annotations

from critlab.analysis.tables.results import Results
from critlab.learning_tasks.metric import Metric
from critlab.report.text.names import capital

FISHER = (
    "How strongly the network's output distribution depends on its weights. Shown is its trace, per example, in nats "
    "squared."
)


def glossary(results: Results) -> list[tuple[str, str]]:
    """Terms and meanings: a point of the sweep, damage, and Fisher information where it was measured."""
    study = results.study
    words = study.sweep.words
    found = [(capital(words.point), words.meaning)] if words.meaning else []
    found.append(("Damage", _damage(study.metric)))
    if any(row.quantity.startswith("fisher") for row in results.rows):
        found.append(("Fisher information", FISHER))
    return found


def _damage(metric: Metric) -> str:
    ends = "the clean control", "the run with the deficit"
    first, second = ends if metric.better == "higher" else ends[::-1]
    return (
        f"Final test {metric.title} of {first} minus that of {second}, for the same seed: the same initial weights and "
        "the same order of data."
    )
