"""What a study costs, before it is run; torch-free unless a step is timed, which also starts workers."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from critlab._core.errors import DataError
from critlab.data.class_counts import ClassCounts, class_counts
from critlab.data.folder import data_folder
from critlab.engine.context import RunContext, RunOptions
from critlab.engine.executors.worker import refuse_inside_a_worker
from critlab.engine.learner import network_training
from critlab.engine.planning import timing
from critlab.engine.planning.disk_space import RECORD_BYTES, needed_bytes, shortage
from critlab.engine.planning.first_run import not_imported, own_model
from critlab.engine.planning.numerics import Decision, decide, settled
from critlab.engine.planning.parts import part_text
from critlab.engine.planning.retention import built_bytes, retained_paths, state_bytes
from critlab.engine.records.standing import read_record
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.missing_work import MissingWork
from critlab.store import Store
from critlab.study.checks import refuse_own_clock, refuse_twins
from critlab.study.ingredients.measurement import scheduled_measures
from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.remarks import deficit_remarks, training_remarks, unused_remarks
from critlab.study.runs.parts import Part, share, within
from critlab.study.runs.tree import ROOT, Tree, build
from critlab.study.study import Study


@dataclass(frozen=True)
class Plan:
    """What a study is, and what of it is left to do.

    Args:
        study: its name.
        runs: networks, all seeds counted.
        stages: stretches between stored states, all seeds counted.
        epochs_without_sharing: epochs, were each run trained from scratch.
        epochs_with_sharing: epochs to train, each once.
        sharing_ratio: the first through the second.
        epochs_frozen: epochs of the delay controls in which nothing is trained or tested; none of the others counts
            them.
        epochs_left: epochs that the store lacks.
        replays: epochs to be trained again for readings or states that were not kept.
        readings_left: measurements that the store lacks.
        precision: in which the study is or would be computed; None where the first run times a step to decide.
        bytes: disk space of the whole study; None where it needs the data, or a built model, and no plan has
            measured it on this machine.
        bytes_free: room on the disk of the store.
        warning: a sentence where what is left to do needs more room than that; else empty.
        seconds: time that is left with these workers, their start included; None where it is unknown.
        start_seconds: of that, what comes before the first step; 0 where it was never measured.
        workers: how many processes ``seconds`` counts on.
        missing_controls: of a study that is otherwise finished, the runs that are left to train.
        remarks: what a person should know of its training and its deficits, as far as that is known before the data are
            read.
        classes: training examples by class; None where that is not known before the data are read.
        optimizer: how weights move, with the schedule of the learning rate.
        steps: steps of the optimiser in an epoch; 0 where that is not known before the data are read.
        part: what a part of the work does, where the plan is of one: what is left and its time are then its own.
        at_most: the plan with all seeds and points that may be added; None where the study fixes them.
    """

    study: str
    runs: int
    stages: int
    epochs_without_sharing: int
    epochs_with_sharing: int
    sharing_ratio: float
    epochs_frozen: int
    epochs_left: int
    replays: int
    readings_left: int
    precision: str | None
    bytes: int | None
    bytes_free: int
    warning: str
    seconds: float | None
    start_seconds: float
    workers: int
    optimizer: OptimizerSpec
    steps: int
    missing_controls: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    classes: ClassCounts | None = None
    part: str = ""
    at_most: Plan | None = None

    def document(self) -> dict[str, Any]:
        """The plan as one JSON document; ``at_most`` is in it only where seeds or points may be added.

        ``classes`` is in it only where it is known, ``part`` only in the plan of one.
        """
        plain = asdict(self)
        for one in filter(None, (plain, plain["at_most"])):
            counts, part = one.pop("classes"), one.pop("part")
            one.update({} if counts is None else {"classes": counts["counts"]})
            one.update({"part": part} if part else {})
            one["optimizer"] = self.optimizer.model_dump(mode="json")
        if self.at_most is None:
            del plain["at_most"]
        else:
            del plain["at_most"]["at_most"]
        return {"schema_version": 1, **plain}


def plan(
    study: Study,
    store: Store,
    *,
    workers: int,
    measure: bool = False,
    folder: Path | None = None,
    part: Part | None = None,
) -> Plan:
    """The plan of ``study``, given what ``store`` knows.

    Args:
        study: the question.
        store: need not exist.
        workers: how many processes would train.
        measure: load the data and time a step now.
        folder: where the data lie.
        part: of the work; None plans all of it.

    Raises:
        StudyError: a control is the same as another one or as the study itself, a model of the user's own cannot be
            built, or it shall measure, and this process is a worker.
    """
    if measure:
        refuse_inside_a_worker()
    store.check_place()
    shape = study.data.shape()
    if shape is not None:
        refuse_twins(study, shape)
    record = read_record(store, study)
    if record is None:
        refuse_own_clock(study)
    run = None if record is None else replace(record.run(study, store), part=part)
    own_bytes, not_yet = (None, []) if measure else own_model(study)
    tree, work = (build(study), None) if run is None else (run.tree, run.missing())
    seeds = len(study.seeds)
    everything = tree.epochs * seeds
    left, replays = (work.trained, work.replayed) if work else (_epochs(study, tree, part), 0)
    readings = work.readings if work else _readings(study, tree, part)
    decision, each, size = (
        _measured(study, store, record, workers, folder) if measure else _known(study, record, own_bytes)
    )
    start = timing.recall_start(study)
    before = sum(start) if start and left + replays + readings else 0.0
    whole = None if size is None else _bytes(study, tree, size)
    classes, read_as = _of_the_data(study, folder)
    return Plan(
        study=study.name,
        runs=len(study.runs) * seeds,
        stages=sum(1 for _ in tree.stages()) * seeds,
        epochs_without_sharing=study.epochs(),
        epochs_with_sharing=everything,
        sharing_ratio=study.epochs() / everything,
        epochs_frozen=seeds * sum(run.frozen_epochs for run in study.runs),
        epochs_left=left,
        replays=replays,
        readings_left=readings,
        precision=decision.numerics.precision if decision else None,
        bytes=whole,
        bytes_free=store.free_bytes(),
        warning=shortage(needed_bytes(work, size) if work else whole, store),
        seconds=None if each is None else before + each * max((left + replays) / workers, _longest(study, work)),
        start_seconds=before,
        workers=workers,
        optimizer=study.optimizer,
        steps=study.steps,
        missing_controls=run.missing_controls(work) if run and work else (),
        remarks=(
            *not_imported(study),
            *not_yet,
            *read_as,
            *training_remarks(study),
            *unused_remarks(study),
            *(() if shape is None else deficit_remarks(study, shape)),
        ),
        classes=classes,
        part="" if part is None else part_text(share(part, tree, study.seeds)),
    )


def _of_the_data(study: Study, folder: Path | None) -> tuple[ClassCounts | None, list[str]]:
    """What the user's files show without being read: classes and remarks; a plan can be made without them."""
    options = study.data.options
    try:
        counts = class_counts(study.data, folder) if study.task.targets.kind == "classes" else None
        return counts, [] if options is None else options.reading_remarks(data_folder(folder), study.task.targets)
    except DataError as error:
        return None, [f"data: {error}"]


def _longest(study: Study, work: MissingWork | None) -> int:
    """Epochs that must be trained one after the other, however many workers there are."""
    if work is None:
        return max(run.total for run in study.runs)
    return max((task.priority for task in work.tasks), default=0)


def _epochs(study: Study, tree: Tree, part: Part | None) -> int:
    return tree.epochs * len(study.seeds) if part is None else share(part, tree, study.seeds).epochs


def _readings(study: Study, tree: Tree, part: Part | None = None) -> int:
    """Measurements of all seeds, or of a part."""
    due = {path: sum(1 for _ in scheduled_measures(study, node)) for path, node in tree.nodes.items()}
    paths = None if part is None else part.paths(tree, study.seeds)
    return sum(due[path] for seed in study.seeds for path in within(paths, seed, tree))


def _known(
    study: Study, record: StudyRecord | None, own_bytes: int | None
) -> tuple[Decision | None, float | None, int | None]:
    """How numbers are computed, worker-seconds of an epoch, and bytes of a checkpoint, as far as they are known."""
    decision = settled(study, record)
    size = state_bytes(study) or own_bytes or timing.recall_state_bytes(study)
    return decision, timing.recall(study, decision.numerics) if decision else None, size


def _measured(
    study: Study, store: Store, record: StudyRecord | None, workers: int, folder: Path | None
) -> tuple[Decision, float, int | None]:
    """The same, timed now, as is what comes before the first step: reading the data and the start of the workers."""
    from critlab.engine.executors.processes import start_seconds
    from critlab.engine.planning.fitting_images import fitting_images

    began = time.perf_counter()
    images = fitting_images(study, folder)
    reading, training = time.perf_counter() - began, network_training()
    size = state_bytes(study)
    if size is None:
        labels = tuple(images.train_labels.shape[1:])
        outputs = study.task.outputs(images.classes, labels, images.form)
        size = built_bytes(study, tuple(images.train_images.shape[1:]), outputs, memory=True)
        timing.remember_state_bytes(study, size)
    decision = decide(study, images, record)
    training.try_model(study, images, decision.numerics, "cpu")
    seconds = training.epoch_seconds(study, images, decision.numerics)
    timing.remember(study, decision.numerics, seconds)
    run = StudyRun.assemble(study, StudyIds(study, images.fingerprint, decision.numerics), store)
    learner = partial(training.learner, study, images, decision.numerics, "cpu")
    context = RunContext(run, "cpu", learner, images, options=RunOptions(folder=folder))
    timing.remember_start(study, timing.Start(reading, start_seconds(context, workers)))
    return decision, seconds, size


def _bytes(study: Study, tree: Tree, size: int) -> int:
    seeds = len(study.seeds)
    kept = len(retained_paths(tree, seeds, state_bytes(study)))
    states = sum(path != ROOT for path in tree.nodes)
    return seeds * (kept * size + states * RECORD_BYTES) + _readings(study, tree) * RECORD_BYTES
