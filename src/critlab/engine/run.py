"""Doing what a store lacks of a study, from the images on disk to the last measurement."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from critlab._core.errors import StudyError
from critlab._core.terminal.duration import duration
from critlab._core.terminal.text import say
from critlab._core.user_code.modules import refresh
from critlab.data.folder import data_folder
from critlab.engine.context import Device, RunContext, RunOptions
from critlab.engine.coordinator import coordinate
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors.finding import find_executor, refuse_prompt
from critlab.engine.executors.worker import refuse_inside_a_worker
from critlab.engine.interruption import Interruption, interruptible
from critlab.engine.learner import Learner, network_training
from critlab.engine.maintenance.repair import set_aside_damaged
from critlab.engine.planning import timing
from critlab.engine.planning.disk_space import megabytes, needed_bytes, shortage
from critlab.engine.planning.first_run import rehearse_once
from critlab.engine.planning.fitting_images import fitting_images
from critlab.engine.planning.numerics import Decision, decide
from critlab.engine.planning.opening import opening
from critlab.engine.planning.parts import part_end, part_text, share_of
from critlab.engine.planning.test_labels import constants, metric_remarks
from critlab.engine.progress import Display
from critlab.engine.records.adoption import settle
from critlab.engine.records.command_record import Begun, add_command
from critlab.engine.records.examples_record import add_examples
from critlab.engine.records.measure_versions import kept_versions, remarks
from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import enter, standing, write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.missing_work import MissingWork
from critlab.engine.tasks.task_queue import RunOutcome, TaskQueue
from critlab.learning_tasks import CLASSIFICATION
from critlab.store import Store
from critlab.store.disk.locks import Locks, writing
from critlab.study.checks import refuse_own_clock, refuse_twins
from critlab.study.remarks import deficit_remarks, unused_remarks
from critlab.study.study import Study

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

ROUNDS = 3
"""How often what disappeared from the store is made again before the command gives up."""

GIVEN_UP = "stopping here: find out which program deletes files there, then repeat the command"


@dataclass(frozen=True)
class Report:
    """What one command did.

    Args:
        trained: epochs trained.
        replayed: epochs trained again for a reading or a state that was not kept.
        outcome: how the work ended.
        status: the exit status that says so; 0 only where everything was read back from the store.
    """

    trained: int
    replayed: int
    outcome: RunOutcome
    status: int


@dataclass(frozen=True)
class _Prepared:
    """What is known of a study before its store is opened for writing."""

    study: Study
    store: Store
    options: RunOptions
    executor: type[TaskExecutor]
    images: ImageSet
    decision: Decision
    device: str
    rehearsed: str | None


def run_study(study: Study, store: Store, options: RunOptions) -> Report:
    """Trains and measures what ``store`` lacks of ``study``; safe to kill and to call again.

    At the end the store is read again. What vanished from it in the meantime is made again, :data:`ROUNDS` times at
    most.

    Raises:
        StudyError: the study does not fit its data, cannot be run with these options, or the store holds another study
            of its name; nothing was created.
        DataError: the data are missing or not what they should be; nothing was created.
        StoreError: the store cannot be used.
    """
    refuse_inside_a_worker()
    store.check_place()
    begun = Begun.now()
    refresh()
    executor = find_executor(options.executor)
    refuse_prompt(study, executor)
    before = standing(store, study)
    if not options.replace and (question := before.question(study, store)):
        raise StudyError(question)
    if before.record is None:
        refuse_own_clock(study)
    images, record = _images(study, options), before.record
    if record is not None and record.fingerprint != images.fingerprint:
        say("data: other content than in the earlier run of this study; its results are kept, and all is trained again")
    device = _device(options.device)
    decision = decide(study, images, record, options.precision, device)
    rehearsed = rehearse_once(study, store, record, images, decision.numerics, device)
    prepared = _Prepared(study, store, options, executor, images, decision, device, rehearsed)
    report = Report(0, 0, RunOutcome(), 0)
    for turn in range(ROUNDS + 1):
        done = _round(prepared, turn)
        if done is None:
            break
        report = replace(done, trained=report.trained + done.trained, replayed=report.replayed + done.replayed)
        if report.status:
            break
    if report.trained or report.replayed:
        record = standing(store, study).record
        if record is not None:
            add_command(store, study, record.ids(study), begun, device, report.trained)
    return report


def work_off(
    work: MissingWork, context: RunContext, executor: type[TaskExecutor], display: Display, interruption: Interruption
) -> tuple[RunOutcome, int | None]:
    """Executes ``work``; returns how it ended, and how many tasks were executed at once, if that is known."""
    run = context.run
    context = replace(context, stopping=lambda: interruption.asked, remark=display.remark)
    queue = TaskQueue(work, run.missing, display, run.record_failure, interruption)
    started = executor(context)
    for _ in coordinate(queue, started):
        pass
    return queue.outcome, started.workers


def _round(prepared: _Prepared, turn: int) -> Report | None:
    """Looks at the store and does what it lacks; None where it lacks nothing.

    After the first turn, what is lacking was there before; after the last turn, it is not made again.
    """
    study, store = prepared.study, prepared.store
    with writing(store.root, say) as locks:
        if not turn:
            found = standing(store, study)
            for file, why in found.damaged:
                say(f"{store.root / file}: {why}; rewriting the record of this study")
            if prepared.decision.seconds and found.record is None:
                say(f"precision: {prepared.decision.why}")
        record = _recorded(prepared, locks)
        run = replace(record.run(study, store), restore=prepared.options.restore, part=prepared.options.part)
        if not turn:
            if (share := share_of(run)) is not None:
                say(part_text(share))
            for remark in remarks(study, record.versions or {}):
                say(remark)
        store.remove_unfinished()
        if not turn:
            report_damaged(run)
            add_examples(store, study, prepared.images)
        work = run.missing()
        if not work.tasks:
            left = work if run.part is None else run.whole.missing()
            if run.part is not None:
                say(part_end(run.part, left))
            if not left.tasks:
                write_record(store, replace(record, complete=run.complete()))
            return None
        if turn:
            outcome = RunOutcome(vanished=_vanished(work, store))
            say(f"{outcome.vanished}; {'repeating this work' if turn < ROUNDS else GIVEN_UP}")
            if turn == ROUNDS:
                return Report(0, 0, outcome, 1)
        elif missing := run.missing_controls(work):
            say(f"training only the missing controls: {', '.join(missing)}")
        run.forget_failures(work)
        return _work(prepared, run, work, locks)


def report_damaged(run: StudyRun) -> None:
    """Moves damaged checkpoints to quarantine, and says which."""
    for name in set_aside_damaged(run):
        say(f"checkpoint {name} is damaged and was moved to quarantine; computing it again")


def _vanished(work: MissingWork, store: Store) -> str:
    """What was written in this command and is no longer there, in a clause."""
    counts = {"epoch": work.trained, "reading": work.readings, "checkpoint": work.replayed}
    lost = [f"{count:,} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count]
    return f"{store.root}: {' and '.join(lost)} disappeared from the store while this command ran"


def _recorded(prepared: _Prepared, locks: Locks | None) -> StudyRecord:
    """The study's record, once it is written; of two processes that begin at once, the first decides."""
    study, store, images = prepared.study, prepared.store, prepared.images
    with locks.waited(f"study {study.name}") if locks else nullcontext():
        before = standing(store, study).record
        numerics = before.numerics if before else prepared.decision.numerics
        grounds = before.decision if before else prepared.decision.grounds()
        made_by = {**provenance(), "device": prepared.device}
        asked = study.model_dump(mode="json")
        code = settle(study, store, before, images.fingerprint, numerics)
        for remark in code.remarks:
            say(remark)
        record = StudyRecord(asked, images.fingerprint, numerics, made_by, grounds, code.recorded)
        record = replace(record, rehearsed=prepared.rehearsed)
        if study.task == CLASSIFICATION:
            record = replace(record, chance=images.chance)
        else:
            record = replace(record, constants=constants(study, images))
        decided = before.versions if before else None
        kept = {} if prepared.options.remeasure else kept_versions(record.run(study, store), decided)
        return enter(store, study, replace(record, versions=kept), prepared.options.replace)


def _work(prepared: _Prepared, run: StudyRun, work: MissingWork, locks: Locks | None) -> Report:
    study, images, device = prepared.study, prepared.images, prepared.device

    def make_learner() -> Learner:
        return network_training().learner(study, images, run.numerics, device)

    context = RunContext(run, device, make_learner, images, locks, prepared.options)
    during = None if prepared.options.during is None else partial(prepared.options.during, study)
    epochs = work.trained + work.replayed
    say(opening(study, work, run.numerics, prepared.options.workers))
    with interruptible() as interruption, Display(study.name, epochs, during=during) as display:
        if warning := shortage(needed_bytes(work, run.state_bytes), run.store):
            display.remark(f"warning: {warning}")
        outcome, workers = work_off(work, context, prepared.executor, display, interruption)
        if outcome.stopped:
            display.remark(_broken_off(outcome, display, run))
        elif display.done:
            display.remark(f"{display.done} epochs in {duration(display.elapsed())}")
            if workers is not None and not outcome.shared:
                timing.remember(study, run.numerics, _at_work(study, display.elapsed()) * workers / display.done)
    return Report(outcome.trained, outcome.replayed, outcome, _status(outcome, interruption))


def _at_work(study: Study, elapsed: float) -> float:
    """Of the seconds since workers were started, those in which they worked, as far as their start was ever timed."""
    start = timing.recall_start(study)
    return max(elapsed - start.workers, 0.0) or elapsed if start else elapsed


def _broken_off(outcome: RunOutcome, display: Display, run: StudyRun) -> str:
    """What a person reads where the work was stopped before its end."""
    done = f"stopped after {display.done} of {display.total} epochs"
    if not outcome.unwritable:
        return f"{done}; nothing is lost: repeat the same command to continue"
    needed = needed_bytes(run.missing(), run.state_bytes)
    room = "" if needed is None else f"; the remaining work needs about {megabytes(needed)}"
    return (
        f"{done}: {outcome.unwritable}{room}; all finished work is kept. Fix this, then repeat the "
        "same command to continue"
    )


def _status(outcome: RunOutcome, interruption: Interruption) -> int:
    if outcome.unwritable:
        return 1
    if outcome.stopped:
        return interruption.status
    return 1 if outcome.failures else 0


def _images(study: Study, options: RunOptions) -> ImageSet:
    """The images that the study fits; says what a person should know of them."""
    images = fitting_images(study, options.folder)
    example_shape = tuple(images.train_images.shape[1:])
    refuse_twins(study, example_shape)
    read_as = (
        study.data.options.reading_remarks(data_folder(options.folder), study.task.targets)
        if study.data.options
        else []
    )
    for remark in [*read_as, *images.remarks()]:
        say(f"data: {remark}")
    for remark in [*unused_remarks(study), *deficit_remarks(study, example_shape), *metric_remarks(study, images)]:
        say(remark)
    return images


def _device(asked: Device) -> str:
    if asked == "cpu":
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise StudyError("--device: received cuda, but torch finds no GPU; use --device cpu")
    return "cuda" if there else "cpu"
