"""Was a bad stretch harmful? Forks from the checkpoints before and after it, each given the same recovery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from critlab._core.errors import StudyError
from critlab._core.random_streams import key
from critlab.analysis.statistics import MINIMUM_SEEDS, Summary, summarise
from critlab.analysis.verdict import Answer
from critlab.hooks.deprivation import BatchDeficit, DataInfo
from critlab.hooks.own_loop import OwnLearner, OwnLoop, OwnState
from critlab.study.intervention import Intervention
from critlab.study.measurement import TEST, Measurement
from critlab.study.recipe import Recipe
from critlab.training.interventions import intervene
from critlab.training.seeding import seeded
from critlab.training.states.packing import pack, unpack

Remedy = Callable[[Any], Any]
"""Changes a state in place, or returns another one."""


@dataclass(frozen=True)
class LastingDamage:
    """What a bad stretch left behind after the recovery, in the unit of ``evaluate``; 95 % t intervals over repeats.

    Args:
        damage: without the stretch minus with it, paired by repeat.
        left: the same with each remedy applied after the stretch.
        recovered: score with each remedy minus score without it, after the stretch.
        scores: of every fork, by its name (``"without"``, ``"with"`` and the remedies'), in the order of the repeats.
        smallest: the smallest damage of interest.
    """

    damage: Summary
    left: Mapping[str, Summary]
    recovered: Mapping[str, Summary]
    scores: Mapping[str, tuple[float, ...]]
    smallest: float

    @property
    def answer(self) -> Answer:
        """Whether there is lasting damage."""
        return judged(self.damage, self.smallest)

    @property
    def sentence(self) -> str:
        """The answer in words, with numbers."""
        from critlab.report.text.lasting_damage import Remedied, lasting_damage_text

        remedies = [
            Remedied(name, judged(left, self.smallest), left, self.recovered[name]) for name, left in self.left.items()
        ]
        return lasting_damage_text(self.answer, self.damage, remedies)


def judged(damage: Summary, smallest: float) -> Answer:
    """Present where the interval lies above ``smallest``, absent where it lies below; needs three repeats."""
    if damage.n < MINIMUM_SEEDS or damage.low is None or damage.high is None:
        return "inconclusive"
    return "present" if damage.low > smallest else "absent" if damage.high < smallest else "inconclusive"


def lasting_damage(
    before: Any,
    after: Any,
    *,
    advance: Callable[[Any, int, BatchDeficit], Mapping[str, float]],
    evaluate: Callable[[Any], float | Mapping[str, float]],
    load: Callable[[Any], Any],
    epoch: int,
    stretch: int,
    recovery: int,
    repeats: int = 5,
    remedies: Mapping[str, Remedy] | None = None,
    smallest_damage: float = 0.01,
) -> LastingDamage:
    """The lasting damage of a stretch of training that was suspected to be bad, from one checkpoint on either side.

    In every repeat the fork from ``before`` trains the stretch's epochs on good data and then the recovery; the fork
    from ``after`` trains the recovery alone, so that both have trained equally often. What a repeat draws, such as the
    order of the data in the recovery, is the same in all its forks.

    Args:
        before: the checkpoint before the stretch, as ``load`` takes it; nested dictionaries of tensors and numbers.
        after: the checkpoint after it.
        advance: trains an epoch; as in :func:`critlab.probe`, where ``deprive`` here gives batches back as they are.
        evaluate: the score on clean data; more is better.
        load: makes a state from a checkpoint.
        epoch: epochs trained before the stretch.
        stretch: its epochs.
        recovery: epochs after it.
        repeats: how often; three are the fewest that can decide anything.
        remedies: what to try after the stretch, by name: functions that change a state in place or return another one,
            such as one that sets the learning rate's schedule back, or calls :func:`shrink_and_perturb`.
        smallest_damage: the smallest damage of interest, in the unit of ``evaluate``.

    Raises:
        StudyError: a number is out of its range, or the functions are not what they should be.
        Diverged: a fork's numbers are not finite.

    Error: the intervals are over what the repeats draw. There was one bad stretch only, and one training before it:
    they do not say how another training would have fared; :func:`critlab.probe` does.

    Cost: ``repeats * (stretch + recovery * (2 + remedies))`` epochs.
    """
    for name, value, least in (("epoch", epoch, 0), ("stretch", stretch, 1), ("recovery", recovery, 1)):
        if value < least:
            raise StudyError(f"lasting_damage: {name}: received {value}; must be at least {least}")
    if repeats < 1:
        raise StudyError(f"lasting_damage: repeats: received {repeats}; must be at least 1")
    tried = dict(remedies or {})
    if taken := {"with", "without"} & set(tried):
        raise StudyError(f"lasting_damage: remedies: received the reserved name {taken.pop()!r}; use another name")
    learner = OwnLearner(OwnLoop(_nobody, advance, evaluate, lambda state: state, load), DataInfo())
    removal, end = epoch + stretch, epoch + stretch + recovery
    forks: dict[str, tuple[Any, int, Remedy | None]] = {
        "without": (before, epoch, None),
        "with": (after, removal, None),
    }
    forks |= {name: (after, removal, remedy) for name, remedy in tried.items()}
    scores: dict[str, tuple[float, ...]] = {}
    for name, (checkpoint, begin, remedy) in forks.items():
        packed = pack(checkpoint)
        scores[name] = tuple(_score(learner, unpack(packed), begin, end, remedy, repeat) for repeat in range(repeats))
    return LastingDamage(
        damage=_difference(scores["without"], scores["with"]),
        left={name: _difference(scores["without"], scores[name]) for name in tried},
        recovered={name: _difference(scores[name], scores["with"]) for name in tried},
        scores=scores,
        smallest=smallest_damage,
    )


def shrink_and_perturb(model: nn.Module, fresh: nn.Module, *, shrink: float = 0.4, perturb: float = 0.1) -> None:
    """``w <- shrink * w + perturb * w_fresh`` for every parameter that requires gradients, in place.

    Args:
        model: the trained model.
        fresh: the same model, newly initialised.
        shrink: from 0 to 1.
        perturb: at least 0.

    Source: Ash and Adams 2020; see :func:`~critlab.training.interventions.intervene`.
    """
    chosen = Intervention.read({"shrink": shrink, "perturb": perturb}, "shrink_and_perturb")
    intervene(model, torch.optim.SGD(model.parameters(), lr=1.0), chosen, fresh)


def _score(learner: OwnLearner, saved: Any, begin: int, end: int, remedy: Remedy | None, repeat: int) -> float:
    """The score of one fork of one repeat."""
    with seeded(key(repeat, "init", begin)):
        own = learner.loop.load(saved)
        if remedy is not None:
            changed = remedy(own)
            own = own if changed is None else changed
    state = OwnState(own, repeat, begin)
    for epoch in range(begin, end):
        learner.advance(state, Recipe(lr=1.0, weight_decay=0.0), epoch)
    return learner.measure(state, Measurement(TEST, None, None))[0].value


def _difference(one: tuple[float, ...], other: tuple[float, ...]) -> Summary:
    return summarise([first - second for first, second in zip(one, other, strict=True)])


def _nobody(seed: int) -> Any:
    raise StudyError("lasting_damage: make is never called")
