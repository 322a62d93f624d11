"""On what kind of machine and by which version of torch a record was made: two kinds may give two numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from critlab.engine.study_run import StudyRun

Tally = Mapping[str, int]
"""How many records each kind made, by its words, most first."""


class Maker(NamedTuple):
    """What the numbers of a record can depend on, in addition to its name.

    Args:
        torch: its version.
        processor: the model.
        machine: operating system and architecture.
        device: ``cpu`` or ``cuda``.
    """

    torch: str
    processor: str
    machine: str
    device: str

    @property
    def words(self) -> str:
        """As a reader sees it, such as ``torch 2.13.0, AMD EPYC, Linux x86_64, cpu``."""
        return f"torch {self.torch}, {self.processor}, {self.machine}, {self.device}"


def maker(body: Mapping[str, Any]) -> Maker | None:
    """Who made a record; None where its body does not say."""
    known = body.get("provenance")
    if not isinstance(known, Mapping) or not known:
        return None
    return Maker(*(str(known.get(field, "unknown")) for field in Maker._fields))


def tally(makers: Iterable[Maker] | Mapping[Maker, int]) -> dict[str, int]:
    """How many records each kind made, most first."""
    return {one.words: count for one, count in Counter(makers).most_common()}


def by_arm(run: StudyRun, made: Mapping[str, Maker]) -> dict[str, dict[str, int]]:
    """Who made the epochs of each arm; an epoch that runs of an arm share counts once.

    Args:
        run: the study, its tree and the names of its states.
        made: who made which state.
    """
    paths: dict[str, set[str]] = {}
    for one in run.study.runs:
        paths.setdefault(one.arm, set()).update(run.tree.upwards(run.tree.ends[one.name]))
    found: dict[str, dict[str, int]] = {}
    for arm, shared in paths.items():
        states = (run.ids.state(seed, path) for seed in run.study.seeds for path in shared)
        found[arm] = tally(made[state] for state in states if state in made)
    return found


def arm_lines(arms: Mapping[str, Tally], what: str = "epochs") -> list[str]:
    """What each arm was made on, one line each; none where everything was made on one kind.

    Args:
        arms: how many each kind made, by arm.
        what: was made.
    """
    kinds = {words for counts in arms.values() for words in counts}
    if len(kinds) < 2:
        return []
    return [
        f"{arm}: " + "; ".join(f"{count:,} {what} on {words}" for words, count in counts.items())
        for arm, counts in arms.items()
        if counts
    ]
