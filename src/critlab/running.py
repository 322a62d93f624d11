"""``critlab.plan``, ``run``, ``load_results``, ``merge_stores`` and ``calibrate``: what is done with whole studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from critlab._core.errors import StoreError, StoreUnwritable, StudyError
from critlab._core.terminal.text import say
from critlab._core.user_code.values import flag, instance, one_of, path, whole
from critlab.analysis.calibration.calibrate import Progress
from critlab.analysis.calibration.calibrate import calibrate as calibrate_designs
from critlab.analysis.calibration.results import Calibration
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.engine.context import Device, Precision, RunOptions
from critlab.engine.maintenance.merge import Merged, merge
from critlab.engine.planning.plan import Plan
from critlab.engine.planning.processors import default_workers
from critlab.engine.records.look_record import now_in_play
from critlab.hooks.calls import check_call
from critlab.papers.ours.standard_designs import COUNTS, standard_designs
from critlab.sequential.cost import plan as plan_study
from critlab.sequential.loop import run_study_to_answer
from critlab.store import Store
from critlab.study.runs.estimands import named_contrasts
from critlab.study.runs.parts import Part
from critlab.study.study import Study

MOST_SIMULATED = 200
"""Most seeds of a study that is calibrated."""


def run(
    study: Study,
    store: str | Path = "critlab-store",
    *,
    workers: int | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    data: str | Path | None = None,
    engine: str = "processes",
    replace: bool = False,
    remeasure: bool = False,
    part: str | Part | None = None,
) -> Results:
    """Trains and measures what ``store`` lacks of ``study``, and reads the whole study from it.

    Where the study is one whose seeds or points are added, it does so until the answer is decided, or the budget spent.

    Args:
        study: the question.
        store: a folder; made if it is missing. Everything in it is named by digest, so studies can share one.
        workers: processes of one thread each; by default one per core.
        device: ``auto`` takes a GPU where there is one.
        precision: ``auto`` is what the store has recorded for the study; at first what the study says, else bfloat16
            where a timed step is at least 1.3 times as fast in it as in float32.
        data: the folder of the data; by default ``$CRITLAB_DATA``, else the user's cache folder.
        engine: the executor, where tasks run: ``processes`` of this machine, ``inline`` in the calling process, ``ray``
            on the Ray cluster at ``RAY_ADDRESS``; or another one of ``critlab list executors``.
        replace: let the study take over its name where the store holds another study of that name.
        remeasure: make readings again that are kept from an earlier version of their measure.
        part: ``"1/4"`` does the first of four parts of the work, seeds first, then branches; see
            :class:`critlab.study.runs.parts.Part`. The parts may share the store, or have stores of their own, which
            :func:`critlab.merge_stores` merges.

    Returns:
        The results, also where some runs failed or diverged: their outcomes say so.

    Raises:
        KeyboardInterrupt: Ctrl-C; the same call goes on from there.
        StoreError: another program deletes files of the store, again and again.
        StoreUnwritable: the disk is full, or the store may not be written; what is done is kept.
        StudyError: the study does not fit its data, or the store holds another study of its name.
        DataError: the data are missing or damaged.
    """
    _check_study(study, "study")
    place = Store(store)
    one_of(device, "device", get_args(Device))
    one_of(precision, "precision", get_args(Precision))
    means = RunOptions(
        _workers(workers),
        device,
        precision,
        _folder(data),
        engine,
        replace=flag(replace, "replace"),
        remeasure=flag(remeasure, "remeasure"),
        part=None if part is None else Part.read(part, "part"),
    )
    instance(engine, "engine", str, "the name of an executor, such as processes")
    report, stage, results = run_study_to_answer(study, place, means, say)
    if report.outcome.unwritable:
        raise StoreUnwritable(report.outcome.unwritable)
    if report.outcome.stopped:
        raise KeyboardInterrupt
    if report.outcome.vanished:
        raise StoreError(f"{report.outcome.vanished}; find out which program deletes files there, then repeat the call")
    return results or read_results(stage, place)


def merge_stores(stores: Sequence[str | Path], into: str | Path | None = None) -> Merged:
    """Put every record, measurement, state and look of several stores into one; the others stay as they are.

    Args:
        stores: two folders at least, or one with ``into``.
        into: the folder of the merged store, new or not; by default the first of ``stores``.

    Returns:
        What was written, what failed its check and was left out, and what the merged studies lack.

    Raises:
        StudyError: a folder is no store, or two stores hold different studies of one name; nothing was written.
        StoreError: two stores contradict each other, with the files; nothing was written.
        StoreUnwritable: the disk is full, or the folder may not be written.
    """
    instance(stores, "stores", (list, tuple), "a list of folders")
    places = [Store(path(one, "stores", StoreError)) for one in stores]
    return merge(places, None if into is None else Store(path(into, "into", StoreError)))


def plan(
    study: Study,
    store: str | Path = "critlab-store",
    *,
    workers: int | None = None,
    measure: bool = False,
    data: str | Path | None = None,
    part: str | Part | None = None,
) -> Plan:
    """The cost of ``study``, given what ``store`` knows; trains nothing and creates nothing.

    Args:
        study: the question.
        store: a folder, which need not exist.
        workers: processes that would train; by default one per core.
        measure: load the data and time a step now.
        data: the folder of the data; by default ``$CRITLAB_DATA``, else the user's cache folder.
        part: as in :func:`run`: what is left and its time are then those of that part.

    Raises:
        StudyError: it shall measure, and this process is a worker.
        DataError: it shall measure, and the data are missing or damaged.
    """
    _check_study(study, "study")
    chosen = None if part is None else Part.read(part, "part")
    count = _workers(workers) or default_workers()
    measured, folder = flag(measure, "measure"), _folder(data)
    return plan_study(study, Store(store), workers=count, measure=measured, folder=folder, part=chosen)


def calibrate(
    study: Study | None = None, *, studies: int | None = None, seed: int = 0, progress: Progress | None = None
) -> Calibration:
    """How often the design of ``study`` is judged right and wrong, from simulated studies; trains nothing.

    Args:
        study: whose runs, controls, points and number of seeds are simulated; by default three standard designs with
            3, 4, 5, 10 and 20 seeds. Each is also simulated with seeds added from 3 to 20 until the answer is decided.
        studies: simulated for each row; by default 400, and 100 for the standard designs: less than a minute.
        seed: of all random numbers.
        progress: called with the number of finished parts and of all.

    Raises:
        StudyError: an argument is not what it should be, or the study has too few seeds or no runs to compare.
    """
    if study is not None:
        _check_study(study, "study")
    studies = (100 if study is None else 400) if studies is None else whole(studies, "studies", 1)
    seed = whole(seed, "seed", 0)
    if progress is not None:
        check_call(progress, ("finished", "all"), "progress")
    if study is None:
        return calibrate_designs(standard_designs(), COUNTS, studies, seed, progress=progress)
    plan = study.sequential.counts if study.sequential else None
    most = max(len(study.seeds), *(plan or (0,)))
    if most > MOST_SIMULATED:
        raise StudyError(f"seeds: the study has up to {most:,}; calibrate simulates at most {MOST_SIMULATED}")
    if not any(one.name == "lasting_damage" for one in named_contrasts(study)):
        raise StudyError(
            f"{study.name}: received a sweep without lasting damage to judge; give it a removal epoch, or an onset of "
            "windows"
        )
    return calibrate_designs([study], [len(study.seeds)], studies, seed, plan, progress)


def load_results(study: Study, store: str | Path = "critlab-store") -> Results:
    """The results of ``study`` as far as they are in ``store``; trains nothing.

    Raises:
        StudyError: the study was never run in that store.
        StoreError: the store cannot be read.
    """
    _check_study(study, "study")
    place = Store(store)
    return read_results(now_in_play(study, place), place)


def _check_study(study: object, name: str) -> None:
    instance(study, name, Study, "a critlab.Study, such as critlab.read_study(...) or critlab.removal_sweep(...) gives")


def _workers(given: int | None) -> int | None:
    return None if given is None else whole(given, "workers", 1)


def _folder(data: str | Path | None) -> Path | None:
    return None if data is None or data == "" else path(data, "data")
