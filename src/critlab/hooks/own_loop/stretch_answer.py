"""What a bad stretch of training left behind: the named damages of its recoveries, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

import numpy as np

from critlab.analysis.judgement.decision import FEW_SEEDS, WORST, Decision
from critlab.analysis.judgement.looks import Looks
from critlab.analysis.statistics import MINIMUM_SEEDS, Summary
from critlab.hooks.own_loop.recovered import Recovered, scores_of
from critlab.hooks.own_loop.stretch_evidence import Compared, Evidence, Uncounted, evidence
from critlab.learning_tasks import ACCURACY, Metric
from critlab.study.runs.estimands import EstimandName

Answer = Literal["present", "damage_only", "absent", "undecided"]

Reason = Literal["", "few repeats", "no controls", "identical repeats", "worst repeat", "between"]
"""Why an answer is undecided: fewer than three repeats; nothing separates harm from lost time; repeats that do not
differ, so that a damage has no error; a single repeat that lost much; or an interval that holds the smallest damage."""

CONTROLS = ("frozen", "restarted", "before")
"""Names of the forks that show whether the stretch was harm or only lost time."""

NAMED: Mapping[EstimandName, Compared] = {
    "lasting_damage": Compared("without", "with", "lasting"),
    "delay": Compared("without", "frozen", "context"),
    "beyond_delay": Compared("frozen", "with", "critical", same_epochs=True),
    "harm": Compared("before", "restarted", "critical", same_epochs=True),
    "lost_to_schedule": Compared("restarted", "with", "context"),
}
"""The named damages as contrasts of forks."""


@dataclass(frozen=True)
class LastingDamage:
    """What a bad stretch left behind after the recovery, in the unit of ``evaluate``.

    Args:
        recoveries: of every fork, by its name (``"without"``, ``"with"``, :data:`CONTROLS` and the remedies'), in the
            order of the repeats.
        smallest: the smallest damage of interest.
        metric: what the scores are.
        looks: at which level the repeats are judged, and at how many repeats they were judged before.
        unchanged: whether the checkpoints before and after the stretch are equal.
    """

    recoveries: Mapping[str, tuple[Recovered, ...]]
    smallest: float
    looks: Looks
    metric: Metric = ACCURACY
    unchanged: bool = False

    @property
    def scores(self) -> dict[str, tuple[float, ...]]:
        """The scores of every fork, by its name, in the order of the repeats."""
        return scores_of(self.recoveries)

    @cached_property
    def damages(self) -> dict[EstimandName, Summary]:
        """The named damages, paired by repeat, with the simultaneous intervals of :attr:`decision`.

        ``lasting_damage`` (without the stretch minus with it), and with controls ``delay`` (without minus frozen),
        ``beyond_delay`` (frozen minus with), ``harm`` (the checkpoint before minus the one after, each recovered with
        epochs counted from the beginning of the stretch) and ``lost_to_schedule`` (the one after, recovered so, minus
        with). Repeats that are copies of others do not count; below three that count there is no interval.
        """
        return dict(zip(self._named, self._evidence.damages, strict=True))

    @property
    def damage(self) -> Summary:
        """The lasting damage."""
        return self.damages["lasting_damage"]

    @property
    def left(self) -> dict[str, Summary]:
        """Lasting damage with each remedy applied after the stretch; all intervals hold together."""
        return dict(zip(self._remedies, self._of_remedies.damages, strict=False)) if self._remedies else {}

    @property
    def recovered(self) -> dict[str, Summary]:
        """How much better the score with each remedy is than without it; all intervals hold together."""
        count = len(self._remedies)
        return dict(zip(self._remedies, self._of_remedies.damages[count:], strict=True)) if count else {}

    @property
    def decision(self) -> Decision:
        """What the named damages show together, in order; see :mod:`critlab.analysis.judgement.decision`."""
        return self._evidence.decision

    @property
    def answer(self) -> Answer:
        """``present``: the stretch did harm; ``damage_only``: only its time is lost; ``absent``; or ``undecided``.

        Without controls it is undecided: nothing separates harm from lost time.
        """
        return cast(Answer, str(self.decision.answer))

    @property
    def reason(self) -> Reason:
        """Why the answer is undecided; empty where it is not."""
        if self.answer != "undecided":
            return ""
        deciding = np.array([one.kind != "context" for one in self._named.values()])
        if len(self.recoveries["with"]) < MINIMUM_SEEDS:
            return "few repeats"
        if (self.decision.n[deciding] < MINIMUM_SEEDS).any():
            return "identical repeats"
        if "harm" not in self._named:
            return "no controls"
        few, worst = self.decision.n < FEW_SEEDS, self.decision.worst
        if self.decision.bounded[deciding].all() and (few & (worst >= WORST * self.smallest))[deciding].any():
            return "worst repeat"
        return "between"

    @property
    def uncounted(self) -> dict[str, Uncounted]:
        """The damages, and the remedies, in which not all repeats count, and why."""
        names: list[str] = [*self._named, *self._remedies]
        left = self._of_remedies.uncounted[: len(self._remedies)] if self._remedies else ()
        found = zip(names, (*self._evidence.uncounted, *left), strict=True)
        return {name: why for name, why in found if why}

    def removed(self, remedy: str) -> Answer:
        """Whether the lasting damage is still there with a remedy: ``present``, ``absent`` or ``undecided``.

        By the interval of what is left, so that all remedies may be compared.
        """
        left = self.left[remedy]
        if left.low is None or left.high is None:
            return "undecided"
        return "present" if left.low > self.smallest else "absent" if left.high < self.smallest else "undecided"

    @property
    def sentence(self) -> str:
        """The answer in words, with numbers."""
        from critlab.report.text.judgement.lasting_damage import Remedied, StretchFound, lasting_damage_text

        remedies = [Remedied(name, self.removed(name), left, self.recovered[name]) for name, left in self.left.items()]
        worst = max(self.decision.worst, default=0.0)
        found = StretchFound(self.answer, self.reason, self.damages, remedies, self.smallest, float(worst))
        return lasting_damage_text(found, self.metric, self.uncounted, len(self.recoveries["with"]), self.looks)

    @property
    def _named(self) -> dict[EstimandName, Compared]:
        """The contrasts whose forks are there."""
        return {name: one for name, one in NAMED.items() if {one.one, one.other} <= set(self.recoveries)}

    @property
    def _remedies(self) -> list[str]:
        return [name for name in self.recoveries if name not in ("without", "with", *CONTROLS)]

    @cached_property
    def _evidence(self) -> Evidence:
        return self._judged(list(self._named.values()), complete="harm" in self._named)

    @cached_property
    def _of_remedies(self) -> Evidence:
        left = [Compared("without", name, "lasting") for name in self._remedies]
        recovered = [Compared(name, "with", "context") for name in self._remedies]
        return self._judged([*left, *recovered], complete=False)

    def _judged(self, contrasts: list[Compared], complete: bool) -> Evidence:
        return evidence(
            self.recoveries,
            contrasts,
            self.metric,
            self.smallest,
            self.looks.level,
            complete=complete,
            unchanged=self.unchanged,
        )
