"""What must hold between a task and the other parts of a study; each problem with its place in the study."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Location, shown
from critlab.deficits.target_form import TargetForm
from critlab.learning_tasks import CLASSIFICATION

if TYPE_CHECKING:
    from critlab.study.setup import Setup
    from critlab.study.study import Study

Found = Iterator[tuple[Location, str]]


def task_misfits(base: Setup) -> Found:
    """What of a set-up does not go with its task, as far as it is known without reading the data."""
    task = base.task
    if (form := base.data.form()) is not None:
        yield from told(("task",), task.check_form, form)
        yield from _targets(base, task.targets)
    if (shape := base.data.shape()) is not None:
        yield from told(("task",), task.check_examples, shape)
    yield from told(("objective",), base.objective.check_task, task)
    if not is_path(base.model.name):
        yield from told(("model",), base.model.check_task, task, prefix="")
    for name, options in base.measures.items():
        yield from told(("measures", name), options.check_task, task)


def _targets(base: Setup, targets: TargetForm) -> Found:
    """Whether the data can have such labels."""
    data = base.data
    yield from told(("data",), data.check_targets, targets, prefix="")
    known = data.known()
    if known is not None and targets.kind == "classes" and targets.classes not in (None, known.classes):
        text = f"received {base.task.name!r}, which has {targets.classes} classes, but {data.name} has {known.classes}"
        yield ("task",), f"{text}; choose another task or other data"


def statistics_misfits(study: Study) -> Found:
    """Thresholds that the metric cannot reach; those of a metric of a user's own are not looked at before it runs."""
    if study.task.metric is not None and is_path(study.task.metric):
        return
    if study.any_score and study.task == CLASSIFICATION:
        return
    metric = study.metric
    if metric.least is None or metric.most is None:
        return
    for field in ("smallest_damage", "tolerance"):
        value = getattr(study.statistics, field)
        if value is not None and value >= metric.most - metric.least:
            text = f"received {shown(value)}; must be less than {metric.most - metric.least:g}"
            yield ("statistics", field), text


def told(place: Location, check: Callable[[Any], None], value: Any, prefix: str = r"deficit\.") -> Found:
    """A component's own message as a problem at its place in the study.

    Args:
        place: of the component.
        check: raises StudyError.
        value: what it is asked about.
        prefix: a regular expression of what stands before a field with which the message may begin.
    """
    try:
        check(value)
    except StudyError as error:
        text = str(error)
        begins = re.match(rf"{prefix}(\w+): ", text)
        yield ((*place, begins[1]), text[begins.end() :]) if begins else (place, text)
