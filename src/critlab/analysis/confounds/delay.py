"""Whether the lost time alone makes the damage: what a network loses that is frozen as long as the deficit lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.confounds.quantity import Quantity
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.judgement.damages import Damage


@dataclass(frozen=True, kw_only=True)
class Delay(Confound):
    """The effect is the damage of a frozen network; the share is its part of the lasting damage."""

    @property
    def name(self) -> str:
        """Which confound."""
        return "delay"


def delays(quoting: Quoting) -> Iterator[Delay]:
    """One finding for each point with a frozen network; the study names these points, so none is chosen."""
    for delay in quoting.damages:
        if delay.name == "delay":
            lasting = [one for one in quoting.damages if one.name == "lasting_damage" and one.at == delay.at]
            part, whole = _quantity([delay]), _quantity(lasting)
            yield Delay(
                at=(delay.at,),
                effect=quoting.mean(part, [delay.at]),
                damage=quoting.mean(whole, [delay.at]),
                share=quoting.share(part, whole, [delay.at], chosen=False),
            )


def _quantity(damages: Sequence[Damage]) -> Quantity:
    return Quantity({one.at: one.seeds for one in damages}, {one.at: one.terms for one in damages})
