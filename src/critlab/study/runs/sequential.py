"""Seeds and points that are chosen while a study runs: what the study fixes beforehand, and which are in play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from critlab._core.problems import Problems, problems, shown
from critlab._core.spec import Spec
from critlab.study.types import Epoch, increasing, sequence

FEWEST_SEEDS = 3
"""Fewer seeds decide nothing; ``critlab.analysis`` explains why."""


MOST_SEEDS = 10_000
MOST_POINTS = 1_000


class SequentialSeeds(Spec):
    """Seeds that are added until the answer is decided.

    Args:
        first: how many are trained before the first look.
        most: how many there are at the last look.
        so_far: how many are in play; critlab writes it into the store's record of the study.
    """

    first: int
    most: int
    so_far: int | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.first < FEWEST_SEEDS:
            text = f"received {self.first}; must be at least {FEWEST_SEEDS}, the fewest seeds that can decide anything"
            raise Problems([(("first",), text)])
        if self.most > MOST_SEEDS:
            raise Problems([(("most",), f"received {shown(self.most)}; must be at most {MOST_SEEDS:,}")])
        if self.most < self.first:
            raise Problems([(("most",), f"received {self.most}; must be at least first, which is {self.first}")])
        if self.so_far is not None and not self.first <= self.so_far <= self.most:
            text = f"received {self.so_far}; must be from {self.first} (first) to {self.most} (most), or left out"
            raise Problems([(("so_far",), text)])
        return self

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of seeds at which the study is judged: a quarter more each time, and at least one.

        From 3 to 20 these are 3, 4, 5, 6, 8, 10, 13, 16 and 20.
        """
        found = [self.first]
        while found[-1] < self.most:
            found.append(min(self.most, max(found[-1] + 1, (5 * found[-1] + 2) // 4)))
        return tuple(found)

    def after(self, seeds: int) -> int | None:
        """The next number of seeds above ``seeds``; None where the budget is spent."""
        return next((count for count in self.counts if count > seeds), None)


STANDARD = SequentialSeeds(first=FEWEST_SEEDS, most=20)
"""The design that calibration simulates, and whose level judges an unplanned look."""


class AdaptivePoints(Spec):
    """Points of a sweep that are added where they narrow the closing.

    Args:
        first: epochs that every study begins with, increasing.
        most: how many points there are at the end.
        so_far: those in play; critlab writes them into the store's record of the study.
    """

    first: Annotated[tuple[Epoch, ...], BeforeValidator(sequence), Field(min_length=2)]
    most: int = Field(le=MOST_POINTS)
    so_far: Annotated[tuple[Epoch, ...] | None, BeforeValidator(sequence)] = None

    @model_validator(mode="before")
    @classmethod
    def _whole_epochs(cls, raw: Any) -> Any:
        first = raw.get("first") if isinstance(raw, Mapping) else None
        if isinstance(first, list | tuple) and "never" in first:
            text = 'received "never"; must be left out, because points are added between epochs'
            raise Problems([(("first",), text)])
        return raw

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        increasing(self.first, "first")
        if self.most < len(self.first):
            text = f"received {self.most}; must be at least {len(self.first)}, the number of first points"
            raise Problems([(("most",), text)])
        if self.so_far is not None:
            increasing(self.so_far, "so_far")
            if not set(self.first) <= set(self.so_far):
                raise Problems([(("so_far",), f"received {shown(list(self.so_far))}; must hold all first points")])
        return self


def read_table(raw: Mapping[str, Any], key: str, kind: type[Any]) -> Any:
    """The value of ``kind`` in the table at ``key`` of ``raw``.

    Raises:
        Problems: the table is not one.
    """
    try:
        return kind.model_validate(dict(raw[key]))
    except ValidationError as error:
        found = problems(error, kind)
    raise Problems([((key, *where), text) for where, text in found])
