"""Was a bad stretch harmful? Forks from the checkpoints before and after it, each given the same recovery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import nn

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance, whole
from critlab.analysis.judgement.decision import Decision, Family, Kind, decide
from critlab.analysis.statistics import Summary, summarise
from critlab.hooks.calls import check_call
from critlab.hooks.deprivation import BatchDeficit
from critlab.hooks.named_options import given_options, with_named
from critlab.hooks.own_loop.given import given_loop, loop_or_first
from critlab.hooks.own_loop.means import LoopMeans
from critlab.hooks.own_loop.metric import task_of_loop
from critlab.hooks.own_loop.recoveries import RECOVERY_FUNCTIONS, Recovery, Remedy, recovery_scores
from critlab.hooks.own_loop.resume_check import refuse_scheduler
from critlab.learning_tasks import ACCURACY, Metric
from critlab.study.ingredients.intervention import Intervention
from critlab.study.runs.estimands import EstimandName
from critlab.training.interventions import intervene
from critlab.training.states.packing import Arrays, pack

Answer = Literal["present", "damage_only", "absent", "undecided"]

CONTROLS = ("frozen", "restarted", "before")
"""Names of the forks that show whether the stretch was harm or only lost time."""

KINDS: Mapping[EstimandName, Kind] = {
    "lasting_damage": "lasting",
    "delay": "context",
    "beyond_delay": "critical",
    "harm": "critical",
    "lost_to_schedule": "context",
}


@dataclass(frozen=True)
class LastingDamage:
    """What a bad stretch left behind after the recovery, in the unit of ``evaluate``; 95 % t intervals over repeats.

    Args:
        damages: the named damages, paired by repeat: ``lasting_damage`` (without the stretch minus with it), and with
            controls ``delay`` (without minus frozen), ``beyond_delay`` (frozen minus with), ``harm`` (the checkpoint
            before minus the one after, each recovered with epochs counted from the beginning of the stretch) and
            ``lost_to_schedule`` (the one after, recovered so, minus with).
        left: lasting damage with each remedy applied after the stretch.
        recovered: score with each remedy minus score without it, after the stretch.
        scores: of every fork, by its name (``"without"``, ``"with"``, :data:`CONTROLS` and the remedies'), in the order
            of the repeats.
        smallest: the smallest damage of interest.
        metric: what the scores are.
    """

    damages: Mapping[EstimandName, Summary]
    left: Mapping[str, Summary]
    recovered: Mapping[str, Summary]
    scores: Mapping[str, tuple[float, ...]]
    smallest: float
    metric: Metric = ACCURACY

    @property
    def damage(self) -> Summary:
        """The lasting damage."""
        return self.damages["lasting_damage"]

    @cached_property
    def decision(self) -> Decision:
        """What the named damages show together, in order; see :mod:`critlab.analysis.judgement.decision`."""
        contrasts = _contrasts(self.scores, self.metric)
        family = Family(
            np.array([list(contrasts[name]) for name in self.damages]),
            tuple(KINDS[name] for name in self.damages),
            self.smallest,
            complete="harm" in self.damages,
        )
        return decide(family)

    @property
    def answer(self) -> Answer:
        """``present``: the stretch did harm; ``damage_only``: only its time is lost; ``absent``; or ``undecided``.

        Without controls it is undecided: nothing separates harm from lost time.
        """
        return cast(Answer, str(self.decision.answer))

    def removed(self, remedy: str) -> Answer:
        """Whether the lasting damage is still there with a remedy: ``present``, ``absent`` or ``undecided``."""
        left = _losses(self.metric, self.scores["without"], self.scores[remedy])
        found = decide(Family(np.array([left]), ("lasting",), self.smallest, complete=False))
        return "present" if found.evidence[0] else "absent" if found.bounded[0] else "undecided"

    @property
    def sentence(self) -> str:
        """The answer in words, with numbers."""
        from critlab.report.text.judgement.lasting_damage import Remedied, lasting_damage_text

        remedies = [Remedied(name, self.removed(name), left, self.recovered[name]) for name, left in self.left.items()]
        unit = "" if self.metric == ACCURACY else self.metric.unit or self.metric.title
        return lasting_damage_text(self.answer, self.damages, remedies, unit)


@dataclass(frozen=True, kw_only=True)
class LastingDamageOptions(LoopMeans):
    """How :func:`lasting_damage` judges and where it runs.

    Args:
        metric: what ``evaluate`` gives, as in :class:`~critlab.hooks.own_loop.options.ProbeOptions`; None is accuracy,
            or any other score of which more is better.
        smallest_damage: the smallest damage of interest, in the unit of ``evaluate``; None is that of the metric, 0.01
            for accuracy.
        controls: whether to train the three further forks; without them the answer is undecided.
        kept: where scores are kept as soon as they are there, and found again by the next call; None keeps nothing.
        workers, device, executor: as in :class:`~critlab.hooks.own_loop.means.LoopMeans`.
    """

    metric: Metric | str | Callable[..., float] | None = None
    smallest_damage: float | None = None
    controls: bool = True
    kept: MutableMapping[str, float] | None = None


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
        evaluate: the score on clean data; more is better, unless ``metric`` says otherwise.
        load: makes a state from a checkpoint.
        loop: ``"my_module:MyLoop"`` or a class with the three functions as methods, in their place. Then recoveries run
            on all cores, on GPUs or on a Ray cluster, each on one thread; functions run in this process.
        epoch: epochs trained before the stretch.
        stretch: its epochs.
        recovery: epochs after it.
        repeats: how often; three are the fewest that can decide anything.
        remedies: what to try after the stretch, by name: functions that change a state in place or return another one,
            such as one that sets the learning rate's schedule back, or calls :func:`shrink_and_perturb`.
        options: everything else; None is ``LastingDamageOptions()``.
        named: fields of :class:`LastingDamageOptions` by name, such as ``smallest_damage=0.02``.

    Raises:
        StudyError: a number is out of its range, or the functions are not what they should be; or there are controls,
            and a checkpoint holds a learning-rate scheduler, which counts epochs by itself.
        Diverged: a fork's numbers are not finite.

    Error: the intervals are over what the repeats draw. There was one bad stretch only, and one training before it:
    they do not say how another training would have fared; :func:`critlab.probe` does.

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
    scores = recovery_scores(given, chosen, checkpoints, forks, repeats, chosen.kept, judged.name)
    return LastingDamage(
        damages={name: summarise(values) for name, values in _contrasts(scores, judged).items()},
        left={name: summarise(_losses(judged, scores["without"], scores[name])) for name in tried},
        recovered={name: summarise(_losses(judged, scores[name], scores["with"])) for name in tried},
        scores=scores,
        smallest=judged.smallest_damage if chosen.smallest_damage is None else chosen.smallest_damage,
        metric=judged,
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


def _contrasts(scores: Mapping[str, tuple[float, ...]], metric: Metric) -> dict[EstimandName, list[float]]:
    """The named damages of every repeat, as far as their forks are there."""
    forks: dict[EstimandName, tuple[str, str]] = {
        "lasting_damage": ("without", "with"),
        "delay": ("without", "frozen"),
        "beyond_delay": ("frozen", "with"),
        "harm": ("before", "restarted"),
        "lost_to_schedule": ("restarted", "with"),
    }
    return {
        name: _losses(metric, scores[one], scores[other])
        for name, (one, other) in forks.items()
        if {one, other} <= set(scores)
    }


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


def _losses(metric: Metric, one: tuple[float, ...], other: tuple[float, ...]) -> list[float]:
    """How much worse ``other`` is than ``one``, repeat by repeat."""
    return [metric.loss(before, after) for before, after in zip(one, other, strict=True)]
