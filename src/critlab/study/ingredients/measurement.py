"""What is read, when, and under which name: measuring is named apart from training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from critlab._core.component import describe_component
from critlab._core.digest import digest
from critlab.learning_tasks import CLASSIFICATION, LearningTask, training_identity
from critlab.learning_tasks.metric import Metric
from critlab.measures import MEASURES, Measure
from critlab.measures.quantity import Quantity
from critlab.study.runs.recipe import Recipe
from critlab.study.study import Setup, Study

if TYPE_CHECKING:
    from critlab.study.runs.run import Run
    from critlab.study.runs.tree import Node

TEST = "test"
"""The measure that every study has: metrics and loss on the clean test data."""

LOSSES = (
    Quantity("test_loss", "Test loss", log=True, better="lower"),
    Quantity("train_loss", "Training loss", log=True, better="lower"),
)


def task_quantities(task: LearningTask) -> tuple[Quantity, ...]:
    """What every study of a task measures, whichever measures it has: its metrics and the losses."""
    metrics = [task.scoring(name).facts for name in dict.fromkeys((*task.recorded, *task.followed))]
    return (*(one for metric in metrics for one in _of_metric(metric)), *LOSSES)


def _of_metric(metric: Metric) -> Iterator[Quantity]:
    """The quantities of a metric on test and training data."""
    unit = "fraction" if metric.in_points else metric.unit
    for name, part in ((metric.test, "Test"), (metric.train, "Training")):
        yield Quantity(name, f"{part} {metric.title}", unit, better=metric.better, least=metric.least, most=metric.most)


@dataclass(frozen=True)
class Measurement:
    """Which measure is read with which options.

    Args:
        name: of the measure.
        options: of the measure; None for the test score (:data:`TEST`), which is no component.
        recipe: of the state's last epoch; None at the start.
        by_image: whether a test also says which of the test images are classified correctly.
    """

    name: str
    options: Measure | None
    recipe: Recipe | None
    by_image: bool = False


def scheduled_measures(base: Setup, node: Node) -> Iterator[str]:
    """The measures read in a state: the test where it is due, the others every so many epochs from 0 on.

    A test is due after each epoch that counts for some run of the study (``node.tested``), and otherwise after every
    ``evaluation.every`` epochs.
    """
    if node.tested or (node.epoch > 0 and node.epoch % base.evaluation.every == 0):
        yield TEST
    for name, options in base.measures.items():
        if node.epoch % options.every == 0:
            yield name


@dataclass(frozen=True)
class ConvergenceWindow:
    """Where the test accuracy of the shortest clean run is compared to find out whether it still rises.

    Args:
        run: the shortest clean run under the study's own schedule.
        start: the epoch at which the last third of its training begins; always tested.
        width: so many epochs up to ``start`` are compared with as many at the end, as far as they were tested.
    """

    run: Run
    start: int
    width: int


def convergence_window(study: Study) -> ConvergenceWindow | None:
    """Where a study's clean run is judged for convergence; None where it is too short."""
    run = min((run for run in study.runs if run.role == "control"), key=lambda run: run.total, default=None)
    if run is None or run.total < 2:
        return None
    start = run.total - max(1, run.total // 3)
    return ConvergenceWindow(run, start, min(study.statistics.final_epochs, run.total - start, start))


def quantities(base: Setup) -> dict[str, Quantity]:
    """What the study measures, by name: what every study does, then the quantities that its measures declare."""
    declared = [*task_quantities(base.task), *(one for options in base.measures.values() for one in options.quantities)]
    return {one.name: one for one in declared}


def options_of(base: Setup, name: str) -> Measure | None:
    """The options of one of the study's measures; None for the test score."""
    return None if name == TEST else base.measures[name]


def interval(base: Setup, name: str) -> int:
    """How many epochs lie between two readings of one of the study's measures; final epochs are always tested."""
    return base.evaluation.every if name == TEST else base.measures[name].every


def read_with(base: Setup, measure: str, fingerprint: str, version: int | None = None) -> tuple[dict[str, Any], str]:
    """The JSON values that name a measure, and the name of the images that it is read on.

    When a measure is read (``every``) does not change what it reads, and is no part of the name.

    Args:
        base: whose measure it is.
        measure: its name.
        fingerprint: content hash of the images in use.
        version: of the measure; None is the present one.
    """
    if measure == TEST:
        return _test_identity(base), digest("probe", "test", fingerprint)
    spec = {k: v for k, v in describe_component(base.measures[measure], MEASURES).items() if k != "every"}
    return spec if version is None else {**spec, "version": version}, digest("probe", "train", fingerprint)


def _test_identity(base: Setup) -> dict[str, Any]:
    """What names a test: the evaluation, and of another task than the first one what it asks and records."""
    named = {"name": TEST, "version": 1, **base.evaluation.identity()}
    if base.task == CLASSIFICATION:
        return named
    return {**named, "task": training_identity(base.task), "metrics": base.task.test_identity()}
