"""What a measure says of a number that it reads: enough to draw it without knowing the measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """One quantity of a measure.

    Args:
        name: as in the exported table.
        label: what a chart calls it; begins with a capital letter.
        unit: its unit in plain text; empty for a pure number.
        log: whether a logarithmic scale shows it best where its values are positive and span a wide range.
        by: what the table's column ``layer`` holds: ``"layer"``, ``"source"``, or another short noun. Empty where the
            quantity is read of the whole network alone.
        better: which values are better, ``"higher"`` or ``"lower"``; empty where neither is.
        least: the smallest value that the quantity can have; None where there is none. A drawn interval ends there.
        most: the largest; in the same way.
    """

    name: str
    label: str
    unit: str = ""
    log: bool = False
    by: str = ""
    better: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def axis(self) -> str:
        """The title of an axis: label and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @classmethod
    def undeclared(cls, name: str) -> Quantity:
        """What is drawn for a quantity that no measure declares: its name in words, on a linear scale."""
        words = name.replace("_", " ")
        return cls(name, words[:1].upper() + words[1:], by="layer")
