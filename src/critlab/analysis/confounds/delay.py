"""Whether the lost time alone makes the damage: what a network loses that is frozen as long as the deficit lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, mean, share_of
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import least_sd


@dataclass(frozen=True, kw_only=True)
class Delay(Confound):
    """The effect is the damage of a frozen network; the share is its part of the lasting damage."""

    @property
    def name(self) -> str:
        """Which confound."""
        return "delay"


def delays(results: StudyTable, damages: Sequence[Damage]) -> Iterator[Delay]:
    """One finding for each point with a frozen network."""
    floor = least_sd(results)
    for delay in damages:
        if delay.name == "delay":
            lasting = next((one for one in damages if one.name == "lasting_damage" and one.at == delay.at), None)
            whole = dict(lasting.seeds) if lasting is not None else {}
            part = {seed: value for seed, value in delay.seeds.items() if seed in whole}
            whole = {seed: whole[seed] for seed in part}
            share = share_of(part, whole, floor)
            yield Delay(at=(delay.at,), effect=mean(part, floor), damage=mean(whole, floor), share=share)
