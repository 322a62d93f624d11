"""Deficits in the background of a sweep: each has a window of its own, the same in every run."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from critlab._core.problems import Problems, shown
from critlab._core.spec import Spec
from critlab.study.types import AnyDeficit, Epoch, Removal


class BackgroundDeficit(Spec):
    """A deficit that stands still while another is swept: in the runs of the sweep and in their controls.

    So each of several deficits has its own onset and removal, such as one for each of two sources.

    Args:
        deficit: what is applied to the data.
        start: the first epoch, from 0.
        stop: the first epoch without it, above ``start``; or ``"never"``.

    Source: Kleinman, Achille and Soatto 2023, where deficits of one source begin and end at different epochs; holding
    one deficit while another is swept: ours.
    """

    deficit: AnyDeficit
    start: Epoch = 0
    stop: Removal

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.stop != "never" and self.stop <= self.start:
            text = (
                f"received {shown(self.stop)}; must be above start, {self.start}, because the window is [start, stop)"
            )
            raise Problems([(("stop",), text)])
        return self

    def __contains__(self, epoch: int) -> bool:
        return self.start <= epoch and (self.stop == "never" or epoch < self.stop)

    def overlaps(self, other: BackgroundDeficit) -> bool:
        """Whether some epoch lies in both windows."""
        later, earlier = (self, other) if self.start >= other.start else (other, self)
        return later.start in earlier

    def words(self) -> str:
        """As the exported table has it, such as ``blur(factor=4, source=A) in [2, 6)``."""
        usual = type(self.deficit).model_fields["when"].default
        told = {key: value for key, value in self.deficit.special().items() if (key, value) != ("when", usual)}
        options = ", ".join(f"{key}={value}" for key, value in told.items())
        when = f"from {self.start}" if self.stop == "never" else f"in [{self.start}, {self.stop})"
        return f"{self.deficit.name}({options}) {when}" if options else f"{self.deficit.name} {when}"
