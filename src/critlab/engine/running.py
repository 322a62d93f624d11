"""Doing what a store lacks of a study, from the images on disk to the last reading."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from critlab.duration import duration
from critlab.engine import timing
from critlab.engine.interruption import Interruption, interruptible
from critlab.engine.keeping import kept_paths, state_bytes
from critlab.engine.local import Ending, execute
from critlab.engine.names import Names
from critlab.engine.numerics import decide
from critlab.engine.processors import default_workers
from critlab.engine.progress import Display
from critlab.engine.study_record import StudyRecord, read_record, write_record
from critlab.engine.work import Work, outstanding
from critlab.engine.worker import IN_WORKER
from critlab.engine.writing import provenance
from critlab.entry import is_path
from critlab.errors import StudyError
from critlab.store import Store
from critlab.study.origin import Numerics
from critlab.study.study import Study
from critlab.study.tree import build

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

Precision = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class Means:
    """With what a study is run.

    Args:
        workers: processes; None is one per core.
        device: where to compute; ``auto`` takes a GPU where there is one.
        precision: ``auto`` is what the store has recorded; at first what the study says, or what a timed step decides.
        folder: where the data lie; None is ``$CRITLAB_DATA``, else the user's cache folder.
    """

    workers: int | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    folder: Path | None = None


@dataclass(frozen=True)
class Report:
    """What one command did: epochs trained and replayed, how it ended, and the exit status that says so."""

    trained: int
    replayed: int
    ending: Ending
    status: int


def run_study(study: Study, store: Store, means: Means) -> Report:
    """Trains and measures what ``store`` lacks of ``study``; safe to kill and to call again.

    Raises:
        StudyError: the study does not fit its data, or cannot be run with these means; nothing was created.
        DataError: the data are missing or not what they should be; nothing was created.
        StoreError: the store cannot be used.
    """
    _refuse_inside_a_worker()
    images = _images(study, means.folder)
    record = read_record(store, study)
    device = _device(means.device)
    decision = decide(study, images, record, means.precision, device)
    numerics, grounds = decision.numerics, record.decision if record else decision.grounds()
    names, tree = Names(study, images.fingerprint, numerics), build(study)
    store.remove_unfinished()
    kept = kept_paths(tree, len(study.seeds), state_bytes(study))
    work = outstanding(tree, study.seeds, names, store, kept)
    write_record(
        store,
        study,
        StudyRecord(
            study.model_dump(mode="json"), images.fingerprint, numerics, {**provenance(), "device": device}, grounds
        ),
    )
    if record is None and decision.seconds:
        Console(stderr=True).print(f"precision: {decision.why}", markup=False, highlight=False, soft_wrap=True)
    if not work.tasks:
        return Report(0, 0, Ending(), 0)
    _forget_failures(work, names, store)
    setup = _setup(study, store, means, names, device)
    return _work(study, work, names, store, setup, means, device)


def _work(
    study: Study, work: Work, names: Names, store: Store, setup: dict[str, Any], means: Means, device: str
) -> Report:
    workers = means.workers or default_workers(device)
    total = work.trained + work.replayed
    with interruptible() as interruption, Display(study.name, total) as display:
        ending = execute(work.tasks, setup, workers, display, interruption)
        for failure in ending.failures:
            body = {"seed": failure.seed, "reason": failure.reason}
            store.write("failures", names.state(failure.seed, failure.path), body)
        if ending.stopped:
            display.console.print(
                f"stopped after {display.done} of {total} epochs; nothing is lost: the same command goes on from here",
                markup=False,
                soft_wrap=True,
            )
        elif display.done:
            display.console.print(f"{display.done} epochs in {duration(display.elapsed())}", markup=False)
            timing.remember(study, names.numerics, display.elapsed() * workers / display.done)
    return Report(work.trained, work.replayed, ending, _status(ending, interruption))


def _status(ending: Ending, interruption: Interruption) -> int:
    if ending.stopped:
        return interruption.status
    return 1 if ending.failures else 0


def _refuse_inside_a_worker() -> None:
    if os.environ.get(IN_WORKER):
        raise StudyError(
            "a worker process imported a script that starts a study; put the call under 'if __name__ == \"__main__\":'"
        )


def _images(study: Study, folder: Path | None) -> ImageSet:
    """The images, checked against the rest of the study where only reading them tells."""
    from critlab.data import load

    images = load(study.data, folder)
    shape, train = tuple(images.train_images.shape[1:]), len(images.train_labels)
    if study.optimizer.batch > train:
        raise StudyError(
            f"optimizer.batch: received {study.optimizer.batch}; must be at most {train}, the training images"
        )
    for deficit in (study.deficit, *study.controls.deficits):
        deficit.check_examples(shape)
    study.model.check(shape)
    if is_path(study.model.name):
        study.model.build(shape, images.classes)
    return images


def _device(asked: Device) -> str:
    if asked == "cpu":
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise StudyError("--device: received cuda, but torch finds no GPU; use --device cpu")
    return "cuda" if there else "cpu"


def _setup(study: Study, store: Store, means: Means, names: Names, device: str) -> dict[str, Any]:
    numerics: Numerics = names.numerics
    return {
        "kind": "setup",
        "study": study.model_dump(mode="json"),
        "fingerprint": names.fingerprint,
        "numerics": numerics.model_dump(),
        "store": str(store.root.absolute()),
        "folder": str(means.folder.absolute()) if means.folder else None,
        "device": device,
        "sys_path": [os.path.abspath(entry) for entry in sys.path],
    }


def _forget_failures(work: Work, names: Names, store: Store) -> None:
    for task in work.tasks:
        for step in task.steps:
            store.remove("failures", names.state(task.seed, step.path))
