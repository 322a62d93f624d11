"""Doing what a store lacks of a study, from the images on disk to the last reading."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from critlab._core.duration import duration
from critlab._core.errors import StudyError
from critlab._core.imports import is_path
from critlab._core.user_code.modules import refresh
from critlab.engine.executors import ray_cluster
from critlab.engine.executors.processes import execute
from critlab.engine.executors.worker import refuse_inside_a_worker, setup_message
from critlab.engine.interruption import Interruption, interruptible
from critlab.engine.maintenance.repair import set_aside_damaged
from critlab.engine.maintenance.study_files import whole
from critlab.engine.planning import timing
from critlab.engine.planning.disk_space import megabytes, needed_bytes, shortage
from critlab.engine.planning.first_run import rehearse_once
from critlab.engine.planning.numerics import Decision, decide
from critlab.engine.planning.processors import default_workers
from critlab.engine.planning.retention import retained_paths, state_bytes
from critlab.engine.progress import Display
from critlab.engine.records.adoption import settle
from critlab.engine.records.measure_versions import kept_versions, remarks
from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord, enter, standing, write_record
from critlab.engine.survey import missing_controls
from critlab.engine.tasks.missing_work import MissingWork, find_missing_work
from critlab.engine.tasks.task_queue import Failure, RunOutcome, TaskQueue
from critlab.store import Store
from critlab.store.locks import Locks, writing
from critlab.study.checks import interventions, read_data
from critlab.study.origin import Numerics
from critlab.study.remarks import deficit_remarks
from critlab.study.study import Study
from critlab.study.tree import build

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

Precision = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cpu", "cuda"]
Engine = Literal["local", "ray"]


@dataclass(frozen=True)
class RunOptions:
    """With what a study is run.

    Args:
        workers: processes; None is one per core.
        device: where to compute; ``auto`` takes a GPU where there is one.
        precision: ``auto`` is what the store has recorded; at first what the study says, or what a timed step decides.
        folder: where the data lie; None is ``$CRITLAB_DATA``, else the user's cache folder.
        engine: ``local`` is one process per core of this machine, ``ray`` a Ray cluster.
        gpu_share: which share of a GPU a task of the Ray engine takes, above 0 and at most 1.
        replace: let the study take over its name where the store holds another study of that name.
        remeasure: make readings again that are kept from an earlier version of their measure.
    """

    workers: int | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    folder: Path | None = None
    engine: Engine = "local"
    gpu_share: float = 1.0
    replace: bool = False
    remeasure: bool = False


ROUNDS = 3
"""How often what disappeared from the store is made again before the command gives up."""

GIVEN_UP = "stopping here: find out which program deletes files there, then repeat the command"


@dataclass(frozen=True)
class Report:
    """What one command did.

    Args:
        trained: epochs trained.
        replayed: epochs trained again for a reading or a state that was not kept.
        ending: how the work ended.
        status: the exit status that says so; 0 only where everything was read back from the store.
    """

    trained: int
    replayed: int
    ending: RunOutcome
    status: int


def run_study(study: Study, store: Store, means: RunOptions) -> Report:
    """Trains and measures what ``store`` lacks of ``study``; safe to kill and to call again.

    At the end the store is read again. What vanished from it in the meantime is made again, :data:`ROUNDS` times at
    most.

    Raises:
        StudyError: the study does not fit its data, cannot be run with these means, or the store holds another study
            of its name; nothing was created.
        DataError: the data are missing or not what they should be; nothing was created.
        StoreError: the store cannot be used.
    """
    refuse_inside_a_worker()
    store.check_place()
    refresh()
    if means.engine == "ray":
        ray_cluster.ray_module()
    before = standing(store, study)
    if not means.replace and (question := before.question(study, store)):
        raise StudyError(question)
    images, record = _images(study, means.folder), before.record
    device = _device(means.device)
    decision = decide(study, images, record, means.precision, device)
    rehearsed = rehearse_once(study, store, record, images, decision.numerics, device)
    report = Report(0, 0, RunOutcome(), 0)
    for turn in range(ROUNDS + 1):
        done = _round(study, store, images, decision, device, rehearsed, means, turn)
        if done is None:
            break
        report = replace(done, trained=report.trained + done.trained, replayed=report.replayed + done.replayed)
        if report.status:
            break
    return report


def _round(
    study: Study,
    store: Store,
    images: ImageSet,
    decision: Decision,
    device: str,
    rehearsed: str | None,
    means: RunOptions,
    turn: int,
) -> Report | None:
    """Looks at the store and does what it lacks; None where it lacks nothing.

    After the first turn, what is lacking was there before; after the last turn, it is not made again.
    """
    with writing(store.root, _say) as locks:
        if not turn:
            found = standing(store, study)
            for file, why in found.damaged:
                _say(f"{store.root / file}: {why}; rewriting the record of this study")
            if decision.seconds and found.record is None:
                _say(f"precision: {decision.why}")
        record = _recorded(study, store, images, decision, device, rehearsed, locks, means)
        if not turn:
            for remark in remarks(study, record.versions or {}):
                _say(remark)
        names = record.names(study)
        tree = build(study, names.adopted)
        store.remove_unfinished()
        if not turn:
            for name in set_aside_damaged(tree, study.seeds, names, store):
                _say(f"checkpoint {name} is damaged and was moved to quarantine; computing it again")
        kept = retained_paths(tree, len(study.seeds), state_bytes(study))
        work = find_missing_work(tree, study.seeds, names, store, kept)
        if not work.tasks:
            write_record(store, replace(record, complete=whole(study, names, tree)))
            return None
        if turn:
            ending = RunOutcome(vanished=_vanished(work, store))
            _say(f"{ending.vanished}; {'repeating this work' if turn < ROUNDS else GIVEN_UP}")
            if turn == ROUNDS:
                return Report(0, 0, ending, 1)
        elif missing := missing_controls(study, tree, work):
            _say(f"training only the missing controls: {', '.join(missing)}")
        _forget_failures(work, names, store)
        setup = setup_message(study, store, means.folder, names, device, locks is not None)
        again = partial(find_missing_work, tree, study.seeds, names, store, kept)
        return _work(study, work, again, store, images, locks, setup, means)


def _vanished(work: MissingWork, store: Store) -> str:
    """What was written in this command and is no longer there, in a clause."""
    counts = {"epoch": work.trained, "reading": work.readings, "checkpoint": work.replayed}
    lost = [f"{count:,} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count]
    return f"{store.root}: {' and '.join(lost)} disappeared from the store while this command ran"


def _recorded(
    study: Study,
    store: Store,
    images: ImageSet,
    decision: Decision,
    device: str,
    rehearsed: str | None,
    locks: Locks | None,
    means: RunOptions,
) -> StudyRecord:
    """The study's record, once it is written; of two processes that begin at once, the first decides."""
    with locks.waited(f"study {study.name}") if locks else nullcontext():
        before = standing(store, study).record
        numerics = before.numerics if before else decision.numerics
        grounds = before.decision if before else decision.grounds()
        made_by = {**provenance(), "device": device}
        asked = study.model_dump(mode="json")
        code = settle(study, store, before, images.fingerprint, numerics)
        for remark in code.remarks:
            _say(remark)
        record = StudyRecord(asked, images.fingerprint, numerics, made_by, grounds, code.recorded)
        record = replace(record, chance=images.chance, rehearsed=rehearsed)
        decided = before.versions if before else None
        kept = {} if means.remeasure else kept_versions(study, store, record.names(study), decided)
        return enter(store, study, replace(record, versions=kept), means.replace)


def _work(
    study: Study,
    work: MissingWork,
    survey: Callable[[], MissingWork],
    store: Store,
    images: ImageSet,
    locks: Locks | None,
    setup: dict[str, Any],
    means: RunOptions,
) -> Report:
    workers = means.workers or default_workers(setup["device"])
    numerics = Numerics.read(setup["numerics"], "numerics")
    names = StudyIds(study, setup["fingerprint"], numerics, setup["adopted"], setup["versions"])
    size = state_bytes(study)

    def record(failure: Failure) -> None:
        body = {"seed": failure.seed, "reason": failure.reason}
        store.write("failures", names.state(failure.seed, failure.path), body)

    with interruptible() as interruption, Display(study.name, work.trained + work.replayed) as display:
        if warning := shortage(needed_bytes(work, size), store):
            display.remark(f"warning: {warning}")
        agenda = TaskQueue(work, survey, display, record)
        if means.engine == "ray":
            share = means.gpu_share
            ending = ray_cluster.execute(agenda, setup, images, names, store, locks, means.workers, share, interruption)
        else:
            ending = execute(agenda, setup, workers, interruption)
        if ending.stopped:
            display.remark(_broken_off(ending, display, survey, size))
        elif display.done:
            display.remark(f"{display.done} epochs in {duration(display.elapsed())}")
            if not ending.shared:
                timing.remember(study, names.numerics, _at_work(study, display.elapsed()) * workers / display.done)
    return Report(ending.trained, ending.replayed, ending, _status(ending, interruption))


def _at_work(study: Study, elapsed: float) -> float:
    """Of the seconds since workers were started, those in which they worked, as far as their start was ever timed."""
    start = timing.recall_start(study)
    return max(elapsed - start.workers, 0.0) or elapsed if start else elapsed


def _broken_off(ending: RunOutcome, display: Display, survey: Callable[[], MissingWork], size: int | None) -> str:
    """What a person reads where the work was stopped before its end."""
    done = f"stopped after {display.done} of {display.total} epochs"
    if not ending.unwritable:
        return f"{done}; nothing is lost: repeat the same command to continue"
    needed = needed_bytes(survey(), size)
    room = "" if needed is None else f"; the remaining work needs about {megabytes(needed)}"
    return (
        f"{done}: {ending.unwritable}{room}; all finished work is kept. Fix this, then repeat the "
        "same command to continue"
    )


def _say(text: str) -> None:
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def _status(ending: RunOutcome, interruption: Interruption) -> int:
    if ending.unwritable:
        return 1
    if ending.stopped:
        return interruption.status
    return 1 if ending.failures else 0


def _images(study: Study, folder: Path | None) -> ImageSet:
    """The images, checked against the rest of the study as far as the data must be read for it."""
    from critlab.data import load

    images = load(study.data, folder)
    shape, train = tuple(images.train_images.shape[1:]), len(images.train_labels)
    if study.optimizer.batch > train:
        raise StudyError(
            f"optimizer.batch: received {study.optimizer.batch}; must be at most {train}, the number of training images"
        )
    read_data(study, shape, tuple(images.train_labels.shape[1:]), images.classes)
    for remark in images.remarks():
        _say(f"data: {remark}")
    for remark in deficit_remarks(study, shape):
        _say(remark)
    reset = {layer for one in interventions(study) for layer in one.reset_layers}
    if reset or is_path(study.model.name):
        model = study.model.build(shape, images.classes)
        if reset:
            from critlab.training.interventions import check_layers

            check_layers(model, reset)
    return images


def _device(asked: Device) -> str:
    if asked == "cpu":
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise StudyError("--device: received cuda, but torch finds no GPU; use --device cpu")
    return "cuda" if there else "cpu"


def _forget_failures(work: MissingWork, names: StudyIds, store: Store) -> None:
    for task in work.tasks:
        for step in task.steps:
            store.remove("failures", names.state(task.seed, step.path))
