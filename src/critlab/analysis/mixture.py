"""Whether a study's numbers come from several kinds of machine or versions of torch, by arm and inside contrasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from critlab.engine.makers import Maker, tally

if TYPE_CHECKING:
    from critlab.analysis.results import Results
    from critlab.study.run import Run

MOST_LINES = 20
"""How many arms the words list."""


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


def mixture(results: Results) -> Mixture | None:
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


def _arm(results: Results, arm: str, runs: list[Run]) -> ArmMixture:
    records: Counter[Maker] = Counter()
    pairs = mixed = 0
    for run in runs:
        for seed in results.study.seeds:
            records.update(results.makers.get(run.identifier(seed), {}))
            if run.controls:
                pairs += 1
                mixed += is_mixed(results, run, results.run_named[run.controls[0].control], seed)
    return ArmMixture(arm, tally(records), pairs, mixed)


def is_mixed(results: Results, run: Run, control: Run, seed: int) -> bool:
    """Whether a run and the clean run that it is compared with were made on more than one kind of machine."""
    makers = results.makers
    return len({*makers.get(run.identifier(seed), ()), *makers.get(control.identifier(seed), ())}) > 1


def mixture_lines(found: Mixture | None) -> Iterator[str]:
    """What a reader must know, one sentence each; none where everything was made on one kind."""
    if found is None:
        return
    named = {
        words: chr(ord("A") + index) if index < 26 else f"kind {index + 1}" for index, words in enumerate(found.kinds)
    }
    yield (
        f"The numbers come from {len(named)} kinds of machine or versions of torch: "
        + "; ".join(f"{letter}: {words}" for words, letter in named.items())
        + ". The same training may give other numbers on another kind."
    )
    for arm in found.arms[:MOST_LINES]:
        if arm.records:
            counts = ", ".join(f"{count:,} records on {named[words]}" for words, count in arm.records.items())
            pairs = f"; {arm.mixed} of {arm.pairs} differences from the control mix kinds" if arm.mixed else ""
            yield f"{arm.arm}: {counts}{pairs}."
    if len(found.arms) > MOST_LINES:
        yield f"{len(found.arms) - MOST_LINES:,} more arms are not listed."
    if found.mixed:
        advice = "To exclude that, train the study in a new store on one kind."
        yield f"Where a difference mixes kinds, part of it may be the machine's. {advice}"
