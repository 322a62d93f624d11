"""Forks of a user's training: the same sweep, tree, store, statistics and page as critlab's own studies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch

from critlab._core.digest import digest
from critlab._core.errors import StudyError
from critlab._core.terminal.text import say
from critlab._core.threads import threads
from critlab._core.user_code.modules import refresh
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.deficits import Deficit
from critlab.engine.context import RunContext, RunOptions
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors.worker import refuse_inside_a_worker
from critlab.engine.planning.parts import part_end, part_text, share_of
from critlab.engine.records.adoption import settle, study_bodies
from critlab.engine.records.command_record import Begun, add_command
from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import enter, standing, write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.run import report_damaged
from critlab.engine.study_run import StudyRun
from critlab.hooks.deprivation import BatchDeficit
from critlab.hooks.named_options import given_options
from critlab.hooks.own_loop.given import GivenLoop, given_loop, importable, loop_or_first
from critlab.hooks.own_loop.learner import OwnLearner, OwnLoop
from critlab.hooks.own_loop.means import DEVICE
from critlab.hooks.own_loop.options import ProbeOptions
from critlab.hooks.own_loop.processes.probe_work import PROBE_FUNCTIONS, probe_source
from critlab.hooks.own_loop.processes.work import train_missing
from critlab.hooks.own_loop.resume_check import check_resume
from critlab.hooks.own_loop.study import ProbeStudy, probe_study
from critlab.sequential.loop import run_to_answer
from critlab.store import Store
from critlab.store.disk.locks import Locks, writing
from critlab.study.runs.origin import Numerics
from critlab.study.runs.parts import Part
from critlab.study.types import Removal


def probe(
    make: str | type | Callable[[int], Any] | None = None,
    advance: Callable[[Any, int, BatchDeficit], Mapping[str, float]] | None = None,
    evaluate: Callable[[Any], float | Mapping[str, Any]] | None = None,
    *,
    save: Callable[[Any], Any] | None = None,
    load: Callable[[Any], Any] | None = None,
    loop: str | type | None = None,
    deficit: Deficit,
    at: Iterable[Removal] | Mapping[str, Any] | None = None,
    recovery: int | None = None,
    seeds: int | Iterable[int] | Mapping[str, int] = 3,
    store: str | Path = "critlab-store",
    options: ProbeOptions | None = None,
    **named: Any,
) -> Results:
    """Runs a removal or a window sweep with a training loop of the user's own; safe to stop and to call again.

    What runs share is trained once. An epoch is whatever one call of ``advance`` trains: it may be a hundred steps of a
    long training. A loop that is given as a class runs on all cores, on GPUs or on a Ray cluster
    (:class:`~critlab.hooks.own_loop.means.LoopMeans`), and gives the same results there. Five functions run in this
    process, one run after the other. Several calls may work in one store at the same time.

    Two controls show whether damage is harm or only lost time (see :mod:`critlab.study.runs.estimands`): a frozen
    run, whose epochs are counted without a call of ``advance``, and a restarted one, whose recovery counts them from 0.
    So ``advance`` must derive the learning rate, and everything else that depends on time, from ``epoch``.

    Args:
        make: ``make(seed) -> state``; see :class:`~critlab.hooks.own_loop.learner.OwnLoop` for the five functions. Or
            the loop: ``"my_module:MyLoop"`` or the class itself, with the five functions as methods. It is made in each
            process, without arguments, or with ``device=`` where it takes that.
        advance: ``advance(state, epoch, deprive) -> {"train_loss": ..., "train_accuracy": ...}``.
        evaluate: ``evaluate(state) -> accuracy``, a fraction; any number of which more is better does. Or a mapping,
            such as ``{"test_correct": correct}`` with a boolean array, one value for each test image.
        save: ``save(state) -> nested dictionaries of tensors and numbers``.
        load: ``load(saved) -> state``.
        loop: the class, in place of the five functions.
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
        KeyboardInterrupt: Ctrl-C; the same call goes on from there. Other errors of functions pass through.
    """
    refuse_inside_a_worker()
    refresh()
    chosen, place = given_options(ProbeOptions, options, "probe").changed(named), Store(store)
    functions = {"advance": advance, "evaluate": evaluate, "save": save, "load": load}
    given = given_loop(
        loop_or_first(loop, make, "probe"), functions, named=PROBE_FUNCTIONS, of="probe", device=chosen.device
    )
    sweep = chosen.sweep(at, recovery)
    study = probe_study(given, deficit, seeds, sweep, chosen, recorded=_recorded(place, chosen.name))

    def train(stage: ProbeStudy) -> bool:
        begun = Begun.now()
        with writing(place.root, say) as locks, threads(chosen.threads):
            stopped = _run(stage, place, given, chosen, locks, begun)
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


def _run(
    study: ProbeStudy, store: Store, loop: GivenLoop, options: ProbeOptions, locks: Locks | None, begun: Begun
) -> bool:
    """Does what the store lacks; returns whether a stop was requested before its end.

    Raises:
        StoreError: another program deletes files of the store, again and again.
    """
    if not options.replace and (question := standing(store, study).question(study, store)):
        raise StudyError(question.replace("critlab run --replace", "critlab.probe(..., replace=True)"))
    fingerprint = digest("own data", study.data.identity())
    code = settle(study, store, standing(store, study).record, fingerprint, Numerics())
    for remark in code.remarks:
        say(remark)
    made_by = {**provenance(), "device": loop.device or DEVICE, "threads": str(torch.get_num_threads())}
    record = StudyRecord(study.model_dump(mode="json"), fingerprint, Numerics(), made_by, code=code.recorded)
    run = replace(record.run(study, store), part=cast("Part | None", options.part))
    if (share := share_of(run)) is not None:
        say(part_text(share))
    store.remove_unfinished()
    report_damaged(run)
    learner = OwnLearner(OwnLoop(**loop.functions), options.knowledge, study.metric.name)
    work = run.missing()
    if work.tasks:
        if options.check:
            check_resume(learner, study.seeds[0], counts=study.controls.delay or study.controls.clocks is None)
        run = replace(run, checkpoint_bytes=_state_bytes(learner, study.seeds[0]))
        work = run.missing()
        known = standing(store, study).record is not None
        if known and (missing := run.missing_controls(work)):
            say(f"training only the missing controls: {', '.join(missing)}")
    with locks.waited(f"study {study.name}") if locks else nullcontext():
        entered = enter(store, study, record, options.replace)
    if work.tasks:
        context = _context(run, learner, loop, options, locks)
        stopped = train_missing(work, context, _executor(run, loop, options), "probe")
        add_command(store, study, run.ids, begun, loop.device or DEVICE)
        if stopped:
            return True
    left = None if run.part is None else run.whole.missing()
    if run.part is not None and left is not None:
        say(part_end(run.part, left))
    if left is None or not left.tasks:
        write_record(store, replace(entered, complete=run.complete()))
    return False


def _context(
    run: StudyRun, learner: OwnLearner, loop: GivenLoop, options: ProbeOptions, locks: Locks | None
) -> RunContext:
    means = RunOptions(workers=options.workers, executor=options.executor or "processes")
    source = probe_source(loop, options.knowledge, options.threads)
    return RunContext(run, loop.device or DEVICE, lambda: learner, None, locks, means, source=source)


def _executor(run: StudyRun, loop: GivenLoop, options: ProbeOptions) -> type[TaskExecutor]:
    """What runs the tasks; deficits of the user's own must be found by other processes too."""
    deficits = [run.study.deficit, *run.study.controls.deficits]
    lost = (importable(type(one))[1] for one in deficits if one is not None)
    return options.executor_of(loop, "probe", next(filter(None, lost), ""))


def _state_bytes(learner: OwnLearner, seed: int) -> int:
    """About what a checkpoint takes: an optimiser's memory, up to twice the weights, comes with the first step."""
    return 3 * sum(array.nbytes for array in learner.pack(learner.start({"seed": seed})).values())
