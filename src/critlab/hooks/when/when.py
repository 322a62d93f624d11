"""``critlab.when``: the best time of a switch in a user's own training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.user_code.modules import refresh
from critlab._core.user_code.values import is_whole
from critlab.analysis.timing import Design, Timing, TimingTable, judge_timing, run_design
from critlab.analysis.timing.costs import steps_spent, switch_costs
from critlab.analysis.timing.table import Cell
from critlab.analysis.timing.tradeoffs import tradeoffs
from critlab.engine.executors.worker import refuse_inside_a_worker
from critlab.hooks.own_loop.given import given_loop, loop_or_first
from critlab.hooks.when.answer import When
from critlab.hooks.when.cells import Cells, Metrics
from critlab.hooks.when.elsewhere import SWITCH_FUNCTIONS
from critlab.hooks.when.metrics import Goals, Tolerances, judged_metrics, leading_name
from critlab.hooks.when.options import WhenOptions
from critlab.hooks.when.study import when_study
from critlab.report.text.timing.timing import TimingWords
from critlab.store import Store
from critlab.study.runs.sequential import FEWEST_SEEDS
from critlab.study.types import MOST_EPOCHS, listed


def when(
    make: str | type | Callable[[int], Any] | None = None,
    advance: Callable[[Any, int], Any] | None = None,
    evaluate: Callable[[Any], float | Mapping[str, float]] | None = None,
    *,
    save: Callable[[Any], Any] | None = None,
    load: Callable[[Any], Any] | None = None,
    switch: Callable[[Any, bool], Any] | None = None,
    loop: str | type | None = None,
    total: int,
    seeds: int | Iterable[int] | Mapping[str, int] = 10,
    tolerance: Tolerances = None,
    goal: Goals = None,
    store: str | Path = "critlab-store",
    **named: Any,
) -> When:
    """Find the best time to flip a switch in a training loop of the user's own; safe to stop and to call again.

    Each seed trains one trunk, in which the switch is never flipped, and forks from it. A fork equals a training from
    scratch bit for bit. At first a few times are tried with three seeds. Then further times and seeds are added where
    they decide, at a level that holds over all looks (:mod:`critlab.analysis.timing.further`). An epoch is whatever one
    call of ``advance`` trains. A loop that is given as a class runs on all cores, on GPUs or on a Ray cluster, as in
    :func:`critlab.probe`; functions run in this process.

    Args:
        make: ``make(seed) -> training``, with the switch off; see :class:`~critlab.hooks.when.learner.SwitchLoop`. Or
            the loop: ``"my_module:MyLoop"`` or the class itself, with the six functions as methods.
        advance: ``advance(training, epoch)`` trains one epoch in place; may return the loss.
        evaluate: ``evaluate(training)`` at the end: a number, or a mapping of numbers by name.
        save: ``save(training) -> nested dictionaries of tensors and numbers``, with what the switch changes.
        load: ``load(saved) -> training``.
        switch: ``switch(training, on)`` is called when the switch changes, before the epoch; it changes the training
            in place, or returns another one.
        loop: the class, in place of the six functions.
        total: epochs of every training; as a time it stands for never.
        seeds: the most that are used: how many, or which; or ``{"first": 3, "most": 10}``. Fewer are used where they
            decide. Three are the fewest that can decide anything.
        tolerance: the largest loss that does not matter, in the unit of the metric; or one for each metric. It can be
            left out where ``metric`` says its smallest damage of interest.
        goal: ``"max"`` or ``"min"``, by default the direction of ``metric``, else ``"max"``; or a mapping of several
            metrics, the leading one first: further runs are placed by it, and the answer has a table of trade-offs.
        store: a folder.
        named: fields of :class:`~critlab.hooks.when.options.WhenOptions` by name, such as ``direction``, ``times``,
            ``present``, ``metric`` and ``cost``; or ``options``, which the others replace.

    Returns:
        The answer: ``best.epoch``, ``best.low``, ``best.high``, ``plateau``, ``present``, ``spent`` and ``reruns``.

    Raises:
        StudyError: the question does not hold together, the functions are not what they should be, or a number is not
            finite. What was trained before stays in the store.
        TypeError: an option that :class:`~critlab.hooks.when.options.WhenOptions` does not have.
        KeyboardInterrupt: Ctrl-C; the same call goes on from there. Other errors of the functions pass through.
    """
    refuse_inside_a_worker()
    refresh()
    options = WhenOptions.of(named)
    if not is_whole(total) or not 1 <= total <= MOST_EPOCHS:
        raise StudyError(f"when: total: received {total!r}; must be a number of epochs from 1 to {MOST_EPOCHS:,}")
    total = int(total)
    candidates = options.candidates(total)
    first, used = _seeds(seeds)
    metrics = judged_metrics(goal, tolerance, options)
    functions = {"advance": advance, "evaluate": evaluate, "save": save, "load": load, "switch": switch}
    given_as = loop_or_first(loop, make, "when")
    training = given_loop(given_as, functions, named=SWITCH_FUNCTIONS, of="when", device=options.device)
    study = when_study(training, candidates, used, total, options)
    cells = Cells(study, Store(store), training, options, leading_name(options))
    always = [total, *([] if options.present is None else [options.present])]
    design = Design.of(candidates, used, first, always, options.most_times)
    leading, first_judged = next(iter(metrics.items()))
    found: dict[Cell, Metrics] = {}

    def train(asked: Sequence[Cell]) -> dict[Cell, float]:
        trained = cells.train(asked)
        found.update(trained)
        return {cell: first_judged.value(values, leading) for cell, values in trained.items()}

    given: dict[str, Any] = {"goal": first_judged.goal, "tolerance": first_judged.tolerance, "present": options.present}
    timings = {leading: run_design(design, train, never=total, **given)}
    for name, one in [*metrics.items()][1:]:
        table = TimingTable.of({cell: one.value(values, name) for cell, values in found.items()}, candidates, total)
        given = {"goal": one.goal, "tolerance": one.tolerance, "present": options.present}
        timings[name] = judge_timing(table, level=design.level, **given)
    return _answer(timings, found, total, options, {name: one.words for name, one in metrics.items()})


def _answer(
    timings: Mapping[str, Timing],
    found: Mapping[Cell, Metrics],
    total: int,
    options: WhenOptions,
    words: Mapping[str, TimingWords],
) -> When:
    spent, reruns = steps_spent(found, total)
    costs = None
    if options.cost is not None:
        try:
            costs = switch_costs(found, total, options.cost, options.direction == "off")
        except ValueError as error:
            raise StudyError(f"when: {error}") from None
    rows = tradeoffs(timings, costs) if len(timings) > 1 or costs is not None else ()
    return When(timings, found, spent, reruns, total, costs, rows, words, options.name)


def _seeds(given: int | Iterable[int] | Mapping[str, int]) -> tuple[int, Sequence[int]]:
    """How many seeds come first, and all that may be used."""
    first, chosen = FEWEST_SEEDS, given
    if isinstance(given, Mapping):
        if set(given) != {"first", "most"}:
            raise StudyError(f"when: seeds: received {dict(given)!r}; a table must have the keys first and most")
        first, chosen = given["first"], given["most"]
    numbers = _numbers(chosen)
    if not numbers or min(numbers) < 0 or len(set(numbers)) != len(numbers):
        raise StudyError(f"when: seeds: received {given!r}; must be a number above 0, or different whole numbers")
    if not is_whole(first) or first < FEWEST_SEEDS or (isinstance(given, Mapping) and first > len(numbers)):
        raise StudyError(
            f"when: seeds: received first = {first!r}; must be from {FEWEST_SEEDS}, the fewest seeds that can decide "
            "anything, to most"
        )
    return first, numbers


def _numbers(chosen: Any) -> list[int]:
    """The seeds that a number or a list stands for; none where it is neither."""
    several = listed(chosen)
    if is_whole(several):
        return list(range(several))
    return [int(one) for one in several] if isinstance(several, list) and all(map(is_whole, several)) else []
