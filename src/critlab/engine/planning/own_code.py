"""What a plan finds out of the user's own code before the data are read: whether it is there, and what it builds."""

from __future__ import annotations

from collections.abc import Iterator

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, is_path
from critlab.engine.planning.retention import built_bytes, known_outputs
from critlab.study.study import Study
from critlab.study.switches import switch_key


def not_imported(study: Study) -> Iterator[str]:
    """One line for each module of the user's own that cannot be imported; without it the study cannot be run."""
    paths: dict[str, object] = {
        "data.name": study.data.name,
        "model.name": study.model.name,
        "optimizer.name": study.optimizer.name,
        "augment.transform": study.augment.transform if study.augment else None,
        "task.metric": study.task.metric,
        **{f"switch.{switch_key(switch)}": getattr(switch, "value", None) for switch in study.switch or ()},
    }
    for field, path in paths.items():
        if isinstance(path, str) and is_path(path):
            try:
                imported(path, field)
            except CritlabError as error:
                yield f"the study cannot be run yet: {error}"


def own_model(study: Study) -> tuple[int | None, list[str]]:
    """Bytes of a checkpoint of a model of the user's own, which is built without memory, and remarks.

    Returns:
        None for the bytes where the shape of the data is not known, or where the model needs memory or fails.

    Raises:
        StudyError: the model cannot be built, with memory or without.
    """
    if not is_path(study.model.name):
        return None, []
    try:
        facts = study.data.declared()
        imported(study.model.name)
    except CritlabError:
        return None, []  # not_imported says it
    if facts is None:
        return None, []
    try:
        outputs = known_outputs(study, facts.classes)
        return built_bytes(study, study.data.padded(facts.shape), outputs, memory=False), []
    except StudyError as error:
        if error.__cause__ is None:
            raise
        # what the code itself raised may be due to the missing memory
        return None, [f"{error}; the plan built it without memory, use --measure to build it with memory"]
    except Exception:
        return None, []  # such as tensors of the model that have no size yet
