"""Is this training still sensitive to a deficit? Forks of one of its states and their clean twins answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from critlab._core.errors import StudyError
from critlab._core.terminal.progress import Progress
from critlab._core.threads import threads
from critlab._core.user_code.values import whole
from critlab.hooks.named_options import given_options
from critlab.hooks.own_loop.given import GivenLoop, given_loop, loop_or_first
from critlab.hooks.sensitivity.answer import DeficitSensitivity, Sensitivity
from critlab.hooks.sensitivity.checkpoint import packed_state, read_checkpoint
from critlab.hooks.sensitivity.course import Course
from critlab.hooks.sensitivity.deficits import AnyDeficit, named_deficits
from critlab.hooks.sensitivity.elsewhere import FORK_FUNCTIONS, Ahead, asking_forks
from critlab.hooks.sensitivity.forks import ForkLoop, Forks, ForkScores, Numbers
from critlab.hooks.sensitivity.generators import all_seeded, held_generators, kept
from critlab.hooks.sensitivity.options import SensitivityOptions

Given = Iterable[AnyDeficit] | Mapping[str, AnyDeficit]


@overload
def sensitivity(
    state: Any,
    *,
    advance: Callable[[Any, int, Any], Numbers | None] | None = None,
    evaluate: Callable[[Any], float | Mapping[str, Any]] | None = None,
    load: Callable[[Any], Any] | None = None,
    save: Callable[[Any], Any] | None = None,
    loop: str | type | None = None,
    deficits: Given,
    epoch: int,
    total: int,
    deprived: int = 4,
    clean: int = 3,
    options: SensitivityOptions | None = None,
    **named: Any,
) -> Sensitivity: ...


@overload
def sensitivity(
    state: Sequence[Any],
    *,
    advance: Callable[[Any, int, Any], Numbers | None] | None = None,
    evaluate: Callable[[Any], float | Mapping[str, Any]] | None = None,
    load: Callable[[Any], Any] | None = None,
    save: Callable[[Any], Any] | None = None,
    loop: str | type | None = None,
    deficits: Given,
    epoch: Sequence[int],
    total: int,
    deprived: int = 4,
    clean: int = 3,
    options: SensitivityOptions | None = None,
    **named: Any,
) -> Course: ...


def sensitivity(
    state: Any,
    *,
    advance: Callable[[Any, int, Any], Numbers | None] | None = None,
    evaluate: Callable[[Any], float | Mapping[str, Any]] | None = None,
    load: Callable[[Any], Any] | None = None,
    save: Callable[[Any], Any] | None = None,
    loop: str | type | None = None,
    deficits: Given,
    epoch: int | Sequence[int],
    total: int,
    deprived: int = 4,
    clean: int = 3,
    options: SensitivityOptions | None = None,
    **named: Any,
) -> Sensitivity | Course:
    """Whether a window of each deficit, from this state on, would leave lasting damage.

    Each repeat trains a clean twin and, for each deficit, a fork: ``deprived`` epochs with the deficit, then ``clean``
    epochs without, after each of which the score is read. Twin and fork see the same batches in the same order and
    draw the same random numbers; each repeat draws others. The forks of a deficit stop as soon as the interval of the
    damage, which holds at all looks, lies above or below the smallest damage of interest. A map learned on trainings
    with measured lasting damage then says how much of the damage will remain at the end of the training. Without a
    map there is the damage now and its healing, and no forecast.

    The state stays as it is, bit for bit: forks train states that ``load`` makes from what ``save`` gave. Global
    generators, and generators that the functions hold, such as that of a loader, stand afterwards where they stood.

    Args:
        state: the state, with ``save``; or, without ``save``, a checkpoint as ``load`` takes it; or the path of a file
            that ``torch.save`` wrote. With a sequence of epochs, a sequence of these.
        advance: ``advance(state, epoch, deprive)`` trains one epoch in place, as in :func:`critlab.probe`; an epoch is
            whatever one call trains, such as a hundred steps. It must call ``deprive(inputs, labels)`` on each batch.
        evaluate: ``evaluate(state) -> accuracy`` on clean data, or a mapping with ``test_accuracy``; more is better,
            unless the option ``metric`` says otherwise.
        load: ``load(saved) -> state``, a new one in each call.
        save: ``save(state) -> nested dictionaries of tensors and numbers``.
        loop: ``"my_module:MyLoop"`` or a class with the four functions as methods, in their place. Then forks run on
            all cores, on GPUs or on a Ray cluster, each on one thread
            (:class:`~critlab.hooks.own_loop.means.LoopMeans`); functions run in this process.
        deficits: deficits of critlab, or functions ``(inputs, labels) -> (inputs, labels)`` or ``inputs -> inputs``; a
            mapping gives them names.
        epoch: epochs that the state was trained.
        total: epochs of the whole training.
        deprived: epochs with the deficit.
        clean: epochs after it.
        options: everything else; None is ``SensitivityOptions()``.
        named: fields of :class:`~critlab.hooks.sensitivity.options.SensitivityOptions` by name.

    Returns:
        For one state, a mapping from the deficit's name to its answer; for several, their course over the epochs.

    Raises:
        StudyError: a checkpoint cannot be loaded, ``advance`` is not deterministic, a deficit changes shapes, or a
            number is out of its range.
        Diverged: a score is not finite.
        TypeError: there is no such option.

    Error: intervals are over what the repeats draw, at 95 % for all looks together; see
    :func:`~critlab.analysis.statistics.anytime.anytime_mean` and :func:`~critlab.hooks.sensitivity.forecast.forecast`.

    Cost: ``(deprived + clean) (1 + deficits)`` epochs a repeat, three repeats at least, and two for the check.

    Source: ours.
    """
    chosen = given_options(SensitivityOptions, options, "sensitivity").changed(named)
    first = loop_or_first(loop, advance, "sensitivity")
    functions = {"evaluate": evaluate, "load": load, "save": save}
    given = given_loop(
        first, functions, named=FORK_FUNCTIONS, of="sensitivity", device=chosen.device, optional=frozenset({"save"})
    )
    applied = named_deficits(deficits)
    if isinstance(epoch, Sequence) and not isinstance(epoch, str):
        if not isinstance(state, list | tuple) or len(state) != len(epoch):
            came = f"{len(state)} states" if isinstance(state, list | tuple) else type(state).__name__
            raise StudyError(
                f"sensitivity: state: received {came} for {len(epoch)} epochs; must be a list with one for each"
            )
        for at in epoch:
            whole(at, "sensitivity: epoch", 0)
        pairs = sorted(zip(epoch, state, strict=True), key=lambda pair: pair[0])
        return Course(tuple(_one(one, given, applied, at, total, deprived, clean, chosen) for at, one in pairs))
    return _one(state, given, applied, epoch, total, deprived, clean, chosen)


def _one(
    state: Any,
    given: GivenLoop,
    deficits: Mapping[str, AnyDeficit],
    epoch: int,
    total: int,
    deprived: int,
    clean: int,
    options: SensitivityOptions,
) -> Sensitivity:
    given_numbers = (("epoch", epoch, 0), ("deprived", deprived, 1), ("clean", clean, 1), ("total", total, 1))
    epoch, deprived, clean, total = (
        whole(value, f"sensitivity: {name}", least) for name, value, least in given_numbers
    )
    if total < epoch + deprived + clean:
        raise StudyError(
            f"sensitivity: total: received {total}; must be at least {epoch + deprived + clean}, the epochs so far "
            f"({epoch}), with the deficit ({deprived}) and after it ({clean})"
        )
    rates = options.rates_between(epoch + deprived, total)
    saves = given.kind is None or options.live
    loop = ForkLoop(**{name: one for name, one in given.functions.items() if name != "save" or saves})
    live, saved, what = _start(state, loop)
    forks = Forks(loop, saved, what, epoch, deprived, clean, options.knowledge, options.kept, options.judged)
    with kept(held_generators(live)), threads(None if given.kind is None else 1):
        if options.check:
            forks.check(live)
        with asking_forks(given, options, forks, deficits) as ask, Progress("forks") as shown:
            ahead = Ahead(ask, forks, options.processes(given.device or "cpu"), shown)
            found = _answers(forks, ahead, deficits, total, rates, options)
    if live is not None:
        forks.refuse_changed(live)
    return found


def _start(state: Any, loop: ForkLoop) -> tuple[Any, Any, str]:
    """The live state, None for a checkpoint; its packed copy; and what messages call it."""
    if isinstance(state, str | Path):
        return (
            None,
            packed_state(read_checkpoint(state), f"checkpoint {str(state)!r}"),
            f"the checkpoint {str(state)!r}",
        )
    if loop.save is None:
        return None, packed_state(state, "checkpoint"), "the checkpoint"
    with all_seeded(0, ()):
        saved = loop.save(state)
    return state, packed_state(saved, "save"), "what save returned"


def _answers(
    forks: Forks,
    ahead: Ahead,
    deficits: Mapping[str, AnyDeficit],
    total: int,
    rates: tuple[float, ...],
    options: SensitivityOptions,
) -> Sensitivity:
    """Repeats until each deficit is decided, or there are enough."""
    known = options.known_map
    twins: list[ForkScores] = []
    differences: dict[str, list[tuple[float, ...]]] = {name: [] for name in deficits}
    own = dict.fromkeys(deficits, 0)

    def answer(name: str) -> DeficitSensitivity:
        varies = len(twins) < 2 or _differ(twins)
        return DeficitSensitivity(
            name,
            forks.onset,
            total,
            forks.deprived,
            tuple(differences[name]),
            options.smallest_damage,
            known,
            own[name],
            varies,
            not forks.nudge,
            rates,
            forks.metric,
        )

    left = dict(deficits)
    for repeat in range(options.repeats):
        cost = forks.epochs * (1 + len(left))
        if options.most_epochs is not None and repeat and forks.spent + cost > options.most_epochs:
            break
        if not repeat:
            # whether inputs must be changed by rounding is known only after two twins
            ahead.train([("", 0), *(("", one) for one in range(1, min(2, options.repeats))), *((n, 0) for n in left)])
        elif repeat > 1:
            _train_ahead(ahead, left, repeat, options)
        twins.append(forks.run("", None, repeat))
        if repeat == 1 and not _differ(twins):
            forks.nudge = True
            twins[1] = forks.run("", None, repeat)
        if repeat == 1:
            _train_ahead(ahead, left, repeat, options)
        for name, deficit in list(left.items()):
            before = forks.spent
            scores = forks.run(name, deficit, repeat).scores
            own[name] += forks.spent - before
            differences[name].append(tuple(map(forks.metric.loss, twins[-1].scores, scores)))
            now = answer(name)
            if now.settled or not now.varies:
                del left[name]
        if not left:
            break
    return Sensitivity({name: answer(name) for name in deficits}, forks.onset, forks.spent)


def _train_ahead(ahead: Ahead, left: Iterable[str], repeat: int, options: SensitivityOptions) -> None:
    """Trains this repeat in other processes, and further ones as far as there are workers for them."""
    names = ["", *left]
    count = 1 if options.most_epochs is not None else ahead.repeats(len(names) - 1, options.repeats - repeat)
    ahead.train((name, one) for one in range(repeat, repeat + count) for name in names)


def _differ(twins: Sequence[ForkScores]) -> bool:
    return len({one.trained for one in twins}) > 1
