"""Whether a study's numbers come from several kinds of machine or versions of torch, by arm and inside contrasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from critlab.analysis.tables.study_table import StudyTable
from critlab.engine.records.makers import Maker, tally
from critlab.study.runs.run import Run


@dataclass(frozen=True)
class ArmMixture:
    """What one arm was made on.

    Args:
        arm: its name.
        records: of epochs and readings, by kind of machine in words, most first; what runs share counts in each.
        pairs: how many runs are compared with the clean run of the same seed.
        mixed: in how many of these run and control were not made on one and the same kind.
    """

    arm: str
    records: Mapping[str, int]
    pairs: int
    mixed: int


@dataclass(frozen=True)
class Mixture:
    """What a study was made on where that is more than one kind.

    Args:
        kinds: records of the whole study by kind of machine in words, most first.
        arms: each arm, in the order of the study.
    """

    kinds: Mapping[str, int]
    arms: tuple[ArmMixture, ...]

    @property
    def mixed(self) -> int:
        """In how many contrasts run and control were not made on one and the same kind."""
        return sum(arm.mixed for arm in self.arms)


def mixture(results: StudyTable) -> Mixture | None:
    """What the study was made on; None where everything was made on one kind, or where nothing says on what."""
    kinds: Counter[Maker] = Counter()
    for counts in results.makers.values():
        kinds.update(counts)
    if len(kinds) < 2:
        return None
    arms: dict[str, list[Run]] = {}
    for run in results.study.runs:
        arms.setdefault(run.arm, []).append(run)
    return Mixture(tally(kinds), tuple(_arm(results, arm, runs) for arm, runs in arms.items()))


def _arm(results: StudyTable, arm: str, runs: list[Run]) -> ArmMixture:
    records: Counter[Maker] = Counter()
    pairs = mixed = 0
    for run in runs:
        for seed in results.study.seeds:
            records.update(results.makers.get(run.identifier(seed), {}))
            if run.controls:
                pairs += 1
                mixed += is_mixed(results, run, results.run_named[run.controls[0].control], seed)
    return ArmMixture(arm, tally(records), pairs, mixed)


def is_mixed(results: StudyTable, run: Run, control: Run, seed: int) -> bool:
    """Whether a run and the clean run that it is compared with were made on more than one kind of machine."""
    makers = results.makers
    return len({*makers.get(run.identifier(seed), ()), *makers.get(control.identifier(seed), ())}) > 1
