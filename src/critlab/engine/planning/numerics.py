"""Decide how numbers are computed, once for each study and store, by timing a step where nothing else decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from critlab._core.errors import StudyError
from critlab._core.loading.imports import one_line
from critlab.engine.learner import network_training
from critlab.engine.planning import timing
from critlab.engine.records.study_record import StudyRecord
from critlab.study.runs.origin import WORTH, Numerics
from critlab.study.study import Study

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet


@dataclass(frozen=True)
class Decision:
    """What was decided, why, and on what grounds.

    Args:
        numerics: how numbers are computed.
        why: in words.
        seconds: what a step took an image, by precision; empty where nothing was timed.
    """

    numerics: Numerics
    why: str
    seconds: Mapping[str, float] = field(default_factory=dict)

    def grounds(self) -> dict[str, object]:
        """The JSON values that the study's record keeps."""
        return {"why": self.why, **({"seconds_per_image": dict(self.seconds)} if self.seconds else {})}


def settled(study: Study, record: StudyRecord | None, asked: str = "auto", device: str = "cpu") -> Decision | None:
    """The decision as far as it needs no timing: recorded, asked for, part of the study, or timed here before.

    Args:
        study: the question.
        record: what the store knows of it.
        asked: ``auto``, or a precision.
        device: where it would run.

    Returns:
        None where a step must be timed first.

    Raises:
        StudyError: the study was started with another precision.
    """
    if record is not None:
        _refuse_another(study, record, asked)
        return Decision(record.numerics, "recorded by the first run in this store")
    if asked != "auto":
        return Decision(Numerics(precision=asked), "as asked")
    if study.precision is not None:
        return Decision(Numerics(precision=study.precision), "as the study says")
    known = timing.recall_steps(study, device)
    return None if known is None else faster(known)


def decide(
    study: Study, images: ImageSet, record: StudyRecord | None, asked: str = "auto", device: str = "cpu"
) -> Decision:
    """The decision; where nothing settles it, a step is timed in both precisions, and kept for the next time.

    A step that breaks is left to the workers, which say what broke and where: the decision is float32.
    """
    found = settled(study, record, asked, device)
    if found is not None:
        return found
    try:
        seconds = network_training().step_seconds(study, images, device)
    except Exception as error:
        return Decision(Numerics(), f"float32, because timing a step failed: {one_line(error)}")
    timing.remember_steps(study, device, seconds)
    return faster(seconds)


def faster(seconds: Mapping[str, float]) -> Decision:
    """bfloat16 where its step is at least :data:`WORTH` times as fast as in float32."""
    ratio = seconds["float32"] / seconds["bfloat16"]
    chosen = "bfloat16" if ratio >= WORTH else "float32"
    why = (
        f"{chosen}, because a step in bfloat16 is {ratio:.2f} times as fast as in float32 "
        f"({seconds['bfloat16'] * 1e3:.3g} and {seconds['float32'] * 1e3:.3g} ms an image; threshold {WORTH})"
    )
    return Decision(Numerics(precision=chosen), why, seconds)


def _refuse_another(study: Study, record: StudyRecord, asked: str) -> None:
    begun = record.numerics.precision
    if asked not in ("auto", begun):
        raise StudyError(
            f"--precision: received {asked}, but this store has the study in {begun}; "
            "omit the option or use another --store"
        )
    if asked == "auto" and study.precision not in (None, begun):
        raise StudyError(
            f"precision: received {study.precision!r}, but this store has the study in {begun}; "
            f'set precision = "{begun}", omit it, or use another --store'
        )
