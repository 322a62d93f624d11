"""A user's own code before it trains: looked at by a plan, and tried before its first run in a store.

The study's record remembers the trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from critlab._core.digest import digest
from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, is_path
from critlab._core.terminal.text import say
from critlab._core.user_code.identity import OwnCode
from critlab.engine.learner import network_training
from critlab.engine.planning.retention import built_bytes, known_outputs
from critlab.engine.records.own_code import own_codes
from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import all_records
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store
from critlab.study.runs.origin import Numerics
from critlab.study.study import Study
from critlab.study.switches import switch_key

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet


def rehearse_once(
    study: Study, store: Store, record: StudyRecord | None, images: ImageSet, numerics: Numerics, device: str
) -> str | None:
    """Tries, before a user's own code trains for the first time, whether its state can be stored and gone on from.

    Returns:
        What was tried, here or in an earlier run of any study in the store, for the record; None where nothing was.

    Raises:
        StudyError: it cannot; nothing was created.
    """
    codes = own_codes(study)
    if not codes and not is_path(study.model.name):
        return None
    tried = _to_rehearse(study, codes, images, numerics, device)
    every = [one.rehearsed for _, one in all_records(store) if isinstance(one, StudyRecord)]
    if tried in every and codes and not any(code.unread for code in codes):
        return tried
    if record is not None:
        work = record.run(study, store).missing()
        if not (work.trained or work.replayed):
            return record.rehearsed
    for remark in network_training().try_model(study, images, numerics, device):
        say(remark)
    modules = {name for code in codes for name in code.modules}
    network_training().check_resume(study, images, numerics, device, modules)
    return tried


def _to_rehearse(study: Study, codes: Sequence[OwnCode], images: ImageSet, numerics: Numerics, device: str) -> str:
    """Digest of everything that decides how a rehearsal ends."""
    # a network may fit one size of image, or one number of classes, and not another
    data = [images.train_images.shape[1:], images.train_labels.shape[1:], images.classes]
    how = [part.model_dump(mode="json") for part in (study.model, study.optimizer, study.objective, numerics)]
    code = sorted(code.digest for code in codes)
    return digest("rehearsal", how, data, code, provenance()["torch"], provenance()["python"], device)


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
