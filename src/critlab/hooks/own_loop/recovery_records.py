"""What a user's mapping keeps of recoveries: their scores, and at how many repeats they were judged."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import cached_property
from typing import Any

from critlab._core.digest import digest
from critlab._core.errors import StudyError
from critlab._core.user_code.identity import own_code
from critlab.analysis.judgement.looks import Looks, looks_among
from critlab.analysis.statistics import LEVEL, MINIMUM_SEEDS
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.recovered import Recovered, Recovery, Remedy
from critlab.study.runs.stages import Look
from critlab.training.states.packing import Arrays, arrays_digest


def first_look(repeats: int) -> Looks:
    """The look at so many repeats where no earlier one is known."""
    return looks_among((), range(repeats), None)


class RecoveryRecords:
    """The recoveries of one stretch in a mapping of the user's.

    Args:
        kept: the mapping; other stretches may be in it too.
        loop: the user's.
        checkpoints: packed, by name.
        forks: by name; ``with`` and ``without`` are among them.
        metric: the name of what ``evaluate`` gives.
    """

    def __init__(
        self,
        kept: MutableMapping[str, Any],
        loop: GivenLoop,
        checkpoints: Mapping[str, Arrays],
        forks: Mapping[str, Recovery],
        metric: str,
    ) -> None:
        self.kept, self.forks, self.metric = kept, forks, metric
        self._codes = [code.digest for _, code in loop.codes(("advance", "evaluate"))]
        self._states = {name: arrays_digest(arrays) for name, arrays in checkpoints.items()}
        if self._looks_name not in kept:
            # before anything is trained: scores without this entry are those of an earlier critlab
            kept[self._looks_name] = self._looks_before()

    def find(self, name: str, repeat: int) -> Recovered | None:
        """What the fork called ``name`` gave in ``repeat``; None where it is not kept.

        Raises:
            StudyError: something else is kept in its place.
        """
        known = self._name(name, repeat)
        return Recovered.read(self.kept[known]) if known in self.kept else None

    def keep(self, name: str, repeat: int, recovered: Recovered) -> None:
        """Keeps what a fork gave."""
        self.kept[self._name(name, repeat)] = recovered.plain()

    def look(self, repeats: int) -> Looks:
        """The look at so many repeats, which is recorded from now on.

        The same number again is no new look. Too few repeats to decide anything are none either.

        Raises:
            StudyError: something else is kept in the place of the looks.
        """
        if repeats < MINIMUM_SEEDS:
            return first_look(repeats)
        made = self._looks()
        found = looks_among(made, range(repeats), None)
        if all(len(one.seeds) != repeats for one in made):
            added = {"repeats": repeats, "level": found.level, "planned": found.planned}
            self.kept[self._looks_name] = [*self.kept[self._looks_name], added]
        return found

    def _looks(self) -> tuple[Look, ...]:
        try:
            return tuple(
                Look("", tuple(range(one["repeats"])), (), float(one["level"]), bool(one["planned"]), "")
                for one in self.kept[self._looks_name]
            )
        except (KeyError, TypeError, ValueError):
            raise StudyError(
                f"lasting_damage: kept: the entry {self._looks_name!r} does not hold looks; delete it, or give "
                "another mapping"
            ) from None

    def _looks_before(self) -> list[dict[str, Any]]:
        """The look of an earlier critlab, which recorded none: at all repeats that are kept."""
        repeats = 0
        while all(self._name(name, repeats) in self.kept for name in ("without", "with")):
            repeats += 1
        return [{"repeats": repeats, "level": LEVEL, "planned": True}] if repeats >= MINIMUM_SEEDS else []

    @cached_property
    def _looks_name(self) -> str:
        """The name of the looks: by what does not change while repeats, controls and remedies are added."""
        ends = [(self.forks[name].begin, self.forks[name].end) for name in ("without", "with")]
        states = [self._states[name] for name in ("before", "after")]
        return f"looks {digest('looks at recoveries', self._codes, states, ends, self.metric)[:32]}"

    def _name(self, name: str, repeat: int) -> str:
        """The name of a recovery: by code, also of the remedy, checkpoint, epochs, repeat and metric."""
        one = self.forks[name]
        parts = (self._codes, self._states[one.checkpoint], one.begin, one.end, self._remedies[name], repeat)
        return digest("recovery", *parts, self.metric)[:32]

    @cached_property
    def _remedies(self) -> dict[str, str]:
        """The names of what is done before the first epoch of each fork; empty for nothing."""
        return {name: "" if one.remedy is None else _remedy_name(name, one.remedy) for name, one in self.forks.items()}


def _remedy_name(name: str, remedy: Remedy) -> str:
    """What names a remedy: its own name and its code; the name alone where the code cannot be read."""
    try:
        return digest("remedy", name, own_code(remedy, name, here=True).digest)
    except StudyError:
        return name
