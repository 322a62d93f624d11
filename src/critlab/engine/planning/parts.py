"""What a part of a study is and what it leaves to the others, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.missing_work import MissingWork
from critlab.study.runs.parts import Part, Share, share

MOST_LISTED = 12
"""How many seeds a sentence lists."""


def part_text(found: Share) -> str:
    """What a part does, such as ``part 1/2: seeds 0 and 2 (24 of 48 epochs)``."""
    if not found.seeds:
        return f"part {found.part}: nothing to do; a seed has {found.of_runs} runs, which are already divided"
    work = f"{found.epochs:,} of {found.of_epochs:,} epochs"
    if found.runs == found.of_runs:
        return f"part {found.part}: {_seeds(found.seeds)} ({work})"
    return f"part {found.part}: {found.runs} of {found.of_runs} runs of {_seeds(found.seeds)} ({work})"


def share_of(run: StudyRun) -> Share | None:
    """What the part of ``run`` has of its study; None where there are no parts."""
    return None if run.part is None else share(run.part, run.tree, run.study.seeds)


def part_end(part: Part, left: MissingWork) -> str:
    """What a person reads once a part is done: what the store lacks of the whole study, and what to do about it."""
    if not left.tasks:
        return f"part {part} is done; the store has the whole study"
    counts = {"epochs": left.trained, "readings": left.readings}
    lacks = " and ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "checkpoints"
    return (
        f"part {part} is done; {lacks} of the study are missing in this store: run the other parts here, or merge "
        "their stores with critlab store merge"
    )


def _seeds(seeds: Sequence[int]) -> str:
    listed = [f"{seed}" for seed in seeds[:MOST_LISTED]]
    if len(seeds) > MOST_LISTED:
        return f"{len(seeds)} seeds ({', '.join(listed)}, ...)"
    *most, last = listed
    return f"seeds {', '.join(most)} and {last}" if most else f"seed {last}"
