"""Networks of a study in another process: from the message that begins its work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from critlab._core.errors import CritlabError
from critlab.engine.learner import Learner, network_training
from critlab.engine.study_run import StudyRun

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet


def network_work(setup: Mapping[str, Any], images: ImageSet | None) -> tuple[StudyRun, Learner]:
    """The study that a message describes, and what learns it.

    Args:
        setup: the message of :func:`critlab.engine.executors.worker.setup_message`.
        images: the study's images; None where this process reads them.

    Raises:
        CritlabError: the data or the user's own code changed since the message was written.
    """
    from critlab.data import load

    run = StudyRun.read(setup)
    if images is None:
        here = load(run.study.data, Path(setup["folder"]) if setup["folder"] else None, run.study.task.targets)
        if here.fingerprint != run.ids.fingerprint:
            raise CritlabError("the data changed while the study was running; run the study again")
    else:
        here = _own(images)
    return run, network_training().learner(run.study, here, run.numerics, setup["device"])


def _own(images: ImageSet) -> ImageSet:
    """A copy of ``images`` that may be written to, which what lies in a cluster's memory may not."""
    values = {field.name: getattr(images, field.name) for field in fields(images)}
    return replace(images, **{name: value.copy() for name, value in values.items() if hasattr(value, "flags")})
