"""Forks of a user's training: the same sweep, tree, store, statistics and page as critlab's own studies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch

from critlab._core.digest import digest
from critlab._core.errors import StoreError, StudyError
from critlab._core.text import say
from critlab._core.threads import threads
from critlab._core.user_code.modules import refresh
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.deficits import Deficit
from critlab.engine.context import RunContext
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.interruption import interruptible
from critlab.engine.progress import Display
from critlab.engine.records.adoption import settle, study_bodies
from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_record import StudyRecord, enter, standing, write_record
from critlab.engine.run import report_damaged, work_off
from critlab.engine.tasks.events import Progress
from critlab.engine.tasks.missing_work import Task
from critlab.hooks.deprivation import BatchDeficit
from critlab.hooks.own_loop.learner import OwnLearner, OwnLoop
from critlab.hooks.own_loop.options import ProbeOptions
from critlab.hooks.own_loop.resume_check import check_resume
from critlab.hooks.own_loop.study import ProbeStudy, probe_study
from critlab.sequential.loop import run_to_answer
from critlab.store import Store
from critlab.store.locks import writing
from critlab.study.runs.origin import Numerics
from critlab.study.types import Removal

DEVICE = "the loop's own"


def probe(
    make: Callable[[int], Any],
    advance: Callable[[Any, int, BatchDeficit], Mapping[str, float]],
    evaluate: Callable[[Any], float | Mapping[str, Any]],
    *,
    save: Callable[[Any], Any],
    load: Callable[[Any], Any],
    deficit: Deficit,
    at: Iterable[Removal] | Mapping[str, Any] | None = None,
    recovery: int | None = None,
    seeds: int | Iterable[int] | Mapping[str, int] = 3,
    store: str | Path = "critlab-store",
    options: ProbeOptions | None = None,
    **named: Any,
) -> Results:
    """Runs a removal or a window sweep with a training loop of the user's own; safe to stop and to call again.

    Everything runs in this process, one run after the other; what runs share is trained once. An epoch is whatever one
    call of ``advance`` trains: it may be a hundred steps of a long training.

    Two controls show whether damage is harm or only lost time (see :mod:`critlab.study.runs.estimands`): a frozen
    run, whose epochs are counted without a call of ``advance``, and a restarted one, whose recovery counts them from 0.
    So ``advance`` must derive the learning rate, and everything else that depends on time, from ``epoch``.

    Args:
        make: ``make(seed) -> state``; see :class:`~critlab.hooks.own_loop.learner.OwnLoop` for the five functions.
        advance: ``advance(state, epoch, deprive) -> {"train_loss": ..., "train_accuracy": ...}``.
        evaluate: ``evaluate(state) -> accuracy``, a fraction; any number of which more is better does. Or a mapping,
            such as ``{"test_correct": correct}`` with a boolean array, one value for each test image.
        save: ``save(state) -> nested dictionaries of tensors and numbers``.
        load: ``load(saved) -> state``.
        deficit: what is applied to the data.
        at: removal epochs, increasing, of a deficit from epoch 0 on; may end in ``"never"``. Or
            ``{"first": [0, 10, 40], "most": 8}``: points are added where they narrow the closing. Or give ``onsets``
            and ``length``.
        recovery: epochs after the deficit; or give ``total``.
        seeds: how many, or which; or ``{"first": 3, "most": 20}``: seeds are added until the answer is decided.
        store: a folder.
        options: everything else; None is ``ProbeOptions()``.
        named: fields of :class:`~critlab.hooks.own_loop.options.ProbeOptions` by name; they replace those of
            ``options``.

    Returns:
        The results: curve, verdict, table; :func:`critlab.report` makes their page.

    Raises:
        StudyError: the question does not hold together, or the functions are not what they should be.
        TypeError: an option that :class:`~critlab.hooks.own_loop.options.ProbeOptions` does not have.
        KeyboardInterrupt: Ctrl-C; the same call goes on from there. Other errors of the functions pass through.
    """
    refresh()
    chosen = (options or ProbeOptions()).changed(named)
    loop, place = OwnLoop(make, advance, evaluate, save, load), Store(store)
    sweep = chosen.sweep(at, recovery)
    study = probe_study(loop, deficit, seeds, sweep, chosen, recorded=_recorded(place, chosen.name))
    learner = OwnLearner(loop, chosen.knowledge)

    def train(stage: ProbeStudy) -> bool:
        with ExitStack() as held:
            locks = held.enter_context(writing(place.root, say))
            if locks:
                held.enter_context(locks.waited(f"probe {chosen.name}"))
            held.enter_context(threads(chosen.threads))
            stopped = _run(stage, place, learner, chosen.check, chosen.replace)
        if stopped:
            raise KeyboardInterrupt
        return True

    stage, results = run_to_answer(study, place, train, say)
    return results or read_results(stage, place)


def _recorded(store: Store, name: str) -> Mapping[str, str]:
    """What an earlier critlab wrote into the record of that probe: the digests of its functions' text."""
    models = [body["study"].get("model") for body in study_bodies(store) if body["study"].get("name") == name]
    found = (model for model in models if isinstance(model, Mapping) and "source_of_make" in model)
    return {key: f"{value}" for key, value in next(found, {}).items() if key.startswith("source_of_")}


class _LoopExecutor(InlineExecutor):
    """The user's loop in the calling process; errors of the user's functions pass through."""

    def threads(self) -> AbstractContextManager[None]:
        """As many as the probe has."""
        return nullcontext()

    def execute(self, task: Task) -> Iterator[Progress]:
        """Execute one task."""
        return self.worker.execute_or_raise(task, self.context.stopping)


def _run(study: ProbeStudy, store: Store, learner: OwnLearner, check: bool, replaces: bool) -> bool:
    """Does what the store lacks; returns whether a stop was requested before its end.

    Raises:
        StoreError: another program deletes files of the store, again and again.
    """
    if not replaces and (question := standing(store, study).question(study, store)):
        raise StudyError(question.replace("critlab run --replace", "critlab.probe(..., replace=True)"))
    fingerprint = digest("own data", study.data.identity())
    code = settle(study, store, standing(store, study).record, fingerprint, Numerics())
    for remark in code.remarks:
        say(remark)
    made_by = {**provenance(), "device": DEVICE, "threads": str(torch.get_num_threads())}
    record = StudyRecord(study.model_dump(mode="json"), fingerprint, Numerics(), made_by, code=code.recorded)
    run = record.run(study, store)
    store.remove_unfinished()
    report_damaged(run)
    work = run.missing()
    if work.tasks:
        if check:
            check_resume(learner, study.seeds[0], counts=study.controls.delay or study.controls.clocks is None)
        run = dataclasses.replace(run, checkpoint_bytes=_state_bytes(learner, study.seeds[0]))
        work = run.missing()
        known = standing(store, study).record is not None
        if known and (missing := run.missing_controls(work)):
            say(f"training only the missing controls: {', '.join(missing)}")
    entered = enter(store, study, record, replaces)
    if work.tasks:
        context = RunContext(run, DEVICE, lambda: learner)
        with interruptible() as interruption, Display(study.name, work.trained + work.replayed) as display:
            while work.tasks and not interruption.asked:
                outcome, _ = work_off(work, context, _LoopExecutor, display, interruption)
                if outcome.failures:
                    raise StoreError(outcome.failures[0].reason)
                work = run.missing()
    if not work.tasks:
        write_record(store, dataclasses.replace(entered, complete=run.complete()))
    return bool(work.tasks)


def _state_bytes(learner: OwnLearner, seed: int) -> int:
    """About what a checkpoint takes: an optimiser's memory, up to twice the weights, comes with the first step."""
    return 3 * sum(array.nbytes for array in learner.pack(learner.start({"seed": seed})).values())
