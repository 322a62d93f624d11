"""A user's own code is tried before it trains for the first time in a store; the study's record remembers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from critlab._core.digest import digest
from critlab._core.loading.imports import is_path
from critlab._core.terminal.text import say
from critlab._core.user_code.identity import OwnCode
from critlab.engine.learner import network_training
from critlab.engine.records.own_code import own_codes
from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import all_records
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store
from critlab.study.runs.origin import Numerics
from critlab.study.study import Study

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
