"""Was a bad stretch harmful? Forks from the checkpoints before and after it, each given the same recovery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance, whole
from critlab.hooks.calls import check_call
from critlab.hooks.deprivation import BatchDeficit
from critlab.hooks.named_options import given_options, with_named
from critlab.hooks.own_loop.given import given_loop, loop_or_first
from critlab.hooks.own_loop.means import LoopMeans
from critlab.hooks.own_loop.metric import task_of_loop
from critlab.hooks.own_loop.recovered import Recovery, Remedy
from critlab.hooks.own_loop.recoveries import RECOVERY_FUNCTIONS, recovery_scores
from critlab.hooks.own_loop.recovery_records import RecoveryRecords, first_look
from critlab.hooks.own_loop.resume_check import refuse_scheduler
from critlab.hooks.own_loop.stretch_answer import CONTROLS
from critlab.hooks.own_loop.stretch_answer import LastingDamage as LastingDamage
from critlab.learning_tasks import Metric
from critlab.study.ingredients.intervention import Intervention
from critlab.training.interventions import intervene
from critlab.training.states.packing import Arrays, arrays_digest, pack


@dataclass(frozen=True, kw_only=True)
class LastingDamageOptions(LoopMeans):
    """How :func:`lasting_damage` judges and where it runs.

    Args:
        metric: what ``evaluate`` gives, as in :class:`~critlab.hooks.own_loop.options.ProbeOptions`; None is accuracy,
            or any other score of which more is better.
        smallest_damage: the smallest damage of interest, in the unit of ``evaluate``; None is that of the metric, 0.01
            for accuracy.
        controls: whether to train the three further forks; without them the answer is undecided.
        kept: where recoveries are kept as soon as they are there, and found again by the next call, with the numbers of
            repeats at which they were judged; None keeps nothing. Values are as JSON has them.
        workers, device, executor: as in :class:`~critlab.hooks.own_loop.means.LoopMeans`.
    """

    metric: Metric | str | Callable[..., float] | None = None
    smallest_damage: float | None = None
    controls: bool = True
    kept: MutableMapping[str, Any] | None = None


def lasting_damage(
    before: Any,
    after: Any,
    *,
    advance: Callable[[Any, int, BatchDeficit], Mapping[str, float]] | None = None,
    evaluate: Callable[[Any], float | Mapping[str, Any]] | None = None,
    load: Callable[[Any], Any] | None = None,
    loop: str | type | None = None,
    epoch: int,
    stretch: int,
    recovery: int,
    repeats: int = 5,
    remedies: Mapping[str, Remedy] | None = None,
    options: LastingDamageOptions | None = None,
    **named: Any,
) -> LastingDamage:
    """The lasting damage of a stretch of training that was suspected to be bad, from one checkpoint on either side.

    In every repeat the fork from ``before`` trains the stretch's epochs on good data and then the recovery; the fork
    from ``after`` trains the recovery alone, so that both have trained equally often. What a repeat draws, such as the
    order of the data in the recovery, is the same in all its forks.

    Three further forks show whether the stretch did harm or only lost time. The frozen one starts from ``before`` and
    trains the recovery alone: the epochs of the stretch are counted without a call of ``advance``. Then both
    checkpoints recover with epochs counted from ``epoch``, so that nothing but the weights differs between them. So
    ``advance`` must derive the learning rate from ``epoch``.

    Args:
        before: the checkpoint before the stretch, as ``load`` takes it; nested dictionaries of tensors and numbers.
        after: the checkpoint after it.
        advance: trains an epoch; as in :func:`critlab.probe`, where ``deprive`` here gives batches back as they are.
        evaluate: the score on clean data; more is better, unless ``metric`` says otherwise. With ``test_correct``, as
            in :func:`critlab.probe`, intervals also cover the choice of test images.
        load: makes a state from a checkpoint.
        loop: ``"my_module:MyLoop"`` or a class with the three functions as methods, in their place. Then recoveries run
            on all cores, on GPUs or on a Ray cluster, each on one thread; functions run in this process.
        epoch: epochs trained before the stretch.
        stretch: its epochs.
        recovery: epochs after it.
        repeats: how often; three are the fewest that can decide anything. To add repeats later, give ``kept``: a
            further number of repeats is a further look, judged at the level of an unplanned look of a study.
        remedies: what to try after the stretch, by name: functions that change a state in place or return another one,
            such as one that sets the learning rate's schedule back, or calls :func:`shrink_and_perturb`.
        options: everything else; None is ``LastingDamageOptions()``.
        named: fields of :class:`LastingDamageOptions` by name, such as ``smallest_damage=0.02``.

    Raises:
        StudyError: a number is out of its range, or the functions are not what they should be; or there are controls,
            and a checkpoint holds a learning-rate scheduler, which counts epochs by itself.
        Diverged: a fork's numbers are not finite.

    Error: the intervals are over what the repeats draw. There was one bad stretch only, and one training before it:
    they do not say how another training would have fared; :func:`critlab.probe` does. Repeats that are copies of each
    other, since the order of the data in the recovery is fixed, count as one and decide nothing.

    Cost: ``repeats * (stretch + recovery * (5 + remedies))`` epochs, 2 in place of 5 without controls.
    """
    numbers = (("epoch", epoch, 0), ("stretch", stretch, 1), ("recovery", recovery, 1), ("repeats", repeats, 1))
    epoch, stretch, recovery, repeats = (whole(one, f"lasting_damage: {name}", least) for name, one, least in numbers)
    tried = _tried(remedies)
    if taken := {"with", "without", *CONTROLS} & set(tried):
        raise StudyError(f"lasting_damage: remedies: received the reserved name {taken.pop()!r}; use another name")
    chosen = with_named(given_options(LastingDamageOptions, options, "lasting_damage"), named, "lasting_damage")
    if chosen.smallest_damage is not None and chosen.smallest_damage < 0:
        raise StudyError(f"lasting_damage: smallest_damage: received {chosen.smallest_damage}; must be at least 0")
    judged = task_of_loop(chosen.metric, "lasting_damage").judged
    chosen.check_means("lasting_damage")
    first = loop_or_first(loop, advance, "lasting_damage")
    functions = {"evaluate": evaluate, "load": load}
    given = given_loop(first, functions, named=RECOVERY_FUNCTIONS, of="lasting_damage", device=chosen.device)
    removal, end = epoch + stretch, epoch + stretch + recovery
    forks = {"without": Recovery("before", epoch, end), "with": Recovery("after", removal, end)}
    if chosen.controls:
        for name, checkpoint in (("before", before), ("after", after)):
            refuse_scheduler(checkpoint, name, "lasting_damage", "controls=False")
        forks["frozen"] = Recovery("before", removal, end)
        forks["restarted"] = Recovery("after", epoch, epoch + recovery)
        forks["before"] = Recovery("before", epoch, epoch + recovery)
    forks |= {name: Recovery("after", removal, end, remedy) for name, remedy in tried.items()}
    checkpoints = {"before": _packed(before, "before"), "after": _packed(after, "after")}
    kept, name = chosen.kept, judged.name
    records = None if kept is None else RecoveryRecords(kept, given, checkpoints, forks, name)
    recoveries = recovery_scores(given, chosen, checkpoints, forks, repeats, records, name)
    return LastingDamage(
        recoveries=recoveries,
        smallest=judged.smallest_damage if chosen.smallest_damage is None else chosen.smallest_damage,
        looks=first_look(repeats) if records is None else records.look(repeats),
        metric=judged,
        unchanged=arrays_digest(checkpoints["before"]) == arrays_digest(checkpoints["after"]),
    )


def _tried(remedies: Any) -> dict[str, Remedy]:
    """The remedies by name.

    Raises:
        StudyError: they are no mapping of functions.
    """
    if remedies is not None and not isinstance(remedies, Mapping):
        raise StudyError(
            f"lasting_damage: remedies: received {type(remedies).__name__}; must be a mapping from names to functions"
        )
    for name, remedy in (remedies or {}).items():
        instance(name, "lasting_damage: remedies", str, "a mapping from names to functions")
        check_call(remedy, ("state",), f"lasting_damage: remedies: {name}")
    return dict(remedies or {})


def _packed(checkpoint: Any, name: str) -> Arrays:
    """The arrays of a checkpoint.

    Raises:
        StudyError: it holds something else than tensors and plain values.
    """
    try:
        return pack(checkpoint)
    except StudyError as error:
        raise StudyError(f"lasting_damage: {name}: {error}") from None


def shrink_and_perturb(model: nn.Module, fresh: nn.Module, *, shrink: float = 0.4, perturb: float = 0.1) -> None:
    """``w <- shrink * w + perturb * w_fresh`` for every parameter that requires gradients, in place.

    Args:
        model: the trained model.
        fresh: the same model, newly initialised.
        shrink: from 0 to 1.
        perturb: at least 0.

    Source: Ash and Adams 2020; see :func:`~critlab.training.interventions.intervene`.
    """
    for name, one in (("model", model), ("fresh", fresh)):
        instance(one, f"shrink_and_perturb: {name}", nn.Module, "a torch.nn.Module")
    chosen = Intervention.read({"shrink": shrink, "perturb": perturb}, "shrink_and_perturb")
    intervene(model, torch.optim.SGD(model.parameters(), lr=1.0), chosen, fresh)
