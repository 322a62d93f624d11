"""What is known of a metric: its name, unit, direction and range, and how its numbers are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from critlab._core.errors import InvalidValue
from critlab._core.problems import shown
from critlab._core.user_code.values import is_real

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """A metric as a value; how it is computed is the affair of a scoring.

    Args:
        name: an identifier; the tidy table has it as ``test_NAME`` and ``train_NAME``.
        label: what it is called in a sentence, such as ``mean absolute error``; empty for the name in words.
        better: which values are better.
        unit: the unit of its numbers, such as ``mm``; empty for a pure number.
        factor: by which numbers are multiplied before they are shown; with 100 they are shown in points, and levels
            in percent.
        least: the smallest possible value; None where there is none.
        most: the largest possible value; None where there is none.
        smallest_damage: the smallest damage of interest unless a study says otherwise, in the unit of the metric.
        counted: whether it is a share of right answers, so that it is a mean over examples of 0 and 1, and has the
            rounding of a share.

    Raises:
        InvalidValue: a StudyError and a ValueError: the name is no identifier, or a value is out of its range.
    """

    name: str
    label: str = ""
    better: Better = "higher"
    unit: str = ""
    factor: float = 1.0
    least: float | None = None
    most: float | None = None
    smallest_damage: float = 0.01
    counted: bool = False

    def __post_init__(self) -> None:
        for field in ("label", "unit"):
            if not isinstance(getattr(self, field), str):
                raise InvalidValue(f"{field}: received {shown(getattr(self, field))}; must be a text")
        for field in ("factor", "least", "most", "smallest_damage"):
            given = getattr(self, field)
            if not is_real(given) and not (given is None and field in ("least", "most")):
                raise InvalidValue(f"{field}: received {shown(given)}; must be a finite number")
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise InvalidValue(f"name: received {self.name!r}; must be an identifier, such as dice")
        if self.better not in ("higher", "lower"):
            raise InvalidValue(f'better: received {self.better!r}; must be "higher" or "lower"')
        if not self.factor > 0:
            raise InvalidValue(f"factor: received {self.factor}; must be above 0")
        if not self.smallest_damage >= 0:
            raise InvalidValue(f"smallest_damage: received {self.smallest_damage}; must be at least 0")

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return self.label or self.name.replace("_", " ")

    @property
    def in_points(self) -> bool:
        """Whether it is a fraction that is shown in points."""
        return self.factor == 100

    @property
    def test(self) -> str:
        """The quantity of the tidy table on test data."""
        return f"test_{self.name}"

    @property
    def train(self) -> str:
        """The quantity of the tidy table on training data."""
        return f"train_{self.name}"

    @property
    def sign(self) -> float:
        """1 where higher values are better, -1 where lower ones are."""
        return 1.0 if self.better == "higher" else -1.0

    def loss(self, before: float, after: float) -> float:
        """How much worse ``after`` is than ``before``; negative where it is better."""
        return before - after if self.better == "higher" else after - before


ACCURACY = Metric("accuracy", "accuracy", factor=100, least=0.0, most=1.0, counted=True)
"""The share of labels that are given right."""
