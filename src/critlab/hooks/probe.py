"""Forks of a user's training: the same sweep, tree, store, statistics and page as critlab's own studies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import Tensor

from critlab._core.digest import digest
from critlab._core.errors import StudyError
from critlab._core.user_code.modules import refresh
from critlab.analysis.reading import read_results
from critlab.analysis.results import Results
from critlab.deficits import Deficit
from critlab.engine.interruption import interruptible
from critlab.engine.maintenance.repair import set_aside_damaged
from critlab.engine.maintenance.study_files import whole
from critlab.engine.planning.retention import retained_paths
from critlab.engine.progress import Display
from critlab.engine.records.adoption import settle, study_bodies
from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord, enter, standing, write_record
from critlab.engine.tasks.execute import CheckpointMissing, Replayed, Stopped, Trained, execute_task
from critlab.engine.tasks.missing_work import MissingWork, Task, find_missing_work
from critlab.engine.tasks.ready_tasks import ReadyTasks
from critlab.engine.tasks.writer import Writer
from critlab.hooks.deprivation import BatchDeficit, DataInfo
from critlab.hooks.own_loop import OwnLearner, OwnLoop, check_resume
from critlab.hooks.own_study import ProbeStudy, probe_study
from critlab.store import Store
from critlab.store.locks import writing
from critlab.study.origin import Numerics
from critlab.study.tree import Tree, build
from critlab.study.types import Removal, listed

DEVICE = "the loop's own"


def probe(
    make: Callable[[int], Any],
    advance: Callable[[Any, int, BatchDeficit], Mapping[str, float]],
    evaluate: Callable[[Any], float | Mapping[str, float]],
    *,
    save: Callable[[Any], Any],
    load: Callable[[Any], Any],
    deficit: Deficit,
    at: Iterable[Removal] | None = None,
    onsets: Iterable[int] | None = None,
    length: int | None = None,
    recovery: int | None = None,
    total: int | None = None,
    seeds: int | Iterable[int] = 3,
    controls: Iterable[Deficit] = (),
    store: str | Path = "critlab-store",
    name: str = "probe",
    model: str = "the model",
    data: str = "its own data",
    version: str | None = None,
    smallest_damage: float = 0.01,
    final_epochs: int = 1,
    examples: int = 0,
    classes: int = 0,
    normalised: tuple[Any, Any] | None = None,
    all_labels: Tensor | None = None,
    check: bool = True,
    replace: bool = False,
) -> Results:
    """Runs a removal or a window sweep with a training loop of the user's own; safe to stop and to call again.

    Everything runs in this process, one run after the other; what runs share is trained once. An epoch is whatever one
    call of ``advance`` trains: it may be a hundred steps of a long training.

    Args:
        make: ``make(seed) -> state``; see :class:`~critlab.hooks.own_loop.OwnLoop` for the five functions.
        advance: ``advance(state, epoch, deprive) -> {"train_loss": ..., "train_accuracy": ...}``.
        evaluate: ``evaluate(state) -> accuracy``, a fraction; any number of which more is better does.
        save: ``save(state) -> nested dictionaries of tensors and numbers``.
        load: ``load(saved) -> state``.
        deficit: what is applied to the data.
        at: removal epochs, increasing, of a deficit from epoch 0 on; may end in ``"never"``. Or give ``onsets``.
        onsets: where a deficit of ``length`` epochs begins.
        length: of such a window.
        recovery: epochs after the deficit; or give ``total``.
        total: epochs of every run.
        seeds: how many, or which.
        controls: further deficits in the same sweep, as negative controls.
        store: a folder.
        name: of the study in the store.
        model: what the page calls the model.
        data: what the page calls the data.
        version: names the loop and its data in the store; where it is left out, the code of ``make``, ``advance`` and
            ``evaluate`` does: their text, their modules, and the modules of your own that these import. Data files, and
            values that other code puts into a module, critlab cannot see: give another version when they change.
        smallest_damage: the smallest damage of interest, in the unit of ``evaluate``.
        final_epochs: how many last epochs are averaged; at most the recovery.
        examples: how many training examples there are, for deficits that treat each the same way in the whole run.
        classes: how many classes there are, for deficits of labels.
        normalised: mean and standard deviation by which inputs were normalised before ``deprive`` sees them.
        all_labels: of all training examples, for deficits that withhold some.
        check: whether to train three epochs first, to see that a saved state goes on as if it had not been saved.
        replace: let the study take over its name where the store holds another study of that name.

    Returns:
        The results: curve, verdict, table; :func:`critlab.report` makes their page.

    Raises:
        StudyError: the question does not hold together, or the functions are not what they should be.
        KeyboardInterrupt: Ctrl-C; the same call goes on from there. Other errors of the functions pass through.
    """
    refresh()
    loop, place = OwnLoop(make, advance, evaluate, save, load), Store(store)
    knowledge = DataInfo(examples, classes, normalised, all_labels)
    study = probe_study(
        loop,
        deficit,
        name=name,
        seeds=seeds,
        sweep=_sweep(at, onsets, length, recovery, total),
        controls=controls,
        statistics={"final_epochs": final_epochs, "smallest_damage": smallest_damage},
        model=model,
        data=data,
        version=version,
        knowledge=knowledge,
        recorded=_recorded(place, name),
    )
    learner = OwnLearner(loop, knowledge)
    with writing(place.root, _say) as locks, locks.waited(f"probe {name}") if locks else nullcontext():
        stopped = _run(study, place, learner, check, replace)
    if stopped:
        raise KeyboardInterrupt
    return read_results(study, place)


def _sweep(
    at: Iterable[Removal] | None,
    onsets: Iterable[int] | None,
    length: int | None,
    recovery: int | None,
    total: int | None,
) -> dict[str, Any]:
    if (at is None) == (onsets is None) or (onsets is not None) != (length is not None):
        raise StudyError("probe: give at= for a removal sweep, or onsets= and length= for a window sweep")
    given: dict[str, Any] = {"kind": "removal", "at": listed(at)} if at is not None else {"kind": "window"}
    if onsets is not None:
        given |= {"onsets": listed(onsets), "length": length}
    return given | {key: value for key, value in (("recovery", recovery), ("total", total)) if value is not None}


def _recorded(store: Store, name: str) -> Mapping[str, str]:
    """What an earlier critlab wrote into the record of that probe: the digests of its functions' text."""
    models = [body["study"].get("model") for body in study_bodies(store) if body["study"].get("name") == name]
    found = (model for model in models if isinstance(model, Mapping) and "source_of_make" in model)
    return {key: f"{value}" for key, value in next(found, {}).items() if key.startswith("source_of_")}


def _run(study: ProbeStudy, store: Store, learner: OwnLearner, check: bool, replaces: bool) -> bool:
    """Does what the store lacks; returns whether a stop was requested before its end."""
    if not replaces and (question := standing(store, study).question(study, store)):
        raise StudyError(question.replace("critlab run --replace", "critlab.probe(..., replace=True)"))
    fingerprint = digest("own data", study.data.identity())
    code = settle(study, store, standing(store, study).record, fingerprint, Numerics())
    for remark in code.remarks:
        _say(remark)
    made_by = {**provenance(), "device": DEVICE}
    record = StudyRecord(study.model_dump(mode="json"), fingerprint, Numerics(), made_by, code=code.recorded)
    names = record.names(study)
    tree = build(study, names.adopted)
    store.remove_unfinished()
    for name in set_aside_damaged(tree, study.seeds, names, store):
        _say(f"checkpoint {name} is damaged and was moved to quarantine; computing it again")
    if not find_missing_work(tree, study.seeds, names, store, frozenset()).tasks:
        entered = enter(store, study, record, replaces)
        write_record(store, dataclasses.replace(entered, complete=whole(study, names, tree)))
        return False
    if check:
        check_resume(learner, study.seeds[0])
    kept = retained_paths(tree, len(study.seeds), _state_bytes(learner, study.seeds[0]))
    work = find_missing_work(tree, study.seeds, names, store, kept)
    entered = enter(store, study, record, replaces)
    with interruptible() as interruption, Display(study.name, work.trained + work.replayed) as display:
        while work.tasks and not interruption.asked:
            _round(work, tree, names, store, learner, display, lambda: interruption.asked)
            work = find_missing_work(tree, study.seeds, names, store, kept)
    if not work.tasks:
        write_record(store, dataclasses.replace(entered, complete=whole(study, names, tree)))
    return bool(work.tasks)


def _state_bytes(learner: OwnLearner, seed: int) -> int:
    """About what a checkpoint takes: an optimiser's memory, up to twice the weights, comes with the first step."""
    return 3 * sum(array.nbytes for array in learner.pack(learner.start({"seed": seed})).values())


def _round(
    work: MissingWork,
    tree: Tree,
    names: StudyIds,
    store: Store,
    learner: OwnLearner,
    display: Display,
    stop: Callable[[], bool],
) -> None:
    """Does the tasks in order; where a checkpoint proves damaged, what depends on it is left to the next look."""
    schedule = ReadyTasks(work.tasks)
    while (task := schedule.next()) is not None and not stop():
        try:
            diverged = _perform(task, tree, names, store, learner, display, stop)
        except CheckpointMissing:
            schedule.dropped(task)
            continue
        if diverged:
            display.diverged(task, diverged)
            schedule.dropped(task)
        else:
            schedule.done(task)


def _perform(
    task: Task,
    tree: Tree,
    names: StudyIds,
    store: Store,
    learner: OwnLearner,
    display: Display,
    stop: Callable[[], bool],
) -> str:
    """Does one task and writes it down; returns why it diverged, or nothing."""
    writer = Writer(store, names, task, DEVICE)
    for event in execute_task(task, tree, names, learner, store.load_state, stop):
        writer.write(event)
        if isinstance(event, Trained) and event.body["status"] == "diverged":
            return str(event.body["note"])
        if isinstance(event, Trained):
            display.epoch(event.body["seconds"])
        elif isinstance(event, Replayed):
            display.epoch(event.seconds)
        elif isinstance(event, Stopped):
            return ""
        display.tick()
    writer.finish()
    return ""


def _say(text: str) -> None:
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)
